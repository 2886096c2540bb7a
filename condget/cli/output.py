"""The command line's output: data to stdout, words to stderr. The only place that prints text.

Servers, feeds and lists can hold anything. All text is made safe for a terminal here once more, also if its author did
so already: no control characters, no escape sequences but our own colours, no bidirectional controls.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO

from condget.shown import on_one_line, printable


def put(line: str = "") -> None:
    """Print one line of data."""
    write(on_one_line(line) + "\n")


def put_json(line: str) -> None:
    """Print one line of ASCII JSON. DEL, the one control that JSON need not escape, stays as it is in the value."""
    write(line.replace("\x7f", "\\u007f") + "\n")


def write(text: str, *, to: TextIO | None = None, colour: bool = False) -> None:
    """Print whole lines of data; escape sequences for colours pass where `colour` is true."""
    (to or sys.stdout).write(printable(text, colour=colour))


def say(line: str) -> None:
    """Print one line of words for the user, which says whose words they are."""
    note(f"condget: {line}")


def note(line: str) -> None:
    """Print one line on stderr."""
    print(on_one_line(line), file=sys.stderr)


def has_colours(stream: TextIO) -> bool:
    """Whether a stream is a terminal that shows colours, and its user wants them (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def prepare() -> None:
    """Let no character that the terminal's encoding lacks end a command."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")


def give_up_stdout() -> None:
    """Leave nothing for Python to flush at exit, where a failure would get words and an exit code of its own."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
