"""Cache: stored responses in one SQLite file. Heads and contents stand in tables of their own, so that freshening a
head never rewrites content; long contents are kept in chunks, written and read in constant memory.

When the byte budget is exceeded, what is expired and cannot be validated goes first, then the least recently used.
"""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from urllib.parse import urlsplit

from condget.after_fork import renew_after_fork
from condget.cache.messages import StoredResponse
from condget.errors import StoreError
from condget.settings import Clock, cache_path
from condget.stores import managing
from condget.stores.abilities import StoreStats
from condget.stores.cache_file import CHUNK, HIDDEN, ROWS, SPAN, CacheFile, hide_or_delete, identity
from condget.stores.cache_writer import DIGEST_SIZE, CacheWriter, checksum, digest_of, size_of
from condget.stores.protocols import ContentGone
from condget.stores.records import from_head, from_text, to_head, to_text
from condget.stores.usefulness import useless_from

#: How many heads or uses wait for the next transaction, and how long heads do, at most.
_MOST_LATER = 1000
_LATER_SECONDS = 1.0
#: Most bytes of content that stay in memory; the content that was read last stays.
_RECENT_BYTES = 16 << 20


class Cache:
    """A private HTTP cache on disk, shared safely by threads, tasks and processes.

    Args:
        path: A directory that is to hold `cache.sqlite3`, or a file named `*.sqlite3`, `*.sqlite` or `*.db`;
            None: the user's cache directory.
        max_size: Most bytes of heads and contents that are kept; the least recently used go first.
        clock: Gives the present instant in POSIX seconds.

    Nothing touches the disk before the first use, and a closed cache opens again when it is used. Every method may
    raise `StoreError` if the file cannot be used; a client's requests go on all the same.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, max_size: int = 1024**3, *, clock: Clock = time.time
    ) -> None:
        self.path = _file(path)
        self.max_size = max_size
        self.clock = clock
        _caches.add(self)
        # Writes that wait for the next transaction: heads, and instants of use.
        self._freshened: dict[int, StoredResponse] = {}
        self._touched: dict[int, float] = {}
        self._later_lock = threading.Lock()
        self._waiting_since = 0.0
        self._recent: dict[tuple[int, int], bytes] = {}
        self._recent_bytes = 0
        #: The ids of long content that is being read, by reader: it is not evicted. No lock guards them, since a reader
        #: may end wherever garbage is collected; each use is one step.
        self._readers: dict[object, int] = {}
        self._recent_lock = threading.Lock()
        self._file = CacheFile(self.path, clock, self._forget)
        renew_after_fork(self)

    def __repr__(self) -> str:
        return f"Cache({str(self.path)!r}, max_size={self.max_size})"

    def __reduce__(self) -> tuple[object, ...]:
        return partial(Cache, clock=self.clock), (self.path, self.max_size)

    def __enter__(self) -> Cache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def notices(self) -> Sequence[str]:
        """Troubles that were mended, such as a damaged file that was set aside."""
        return self._file.notices

    # The protocol `condget.stores.protocols.Store`, for transports.

    def load(self, url: str, partition: str = "") -> Sequence[StoredResponse]:
        """Return the heads of all stored responses of that URL and partition, newest first."""
        generation, rows = self._file.rows(
            "SELECT CAST(head AS BLOB), checksum, id FROM responses WHERE url = ? AND partition = ? ORDER BY id DESC",
            (url, partition),
        )
        freshened = self._freshened
        intact: list[StoredResponse] = []
        damaged: list[int] = []
        for head, check, row in rows:
            id = identity(generation, row)
            stored = freshened.get(id) or _head(head, check, id)
            if stored is not None and stored.url == url and stored.partition == partition:
                intact.append(stored)
            else:
                damaged.append(id)
        if damaged:
            self._drop(damaged)
        return intact

    def content(self, stored: StoredResponse, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Return the stored content, or the bytes from `start` up to `stop`, in chunks of at most 1 MiB.

        Each chunk is checked before it is handed out. Nothing is held open between two chunks, so that a reader who
        pauses holds up nobody.
        """
        length = stored.content_length or 0
        stop = length if stop is None else min(stop, length)
        if stop <= start:
            return iter(())
        first, last = start // CHUNK, (stop - 1) // CHUNK
        begin, end = start - first * CHUNK, stop - first * CHUNK
        # Content that is gone is noticed now.
        if first != last:
            part = self._checked_chunk(stored, first)[begin:]
            return self._long_content(stored, part, range(first + 1, last + 1), stop)
        data = self._chunk(stored, first)
        return iter((data if (begin, end) == (0, len(data)) else data[begin:end],))

    def _long_content(self, stored: StoredResponse, part: bytes, numbers: range, stop: int) -> Iterator[bytes]:
        reader = object()
        self._readers[reader] = stored.id
        try:
            yield part
            for number in numbers:
                yield self._checked_chunk(stored, number)[: stop - number * CHUNK]
        finally:
            self._readers.pop(reader, None)

    def _chunk(self, stored: StoredResponse, number: int) -> bytes:
        """Return a chunk of a stored content, from memory or checked against its digest."""
        data = self._recent.get((stored.id, number))
        if data is None:
            data = self._checked_chunk(stored, number)
            self._remember((stored.id, number), data)
        return data

    def _checked_chunk(self, stored: StoredResponse, number: int) -> bytes:
        """Return a chunk as it stands in the file.

        Raises:
            ContentGone: it is gone, or it is not what was stored; then the response is dropped.
        """
        row = stored.id & ROWS
        generation, rows = self._file.rows(
            f"""SELECT data, substr(digest, ?, {DIGEST_SIZE}) FROM chunks, responses
            WHERE key = ? AND id = ? AND url IN (?, '{HIDDEN}') AND partition = ?""",
            (number * DIGEST_SIZE + 1, row * SPAN + number, row, stored.url, stored.partition),
        )
        if not rows or identity(generation, row) != stored.id:
            raise ContentGone(f"The stored content of {stored.url} is gone from {self.path}.")
        ((data, digest),) = rows
        length = min(CHUNK, (stored.content_length or 0) - number * CHUNK)
        if not isinstance(data, bytes) or len(data) != length or digest_of(data) != digest:
            self._drop([stored.id])
            raise ContentGone(f"The stored content of {stored.url} is not what was stored; it is dropped.")
        return data

    def _remember(self, key: tuple[int, int], data: bytes) -> None:
        # Content never changes under its key, and `load` has just said that it is still there.
        with self._recent_lock:
            self._recent_bytes += len(data) - len(self._recent.pop(key, b""))
            self._recent[key] = data
            while self._recent_bytes > _RECENT_BYTES:
                self._recent_bytes -= len(self._recent.pop(next(iter(self._recent))))

    def _drop(self, ids: Iterable[int]) -> None:
        """Delete what is damaged, so that the next response takes its place; where that fails, it is met again."""
        with suppress(StoreError), self._file.writing() as connection:
            connection.executemany("DELETE FROM responses WHERE id = ?", self._rows_of(ids))

    def _rows_of(self, ids: Iterable[int]) -> list[tuple[int]]:
        return [(row,) for id in ids if (row := self._file.row_of(id)) is not None]

    def writer(self, stored: StoredResponse, replaces: Sequence[StoredResponse] = ()) -> CacheWriter:
        """Begin to store a response; on commit it takes the place of `replaces`."""
        return CacheWriter(
            self._file, stored, replaces, max_size=self.max_size, clock=self.clock, make_room=self._evict
        )

    def freshen(self, stored: StoredResponse) -> None:
        """Replace the head of a stored response and keep its content.

        It is written later, with other transactions: were it lost, the response would only be validated once more.
        """
        with self._later_lock:
            self._freshened[stored.id] = stored
            self._touched[stored.id] = self.clock()
        self._write_later()

    def discard(self, stored: Iterable[StoredResponse]) -> None:
        """Delete these stored responses."""
        with self._file.writing() as connection:
            hide_or_delete(connection, "id = ?", self._rows_of(old.id for old in stored), self.clock())

    def invalidate(self, urls: Iterable[str]) -> None:
        """Delete every stored response of these URLs, in all partitions (RFC 9111 §4.4)."""
        with self._file.writing() as connection:
            hide_or_delete(connection, "url = ?", [(url,) for url in urls], self.clock())

    def touch(self, stored: StoredResponse, now: float) -> None:
        """Note that a stored response was used. It is written later: a hit must not cost a transaction."""
        self._touched[stored.id] = now
        if len(self._touched) > _MOST_LATER:
            self.flush()

    def flush(self) -> None:
        """Write what waits for the next transaction. Closing does so too, and the end of the process."""
        if (self._freshened or self._touched) and self._file.is_open:
            with self._file.writing() as connection:
                self._write_waiting(connection)

    def close(self) -> None:
        """Close the file. A later use opens it again, so one of two users of a cache may close it."""
        with suppress(StoreError):  # only the order of eviction, and a validation more, are at stake
            self.flush()
        self._file.close()

    # Managing.

    def __len__(self) -> int:
        return self.stats().responses

    @property
    def size(self) -> int:
        """Bytes of heads and contents that are stored, half-written content included."""
        with self._file.reading() as connection:
            size: int = connection.execute("SELECT size FROM totals").fetchone()[0]
        return size

    def responses(self, *, url: str | None = None, host: str | None = None) -> Iterator[StoredResponse]:
        """Return the heads of all stored responses, or those of a URL or a host, oldest first."""
        with self._file.reading() as connection:
            ids = [
                self._file.id_of(row)
                for row, its_url in connection.execute(
                    "SELECT id, url FROM responses WHERE url != ? AND url = coalesce(?, url) ORDER BY id", (HIDDEN, url)
                )
                if host in (None, _host(its_url))
            ]
        return (stored for id in ids if (stored := self._by_id(id)) is not None)

    def get(self, url: str) -> list[StoredResponse]:
        """Return the heads of the stored responses of a URL, in all partitions, newest first."""
        return list(self.responses(url=url))[::-1]

    def delete(self, url: str | None = None, *, host: str | None = None, older_than: float | None = None) -> int:
        """Delete the stored responses that meet all conditions given, and return how many they were.

        Args:
            url: Those of that URL.
            host: Those of that host.
            older_than: Those that were received, or last validated, more than so many seconds ago.

        Raises:
            UsageError: no condition was given; `clear` deletes all.
        """
        return managing.delete(self, url, host=host, older_than=older_than, now=self.clock())

    def clear(self) -> int:
        """Delete all stored responses, give the disk space back, and return how many they were.

        Half-written responses go, too, and are not counted.
        """
        with self._file.writing() as connection:
            ((count,),) = connection.execute("SELECT count(*) FROM responses WHERE url != ?", (HIDDEN,))
            connection.execute("DELETE FROM responses")
        self._vacuum()
        return int(count)

    def prune(self) -> int:
        """Delete what is expired and cannot be validated, give the disk space back, and return how many they were."""
        with self._file.writing() as connection:
            useless = "FROM responses WHERE useless_from < ?"
            now = self.clock()
            ((count,),) = connection.execute(f"SELECT count(*) {useless} AND url != ?", (now, HIDDEN))
            connection.execute(f"DELETE {useless}", (now,))
            self._evict(connection)
        self._vacuum()
        return int(count)

    def stats(self) -> StoreStats:
        """Return how much is stored."""
        with self._file.reading() as connection:
            rows = connection.execute("SELECT url, used FROM responses WHERE url != ?", (HIDDEN,)).fetchall()
        return StoreStats(
            location=str(self.path),
            responses=len(rows),
            hosts=len({_host(url) for url, _ in rows}),
            size=self.size,
            max_size=self.max_size,
            file_size=sum(part.stat().st_size for part in self.path.parent.glob(self.path.name + "*")),
            oldest=min((used for _, used in rows), default=None),
            newest=max((used for _, used in rows), default=None),
        )

    def verify(self) -> list[str]:
        """Read every stored content and return what is wrong, a sentence each: file, length or digest."""
        with self._file.reading() as connection:
            problems = [text for (text,) in connection.execute("PRAGMA integrity_check") if text != "ok"]
        for stored in self.responses():
            try:
                for number in range(-(-(stored.content_length or 0) // CHUNK)):
                    self._checked_chunk(stored, number)
            except StoreError as error:
                problems.append(str(error))
        return problems

    def export(self) -> Iterator[str]:
        """Yield every stored response as a line of JSON, its content in base64."""
        return managing.export(self)

    def import_(self, lines: Iterable[str]) -> int:
        """Store the responses that `export` wrote, and return how many they were.

        A stored response that was received later than its like stays.

        Raises:
            UsageError: a line is not of that form; its number is in the text. The lines before it are stored.
        """
        return managing.import_(self, lines)

    # Inside.

    def _by_id(self, id: int) -> StoredResponse | None:
        generation, rows = self._file.rows(
            "SELECT CAST(head AS BLOB), checksum FROM responses WHERE id = ?", (id & ROWS,)
        )
        if not rows or identity(generation, id & ROWS) != id:
            return None
        return self._freshened.get(id) or _head(*rows[0], id)

    def _vacuum(self) -> None:
        with self._file.reading() as connection, suppress(sqlite3.OperationalError):  # somebody reads: next time
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _forget(self) -> None:
        """Forget what is known of ids: the file was opened anew, and may be another."""
        with self._later_lock, self._recent_lock:
            self._freshened, self._touched, self._recent, self._recent_bytes = {}, {}, {}, 0

    def after_fork(self) -> None:
        """Make it usable in a forked process."""
        self._later_lock, self._recent_lock = threading.Lock(), threading.Lock()

    def _write_later(self) -> None:
        now = time.monotonic()
        if len(self._freshened) == 1:
            self._waiting_since = now
        elif len(self._freshened) > _MOST_LATER or now - self._waiting_since > _LATER_SECONDS:
            self.flush()

    def _write_waiting(self, connection: sqlite3.Connection) -> None:
        with self._later_lock:
            freshened, self._freshened = self._freshened, {}
            touched, self._touched = self._touched, {}
        heads = []
        for stored in freshened.values():
            if (row := self._file.row_of(stored.id)) is not None:
                text = to_text(to_head(stored))
                facts = (text, checksum(text.encode()), size_of(text, stored), useless_from(stored))
                heads.append((*facts, row, stored.url, stored.partition))
        connection.executemany(
            """UPDATE responses SET head = ?, checksum = ?, size = ?, useless_from = ?
            WHERE id = ? AND url = ? AND partition = ?""",
            heads,
        )
        used = [(at, row) for id, at in touched.items() if (row := self._file.row_of(id)) is not None]
        connection.executemany("UPDATE responses SET used = ? WHERE id = ?", used)

    def _evict(self, connection: sqlite3.Connection, keep: int = 0) -> bool:
        """Delete until the budget is met, all but the row `keep`, what is being written and what this process reads.

        Return whether the budget is met.
        """
        excess = connection.execute("SELECT size FROM totals").fetchone()[0] - self.max_size
        if excess <= 0:
            return True
        self._write_waiting(connection)
        kept = {keep, *(row for (row,) in self._rows_of(list(self._readers.values())))}
        for query, value in (
            ("SELECT id, size FROM responses WHERE useless_from < ? ORDER BY useless_from", self.clock()),
            # Replaced responses. A hidden response without a head is being written.
            ("SELECT id, size FROM responses WHERE url = ? AND head != '' ORDER BY used, id", HIDDEN),
            ("SELECT id, size FROM responses WHERE url != ? ORDER BY used, id", HIDDEN),
        ):
            doomed: list[tuple[int]] = []
            for row, size in connection.execute(query, (value,)):
                if excess <= 0:
                    break
                if row not in kept:
                    doomed.append((row,))
                    excess -= size
            connection.executemany("DELETE FROM responses WHERE id = ?", doomed)
        return bool(excess <= 0)


# The same few heads are read again and again, and a `StoredResponse` is immutable.
@lru_cache(maxsize=2048)
def _head(head: bytes, check: int | None, id: int) -> StoredResponse | None:
    """Return the stored response whose head a row holds, under its id; None: it is not what was written."""
    try:
        if check is not None and checksum(head) != check:
            return None
        return from_head(from_text(head.decode()), id)
    except (ValueError, TypeError, AttributeError):
        return None


_caches: weakref.WeakSet[Cache] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for cache in _caches:
        cache.close()


def _file(path: str | os.PathLike[str] | None) -> Path:
    if path is None:
        return cache_path()
    given = Path(path).expanduser()
    return given if given.suffix in (".sqlite3", ".sqlite", ".db") and not given.is_dir() else given / "cache.sqlite3"


def _host(url: str) -> str | None:
    return urlsplit(url).hostname
