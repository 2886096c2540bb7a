"""MemoryStore: stored responses in this process alone. For tests, and for caches that are not to touch a disk."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from condget.after_fork import renew_after_fork
from condget.cache.messages import StoredResponse
from condget.errors import StoreError


class MemoryStore:
    """A `Store` that lives as long as this object. It sets no bound to what it holds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._stored: dict[int, tuple[StoredResponse, bytes]] = {}
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Make it usable in a forked process."""
        self._lock = threading.Lock()

    def load(self, url: str, partition: str = "") -> Sequence[StoredResponse]:
        with self._lock:
            heads = [stored for stored, _ in self._stored.values()]
        return [stored for stored in reversed(heads) if (stored.url, stored.partition) == (url, partition)]

    def content(self, stored: StoredResponse, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        with self._lock:
            held = self._stored.get(stored.id)
        if held is None:
            raise StoreError(f"The stored content of {stored.url} is gone.")
        chunk = held[1][start:stop]
        return iter((chunk,) if chunk else ())

    def writer(self, stored: StoredResponse, replaces: Sequence[StoredResponse] = ()) -> MemoryWriter:
        return MemoryWriter(self, stored, replaces)

    def freshen(self, stored: StoredResponse) -> None:
        with self._lock:
            held = self._stored.get(stored.id)
            if held is not None:
                self._stored[stored.id] = (stored, held[1])

    def discard(self, stored: Iterable[StoredResponse]) -> None:
        with self._lock:
            for old in stored:
                self._stored.pop(old.id, None)

    def invalidate(self, urls: Iterable[str]) -> None:
        doomed = set(urls)
        with self._lock:
            self._stored = {row: held for row, held in self._stored.items() if held[0].url not in doomed}

    def touch(self, stored: StoredResponse, now: float) -> None:
        """Nothing is evicted, so nothing needs to be noted."""

    def close(self) -> None:
        """There is nothing to close: what is stored stays until this object goes."""

    def _put(self, stored: StoredResponse, content: bytes, replaces: Sequence[StoredResponse]) -> None:
        self.discard(replaces)
        with self._lock:
            row = next(self._ids)
            self._stored[row] = (replace(stored, id=row, content_length=len(content)), content)


class MemoryWriter:
    """Takes the content of one response."""

    def __init__(self, store: MemoryStore, stored: StoredResponse, replaces: Sequence[StoredResponse]) -> None:
        self._store = store
        self._stored = stored
        self._replaces = replaces
        self._content = bytearray()

    def write(self, chunk: bytes) -> None:
        self._content += chunk

    def commit(self) -> None:
        """Make head and content visible together, in place of what they replace."""
        self._store._put(self._stored, bytes(self._content), self._replaces)

    def abort(self) -> None:
        """Forget what was written."""
        self._content.clear()
