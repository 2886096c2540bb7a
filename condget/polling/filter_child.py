"""The child process of `filtering`: it searches until its time is over.

No expression that a user writes, and no text that a stranger writes, can be trusted to end. The `re` module looks for
signals while it searches, and ITIMER_REAL, which `parser_child` sets, sends one.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from condget.feeds.filters import Filter, passes


def verdicts(filters: Sequence[Filter], entries: Sequence[Sequence[str]]) -> list[bool | None]:
    """Return which entries, given by their texts, pass all filters; None: the time was over before."""
    found: list[bool | None] = []
    signal.signal(signal.SIGALRM, _stop)
    try:
        for texts in entries:
            found.append(all(passes(filter_, texts) for filter_ in filters))
    except TimeoutError:
        return found + [None] * (len(entries) - len(found))
    return found


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise TimeoutError
