"""The event loop is shared by all exchanges of a run: none may hold it for long (F1).

A stranger who sends without a pause always has the next byte ready, so that nothing ever waits. Code that works through
such bytes calls `pause` between steps of a millisecond or so.
"""

from __future__ import annotations

import asyncio
from time import perf_counter

#: Seconds that an exchange may work at a stretch.
_STRETCH = 0.005


class FairShare:
    """The stretches of one exchange."""

    __slots__ = ("_began",)

    def __init__(self) -> None:
        self._began = perf_counter()

    def rested(self) -> None:
        """Begin a stretch: the exchange has just waited for something."""
        self._began = perf_counter()

    async def pause(self) -> None:
        """Let other exchanges work, if this stretch is long enough."""
        if perf_counter() - self._began > _STRETCH:
            await asyncio.sleep(0)
            self._began = perf_counter()
