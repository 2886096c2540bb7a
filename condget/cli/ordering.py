"""Puts what is finished in the order of the list, so that two reports of the same list can be compared."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from condget.feeds.values import Outcome

#: Characters of content that may wait for a feed before them; more is handed on out of order.
_MOST_WAITING = 50_000_000

_Item = TypeVar("_Item")


class InOrder(Generic[_Item]):
    """Holds items back until those before them are there. An item without a place in the order waits for nothing."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._expected = deque(keys)
        self._places = set(self._expected)
        self._waiting: dict[str, tuple[_Item | None, int]] = {}
        self._size = 0

    def add(self, key: str, item: _Item | None, size: int = 0) -> list[_Item]:
        """Add the item of a key, or None where it has none, and return the items whose turn it is."""
        if key not in self._places:
            return [] if item is None else [item]
        self._waiting[key] = item, size
        self._size += size
        return self._next() if self._size <= _MOST_WAITING else self.rest()

    def rest(self) -> list[_Item]:
        """Return all items that wait, in order."""
        waiting = [key for key in self._expected if key in self._waiting]
        return self._taken(waiting)

    def _next(self) -> list[_Item]:
        turn = []
        while self._expected and (self._expected[0] in self._waiting or self._expected[0] not in self._places):
            key = self._expected.popleft()
            if key in self._waiting:
                turn.append(key)
        return self._taken(turn)

    def _taken(self, keys: Iterable[str]) -> list[_Item]:
        items = []
        for key in keys:
            item, size = self._waiting.pop(key)
            self._places.discard(key)
            self._size -= size
            if item is not None:
                items.append(item)
        return items


def size_of(outcome: Outcome) -> int:
    """Return how many characters of content an outcome holds."""
    return sum(len(entry.content or "") for entry in (*outcome.entries, *outcome.edited))
