"""The command line's shell: which command lives where, and which error exits with which code.

A command is a function in a file of its own, named in `COMMANDS` and imported when it is used or listed. Its signature
is read by Typer, the first line of its docstring is its help in the list of commands, the rest (examples under a line
of `\\b`) its help. It returns its exit code, None meaning 0. A group of commands is a `typer.Typer` instead. Files of
commands import nothing heavy at their top: httpx, feedparser, sqlite3 and asyncio are imported inside the function.
"""

from __future__ import annotations

import os
import sys
from types import FrameType

#: In the order of the help.
COMMANDS = {
    "poll": "condget.cli.poll:poll",
    "get": "condget.cli.get:get",
    "list": "condget.cli.list:list_feeds",
    "explain": "condget.cli.explain:explain",
    "doctor": "condget.cli.doctor:doctor",
    "cache": "condget.cli.cache:app",
    "state": "condget.cli.state:app",
    "paths": "condget.cli.paths:paths",
    "demo": "condget.cli.demo:run",
}

#: Set to 1 to see the traceback of an internal error.
DEBUG_ENV = "CONDGET_DEBUG"

_terminated = False


def main() -> None:
    """Run the command that `sys.argv` names and exit; the console script `condget`."""
    import signal

    # While modules are loaded there is nothing to keep, and an exception raised by a signal there may be swallowed.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    interrupt = signal.getsignal(signal.SIGINT)
    if callable(interrupt):
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        _keep_standard_streams()
        if sys.argv[1:] == ["--version"]:  # Typer alone would take twice as long as all of this
            from condget.settings import __version__

            print(f"condget {__version__}", flush=True)
            return
        from condget.cli.shell import app

        signal.signal(signal.SIGTERM, _terminate)
        signal.signal(signal.SIGINT, interrupt)
        app(prog_name="condget")
    except (KeyboardInterrupt, OSError) as error:  # outside of a command: help, say, that cannot be written
        sys.exit(exit_code(error))


def exit_code(error: BaseException) -> int:
    """Say on stderr what went wrong, in a sentence, and return the exit code that it means."""
    if isinstance(error, KeyboardInterrupt):
        return 143 if _terminated else 130
    if isinstance(error, OSError):
        _give_up_stdout()
    if isinstance(error, BrokenPipeError):  # whoever read the output has gone, which is no news to them
        return 141
    from condget.errors import CondgetError, StateLocked, UsageError

    if isinstance(error, CondgetError):
        _say(str(error))
        return 2 if isinstance(error, UsageError) else 75 if isinstance(error, StateLocked) else 1
    if isinstance(error, OSError) and error.strerror:
        _say(f"{error.strerror}: {error.filename}" if error.filename else error.strerror)
        return 1
    if os.environ.get(DEBUG_ENV):
        raise error
    _say(f"internal error ({type(error).__name__}: {error}); please report it with what {DEBUG_ENV}=1 shows")
    return 1


def _keep_standard_streams() -> None:
    """Take the places of streams that were closed (`>&-`), lest the state file gets one of their numbers."""
    for descriptor, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, flags)  # the lowest free number is this one
    # What is for stdout cannot be delivered, and to write there is an error; words for stderr are not wanted.
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115


def _give_up_stdout() -> None:
    """Leave nothing for Python to flush at exit where that would fail again, with words and a code of its own."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str) -> None:
    print(f"condget: {text}", file=sys.stderr)


def _terminate(signum: int, frame: FrameType | None) -> None:
    """Treat SIGTERM as Ctrl-C, so that what is finished is kept, but with an exit code of its own."""
    import signal

    global _terminated
    _terminated = True
    handler = signal.getsignal(signal.SIGINT)  # asyncio's own, while a loop runs; ignored in a shell's background job
    (handler if callable(handler) else signal.default_int_handler)(signal.SIGINT, frame)
