"""The progress of a long command: a bar on stderr while that is a terminal, and nothing when it is over.

`rich` is imported when the bar is first shown: a command that ends at once does not pay for it.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

#: Seconds for which a command shows no bar.
_QUIET = 0.3
#: Seconds between two looks of the bar: to draw it takes a millisecond.
_OFTEN = 0.1


class Bar:
    """A bar that stands aside while other lines are printed; it shows nothing where stderr is not a terminal."""

    def __init__(self, *, shown: bool = True) -> None:
        #: Whether somebody sits in front of it.
        self.is_wanted = shown and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._since = time.monotonic()
        self._progress: Any = None
        self._task: Any = None

    def show(self, done: float, total: float | None, words: str) -> None:
        """Show how much is done, with words behind the bar; None: nobody knows of how much."""
        now = time.monotonic()
        if not self.is_wanted or now - self._since < (_QUIET if self._progress is None else _OFTEN):
            return
        self._since = now
        if self._progress is None:
            self._progress = _progress()
            self._task = self._progress.add_task("", total=total)
        # No markup: a word in brackets would be taken for a style.
        self._progress.update(self._task, completed=done, total=total, words=words)
        self._progress.start()
        self._progress.refresh()

    def hide(self) -> None:
        """Take the bar away; `show` brings it back."""
        if self._progress is not None:
            self._progress.stop()
            self._since = 0.0


def _progress() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    return Progress(
        BarColumn(bar_width=30),
        TextColumn("{task.fields[words]}", markup=False),
        console=Console(stderr=True, highlight=False),
        transient=True,
        auto_refresh=False,
    )


def in_bytes(number: float) -> str:
    """Return a number of bytes for people.

    >>> in_bytes(999), in_bytes(12_345), in_bytes(3_400_000)
    ('999 B', '12.3 kB', '3.4 MB')
    """
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} B" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"
