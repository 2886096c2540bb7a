"""Memory for the content of all exchanges of a run together (F2).

Each exchange may hold half a megabyte. To hold more it needs one of a few places for large content, and waits for that
without reading, so that the sender waits, too. An exchange asks for one place at most, so none can wait for each other.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

#: Bytes that every exchange may hold.
SMALL = 524_288
#: Exchanges that may hold more at once.
_MOST_LARGE = 4


class Memory:
    """The memory of one run."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_MOST_LARGE)

    def share(self) -> Share:
        """Return the share of one exchange, to be entered for as long as its content is in use."""
        return Share(self._places)


class Share:
    """The share of one exchange."""

    __slots__ = ("_places", "large")

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        #: Whether it has a place for large content.
        self.large = False

    async def grow(self) -> None:
        """Wait for a place for large content."""
        await self._places.acquire()
        self.large = True

    def __enter__(self) -> Share:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.large:
            self.large = False
            self._places.release()
