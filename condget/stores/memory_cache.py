"""MemoryCache: stored responses in this process alone. For tests, and for caches that are not to touch a disk."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from condget.after_fork import renew_after_fork
from condget.cache.messages import StoredResponse
from condget.stores.protocols import ContentGone, ContentTooLong

#: Most responses of one URL: all their heads are looked at for a request.
_MOST_ALIKE = 64


class MemoryCache:
    """A private HTTP cache in memory, as long as this object lives. Threads may share it; processes do not.

    Args:
        max_size: Most bytes of content that are kept; the least recently used go first.
    """

    def __init__(self, max_size: int = 64 * 1024**2) -> None:
        self.max_size = max_size
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        # In the order of their use, the least recent first.
        self._stored: dict[int, tuple[StoredResponse, bytes]] = {}
        self._by_url: dict[str, list[int]] = {}
        self._size = 0
        renew_after_fork(self)

    def __repr__(self) -> str:
        return f"MemoryCache(max_size={self.max_size})"

    def __len__(self) -> int:
        return len(self._stored)

    def __bool__(self) -> bool:
        return True  # also when nothing is stored

    @property
    def size(self) -> int:
        """Bytes of content that are stored."""
        return self._size

    def after_fork(self) -> None:
        """Make it usable in a forked process."""
        self._lock = threading.Lock()

    def clear(self) -> int:
        """Delete all stored responses, and return how many they were."""
        with self._lock:
            count = len(self._stored)
            self._stored, self._by_url, self._size = {}, {}, 0
        return count

    def load(self, url: str, partition: str = "") -> Sequence[StoredResponse]:
        with self._lock:
            heads = [self._stored[row][0] for row in reversed(self._by_url.get(url, ()))]
        return [stored for stored in heads if stored.partition == partition]

    def content(self, stored: StoredResponse, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        with self._lock:
            entry = self._stored.get(stored.id)
        if entry is None:
            raise ContentGone(f"The stored content of {stored.url} is gone.")
        chunk = entry[1][start:stop]
        return iter((chunk,) if chunk else ())

    def writer(self, stored: StoredResponse, replaces: Sequence[StoredResponse] = ()) -> MemoryWriter:
        return MemoryWriter(self, stored, replaces)

    def freshen(self, stored: StoredResponse) -> None:
        with self._lock:
            entry = self._stored.get(stored.id)
            if entry is not None:
                self._stored[stored.id] = (stored, entry[1])

    def discard(self, stored: Iterable[StoredResponse]) -> None:
        with self._lock:
            for old in stored:
                self._delete(old.id)

    def invalidate(self, urls: Iterable[str]) -> None:
        with self._lock:
            for url in urls:
                for row in list(self._by_url.get(url, ())):
                    self._delete(row)

    def touch(self, stored: StoredResponse, now: float) -> None:
        with self._lock:
            entry = self._stored.pop(stored.id, None)
            if entry is not None:
                self._stored[stored.id] = entry

    def close(self) -> None:
        """There is nothing to close: what is stored stays until this object goes."""

    def _put(self, stored: StoredResponse, content: bytes, replaces: Sequence[StoredResponse]) -> None:
        if len(content) > self.max_size:
            raise ContentTooLong(f"{stored.url} is longer than the cache may be ({self.max_size} bytes).")
        self.discard(replaces)
        with self._lock:
            row = next(self._ids)
            self._stored[row] = (replace(stored, content_length=len(content), id=row), content)
            self._size += len(content)
            rows = self._by_url.setdefault(stored.url, [])
            rows.append(row)
            if len(rows) > _MOST_ALIKE:
                self._delete(rows[0])
            while self._size > self.max_size:
                self._delete(next(iter(self._stored)))

    def _delete(self, row: int) -> None:
        entry = self._stored.pop(row, None)
        if entry is None:
            return
        stored, content = entry
        self._size -= len(content)
        rows = self._by_url[stored.url]
        rows.remove(row)
        if not rows:
            del self._by_url[stored.url]


class MemoryWriter:
    """Takes the content of one response."""

    def __init__(self, cache: MemoryCache, stored: StoredResponse, replaces: Sequence[StoredResponse]) -> None:
        self._cache = cache
        self._stored = stored
        self._replaces = replaces
        self._content = bytearray()

    def write(self, chunk: bytes) -> None:
        self._content += chunk

    def commit(self) -> None:
        """Make head and content visible together, in place of what they replace."""
        self._cache._put(self._stored, bytes(self._content), self._replaces)

    def abort(self) -> None:
        """Forget what was written."""
        self._content.clear()
