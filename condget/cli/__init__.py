"""The command line's shell: which command lives where, and which error exits with which code.

A command is a function in a file of its own, named in `COMMANDS` and imported when it is used or listed. Typer reads
its signature; the first line of its docstring is its help in the list of commands, and the rest is its own help, with
examples under a line of `\\b`. It returns its exit code, None for 0. A group of commands is a `typer.Typer` instead.
Files of commands import nothing heavy at their top: httpx, feedparser, sqlite3 and asyncio are imported inside the
function. All text is printed by `condget.cli.output`.
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
    "watch": "condget.cli.watch:watch",
    "schedule": "condget.cli.schedule:schedule",
    "add": "condget.cli.add:add",
    "moved": "condget.cli.moved:moved",
    "dead": "condget.cli.dead:dead",
    "forget": "condget.cli.forget:forget",
    "import": "condget.cli.convert:import_opml",
    "export": "condget.cli.convert:export_opml",
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
    import gc
    import signal

    # Commands make many values that live to their end, and hardly any garbage.
    gc.set_threshold(100_000, 20, 20)
    # While modules are loaded there is nothing to keep, and an exception that a signal raises there may be swallowed.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    interrupt = signal.getsignal(signal.SIGINT)
    if callable(interrupt):
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        _keep_standard_streams()
        if sys.argv[1:] == ["--version"]:  # Typer alone would take twice as long as all of this
            from condget.settings import __version__

            sys.stdout.write(f"condget {__version__}\n")
            sys.stdout.flush()
            return
        from condget.cli.shell import app

        signal.signal(signal.SIGTERM, _terminate)
        signal.signal(signal.SIGINT, interrupt)
        app(prog_name="condget")
    except (KeyboardInterrupt, OSError) as error:  # outside of a command: help, say, that cannot be written
        sys.exit(exit_code(error))
    finally:
        gc.freeze()  # Python would look at every value once more before it exits


def exit_code(error: BaseException) -> int:
    """Say on stderr what went wrong, in a sentence, and return the exit code for it."""
    if isinstance(error, KeyboardInterrupt):
        return 143 if _terminated else 130
    from condget.cli.output import give_up_stdout, say

    if isinstance(error, OSError):
        give_up_stdout()
    if isinstance(error, BrokenPipeError):  # the reader of the output has gone, and knows
        return 141
    from condget.errors import CondgetError, StateLocked, UsageError

    if isinstance(error, CondgetError):
        for sentence in str(error).splitlines():
            say(sentence)
        return 2 if isinstance(error, UsageError) else 75 if isinstance(error, StateLocked) else 1
    if isinstance(error, OSError) and error.strerror:
        say(f"{error.strerror}: {error.filename}" if error.filename else error.strerror)
        return 1
    if os.environ.get(DEBUG_ENV):
        raise error
    say(f"internal error ({type(error).__name__}: {error}); please report it with what {DEBUG_ENV}=1 shows")
    return 1


def _keep_standard_streams() -> None:
    """Take the places of streams that are closed (`>&-`), so that the state file gets none of their numbers."""
    for descriptor, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, flags)  # the lowest free number is this one
    # Nothing can be delivered to a closed stdout, so that writing there is an error; a closed stderr takes all words.
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115


def _terminate(signum: int, frame: FrameType | None) -> None:
    """Treat SIGTERM as Ctrl-C, so that what is finished is kept, but with an exit code of its own."""
    import signal

    global _terminated
    _terminated = True
    handler = signal.getsignal(signal.SIGINT)  # asyncio's own, while a loop runs; ignored in a shell's background job
    (handler if callable(handler) else signal.default_int_handler)(signal.SIGINT, frame)
