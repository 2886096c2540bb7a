"""PostgresqlCache: stored responses in a PostgreSQL database that several machines share.

Ids are random, so that an id of another database, or of a time before a backup was restored, names nothing. Content
stands in chunks of a table of their own and is checked when it is read. Transactions do not wait for the disk: a crash
of the server may take the last responses, which costs requests and no more.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from condget.after_fork import renew_after_fork
from condget.cache.messages import StoredResponse
from condget.errors import StoreError, UsageError
from condget.settings import Clock
from condget.shown import line
from condget.stores.abilities import StoreStats
from condget.stores.postgresql import Database
from condget.stores.postgresql_format import CACHE, upgrade
from condget.stores.postgresql_queries import digest_of
from condget.stores.protocols import ContentGone, ContentTooLong
from condget.stores.records import from_head, from_text, to_head, to_text
from condget.stores.usefulness import useless_from

if TYPE_CHECKING:
    import psycopg

#: Longest piece of content in one row.
CHUNK = 1 << 18
_DIGEST_SIZE = 16
#: The rough cost in bytes of a response besides its head and content.
_ROW_BYTES = 300
#: Most responses of one URL (variants, parts, partitions): their heads are looked at for each request.
_MOST_ALIKE = 64
#: How long a half-written response may wait for its next chunk, in seconds.
_ABANDONED_AFTER = 3600.0
#: How long a long response that was replaced stays for those who are reading it, in seconds.
_READABLE_FOR = 600.0
#: How many responses are looked at for eviction at a time.
_PAGE = 200
#: How many uses wait to be written, and how many seconds, at most.
_MOST_TOUCHED = 1000
_TOUCHED_SECONDS = 5.0

#: A request waits with the database, and a miss is better than a long wait.
_LIMITS = {"connect_timeout": "2", "tcp_user_timeout": "3000"}

#: No statement takes longer than 2 s, and none waits for the disk. Both hold for a transaction only, since a pooler may
#: hand the session to another program.
_BOUNDED = b"SELECT set_config('statement_timeout', '2s', true), set_config('synchronous_commit', 'off', true)"
_NOT_WAITING = b"SELECT set_config('synchronous_commit', 'off', true)"

_MAX_SIZE = 1024**3
_IN_URL = "max_size="

T = TypeVar("T")


class PostgresqlCache:
    """A private HTTP cache in PostgreSQL, shared by threads, processes and machines.

    Args:
        url: `postgresql://USER@HOST:PORT/DATABASE`; libpq adds what it leaves out. `?max_size=` in its query is the
            argument below.
        max_size: Most bytes of heads and contents that are kept (1 GiB); the least recently used go first.
        clock: Gives the present instant in POSIX seconds.

    It connects when it is first used, and a closed cache connects again. Every method may raise `StoreError`; a
    client's requests go on all the same.

    Raises:
        UsageError: psycopg is not installed, or the URL cannot be read.
    """

    #: Calls wait for a network, so that an event loop hands them to a thread.
    is_remote = True

    def __init__(self, url: str, max_size: int | None = None, *, clock: Clock = time.time) -> None:
        self._url, in_url = _split(url)
        self.clock = clock
        self._database = self._opened()
        self.location = self._database.name
        self.max_size = _size_in(in_url, self.location) if max_size is None else max_size
        self._lock = threading.Lock()
        self._touched: dict[int, float] = {}
        self._touched_since = 0.0
        #: The ids of long content that is being read, by reader: this process does not evict it.
        self._readers: dict[object, int] = {}
        renew_after_fork(self)

    def __repr__(self) -> str:
        return f"PostgresqlCache({self.location!r}, max_size={self.max_size})"

    def __reduce__(self) -> tuple[object, ...]:
        return partial(PostgresqlCache, clock=self.clock), (self._url, self.max_size)

    def __enter__(self) -> PostgresqlCache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def after_fork(self) -> None:
        """Make it usable in a forked process."""
        self._lock = threading.Lock()

    # The protocol `condget.stores.protocols.Store`, for transports.

    def load(self, url: str, partition: str = "") -> Sequence[StoredResponse]:
        """Return the heads of all stored responses of that URL and partition, newest first."""
        rows = self._rows(
            "SELECT id, head, head_digest FROM condget_cache.responses WHERE url = %s AND partition = %s "
            "ORDER BY number DESC",
            (digest_of(url), partition),
        )
        intact: list[StoredResponse] = []
        damaged: list[int] = []
        for id, head, digest in rows:
            stored = _head(head, digest, id)
            if stored is not None and stored.url == url and stored.partition == partition:
                intact.append(stored)
            else:
                damaged.append(id)
        if damaged:
            self._drop(damaged)
        return intact

    def content(self, stored: StoredResponse, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Return the stored content, or the bytes from `start` up to `stop`, in chunks of at most 256 KiB."""
        length = stored.content_length or 0
        stop = length if stop is None else min(stop, length)
        if stop <= start:
            return iter(())
        first, last = start // CHUNK, (stop - 1) // CHUNK
        # Content that is gone is noticed now.
        part = self._chunk(stored, first)[start - first * CHUNK : stop - first * CHUNK]
        return iter((part,)) if first == last else self._long_content(stored, part, range(first + 1, last + 1), stop)

    def _long_content(self, stored: StoredResponse, part: bytes, numbers: range, stop: int) -> Iterator[bytes]:
        reader = object()
        self._readers[reader] = stored.id
        try:
            yield part
            for number in numbers:
                yield self._chunk(stored, number)[: stop - number * CHUNK]
        finally:
            self._readers.pop(reader, None)

    def _chunk(self, stored: StoredResponse, number: int) -> bytes:
        """Return a chunk that is checked against its digest.

        Raises:
            ContentGone: it is gone, or it is not what was stored; then the response is dropped.
        """
        rows = self._rows(
            "SELECT data, digest FROM condget_cache.chunks WHERE response = %s AND number = %s", (stored.id, number)
        )
        if not rows:
            raise ContentGone(f"The stored content of {stored.url} is gone from {self.location}.")
        ((data, digest),) = rows
        length = min(CHUNK, (stored.content_length or 0) - number * CHUNK)
        if len(data) != length or _digest(stored.id, number, data) != digest:
            self._drop([stored.id])
            raise ContentGone(f"The stored content of {stored.url} is not what was stored; it is dropped.")
        return bytes(data)

    def writer(self, stored: StoredResponse, replaces: Sequence[StoredResponse] = ()) -> PostgresqlWriter:
        """Begin to store a response; on commit it takes the place of `replaces`."""
        return PostgresqlWriter(self, replace(stored, id=secrets.randbits(63)), replaces)

    def freshen(self, stored: StoredResponse) -> None:
        """Replace the head of a stored response and keep its content."""
        head = to_text(to_head(stored))
        facts = (
            head,
            _digest(stored.id, _HEAD, head.encode()),
            _size(head, stored),
            useless_from(stored),
            self.clock(),
        )
        self._write(
            lambda connection: connection.execute(
                """UPDATE condget_cache.responses
                SET head = %s, head_digest = %s, size = %s, useless_from = %s, used = %s
                WHERE id = %s AND url = %s AND partition = %s""",
                (*facts, stored.id, digest_of(stored.url), stored.partition),
            )
        )

    def discard(self, stored: Iterable[StoredResponse]) -> None:
        """Delete these stored responses."""
        ids = [old.id for old in stored]
        self._write(lambda connection: self._hide_or_delete(connection, "id", ids))

    def invalidate(self, urls: Iterable[str]) -> None:
        """Delete every stored response of these URLs, in all partitions (RFC 9111 §4.4)."""
        digests = list(map(digest_of, urls))
        self._write(lambda connection: self._hide_or_delete(connection, "url", digests))

    def touch(self, stored: StoredResponse, now: float) -> None:
        """Note that a stored response was used. It is written later: a hit must not cost a transaction."""
        with self._lock:
            if not self._touched:
                self._touched_since = time.monotonic()
            self._touched[stored.id] = now
            waits = len(self._touched) <= _MOST_TOUCHED and time.monotonic() - self._touched_since <= _TOUCHED_SECONDS
        if not waits:
            self.flush()

    def flush(self) -> None:
        """Write what waits. Closing does so, too."""
        with self._lock:
            touched, self._touched = self._touched, {}
        if touched:
            rows = sorted(touched.items())
            self._write(
                lambda connection: connection.execute(
                    """UPDATE condget_cache.responses SET used = greatest(responses.used, touched.used)
                    FROM unnest(%s::bigint[], %s::float8[]) AS touched (id, used) WHERE responses.id = touched.id""",
                    ([id for id, _ in rows], [float(used) for _, used in rows]),
                )
            )

    def close(self) -> None:
        """Close the connections. A later use opens them again, so one of two users of a cache may close it."""
        with suppress(StoreError):  # only the order of eviction is at stake
            self.flush()
        database, self._database = self._database, self._opened()
        database.close()

    # Managing: `condget.stores.abilities.ManagedStore`.

    def __len__(self) -> int:
        return self.stats().responses

    def __bool__(self) -> bool:
        return True  # also when nothing is stored

    @property
    def size(self) -> int:
        """Bytes of heads and contents that are stored, half-written content included."""
        ((size,),) = self._rows("SELECT sum(size)::bigint FROM condget_cache.totals")
        return int(size)

    def responses(self, *, url: str | None = None, host: str | None = None) -> Iterator[StoredResponse]:
        """Return the heads of all stored responses, or those of a URL or a host, oldest first."""
        last = 0
        digest = None if url is None else digest_of(url)
        while rows := self._rows(
            """SELECT number, id, head, head_digest FROM condget_cache.responses
            WHERE url = coalesce(%s, url) AND number > %s ORDER BY number LIMIT %s""",
            (digest, last, _PAGE),
        ):
            for last, id, head, head_digest in rows:  # noqa: B007
                stored = _head(head, head_digest, id)
                if stored is not None and host in (None, urlsplit(stored.url).hostname):
                    yield stored

    def clear(self) -> int:
        """Delete all stored responses, and return how many they were. Half-written responses go, too, uncounted."""

        def clear(connection: psycopg.Connection) -> int:
            visible: Any = connection.execute(
                "SELECT count(*) FROM condget_cache.responses WHERE url IS NOT NULL"
            ).fetchone()
            connection.execute("DELETE FROM condget_cache.responses")
            return int(visible[0])

        return self._write(clear, _NOT_WAITING)

    def prune(self) -> int:
        """Delete what is expired and cannot be validated, and return how many they were."""

        def prune(connection: psycopg.Connection) -> int:
            rows = connection.execute(
                "DELETE FROM condget_cache.responses WHERE useless_from < %s RETURNING url IS NOT NULL", (self.clock(),)
            )
            count = sum(1 for (visible,) in rows if visible)
            self._evict(connection, keep=0)
            return count

        return self._write(prune, _NOT_WAITING)

    def stats(self) -> StoreStats:
        """Return how much is stored."""
        ((responses, oldest, newest),) = self._rows(
            "SELECT count(*), min(used), max(used) FROM condget_cache.responses WHERE url IS NOT NULL"
        )
        return StoreStats(
            location=self.location,
            responses=responses,
            hosts=len({urlsplit(stored.url).hostname for stored in self.responses()}),
            size=self.size,
            max_size=self.max_size,
            oldest=oldest,
            newest=newest,
        )

    def verify(self) -> list[str]:
        """Read every stored content and return what is wrong, a sentence each."""
        problems = []
        for stored in self.responses():
            try:
                for number in range(-(-(stored.content_length or 0) // CHUNK)):
                    self._chunk(stored, number)
            except ContentGone as error:
                problems.append(str(error))
        return problems

    # Inside.

    def _opened(self) -> Database:
        def prepare(connection: psycopg.Connection) -> None:
            upgrade(connection, CACHE, self._database.name)

        return Database(self._url, prepare=prepare, limits=_LIMITS, patience=0.0)

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        """Return the rows of one query, in one round trip."""

        def read(connection: psycopg.Connection) -> list[Any]:
            with connection.pipeline():
                connection.execute(b"BEGIN")
                connection.execute(_BOUNDED)
                cursor = connection.execute(query.encode(), values, binary=True)
                connection.execute(b"COMMIT")
            return cursor.fetchall()

        return self._database.run(read)

    def _write(self, work: Callable[[psycopg.Connection], T], begin: bytes = _BOUNDED) -> T:
        def write(connection: psycopg.Connection) -> T:
            connection.execute(begin)
            return work(connection)

        return self._database.write(write)

    def _drop(self, ids: Iterable[int]) -> None:
        """Delete what is damaged, so that the next response takes its place; where that fails, it is met again."""
        doomed = list(ids)
        with suppress(StoreError):
            self._write(lambda connection: connection.execute(_DELETE, (doomed,)))

    def _hide_or_delete(self, connection: psycopg.Connection, column: str, values: Sequence[object]) -> None:
        """Delete stored responses; content of several chunks stays for a while, for those who are reading it."""
        now, kind = self.clock(), "bigint" if column == "id" else "bytea"
        which = f"url IS NOT NULL AND {column} = ANY(%s::{kind}[])"
        connection.execute(
            f"""UPDATE condget_cache.responses SET url = NULL, used = %s, useless_from = %s
            WHERE size > {CHUNK} AND {which}""".encode(),
            (now, now + _READABLE_FOR, list(values)),
        )
        connection.execute(f"DELETE FROM condget_cache.responses WHERE {which}".encode(), (list(values),))

    def _evict(self, connection: psycopg.Connection, keep: int) -> None:
        """Delete until the budget is met, all but the response `keep`, what is being written and what is read here.

        One process at a time does that; the others go on, and the next write makes up for it.
        """
        excess = _value(connection, "SELECT sum(size)::bigint FROM condget_cache.totals") - self.max_size
        if excess <= 0 or not _value(connection, "SELECT pg_try_advisory_xact_lock(%s)", CACHE.lock):
            return
        kept = [keep, *self._readers.values()]
        now = self.clock()
        for condition, order in (
            ("useless_from < %(now)s", "useless_from"),
            # Replaced responses. One without a head is being written.
            ("url IS NULL AND head != ''", "used, number"),
            ("url IS NOT NULL", "used, number"),
        ):
            query = (
                f"SELECT id, size FROM condget_cache.responses WHERE {condition} AND id != ALL(%(kept)s::bigint[]) "
                f"ORDER BY {order} LIMIT {_PAGE}"
            ).encode()
            while excess > 0 and (page := connection.execute(query, {"now": now, "kept": kept}).fetchall()):
                doomed: list[int] = []
                for id, size in page:
                    if excess > 0:
                        doomed.append(id)
                        excess -= size
                connection.execute(_DELETE, (doomed,))

    def _delete_abandoned(self, connection: psycopg.Connection) -> None:
        """Delete what a killed process left half written, and what was replaced and is not read any more."""
        connection.execute(
            "DELETE FROM condget_cache.responses WHERE url IS NULL AND useless_from < %s", (self.clock(),)
        )


class PostgresqlWriter:
    """Takes the content of one response. Up to 256 KiB waits in memory; more is written as it comes, out of sight."""

    def __init__(self, cache: PostgresqlCache, stored: StoredResponse, replaces: Sequence[StoredResponse]) -> None:
        self._cache = cache
        self._stored = stored
        self._replaces = replaces
        self._buffer = bytearray()
        self._length = 0
        self._chunks = 0

    def write(self, chunk: bytes) -> None:
        self._length += len(chunk)
        self._buffer += chunk
        while len(self._buffer) > CHUNK:
            if self._length > self._cache.max_size:
                raise self._too_long()
            data = bytes(self._buffer[:CHUNK])
            self._cache._write(partial(self._put_chunk, data=data))
            self._chunks += 1
            del self._buffer[:CHUNK]

    def commit(self) -> None:
        """Make head and content visible together, in place of what they replace; make room for them."""
        stored = replace(self._stored, content_length=self._length)
        head = to_text(to_head(stored))
        try:
            if _size(head, stored) > self._cache.max_size:
                raise self._too_long()
            self._cache._write(partial(self._complete, stored=stored, head=head))
        except ContentTooLong:
            self.abort()
            raise

    def abort(self) -> None:
        """Forget what was written."""
        self._buffer.clear()
        if self._chunks:
            self._chunks = 0
            ids = [self._stored.id]
            which = _DELETE + b" AND url IS NULL"
            self._cache._write(lambda connection: connection.execute(which, (ids,)))

    def _put_chunk(self, connection: psycopg.Connection, data: bytes) -> None:
        """Write the next chunk. That may be done twice, after a lost connection."""
        id, number, now = self._stored.id, self._chunks, self._cache.clock()
        if number == 0:
            connection.execute(
                """INSERT INTO condget_cache.responses (id, partition, head, size, useless_from, used)
                VALUES (%s, %s, '', 0, %s, %s) ON CONFLICT DO NOTHING""",
                (id, self._stored.partition, now + _ABANDONED_AFTER, now),
            )
        put = connection.execute(
            """INSERT INTO condget_cache.chunks SELECT id, %s, %b, %b FROM condget_cache.responses WHERE id = %s
            ON CONFLICT DO NOTHING""",
            (number, _digest(id, number, data), data, id),
        )
        grown = connection.execute(
            "UPDATE condget_cache.responses SET size = size + %s, used = %s, useless_from = %s WHERE id = %s",
            (len(data) * put.rowcount, now, now + _ABANDONED_AFTER, id),
        )
        if grown.rowcount == 0:
            raise ContentGone(f"The cache {self._cache.location} was cleared while {self._stored.url} was written.")
        self._cache._evict(connection, id)

    def _complete(self, connection: psycopg.Connection, stored: StoredResponse, head: str) -> None:
        cache, url, now = self._cache, digest_of(stored.url), self._cache.clock()
        replaced = [old.id for old in self._replaces if old.url == stored.url]
        if replaced:
            cache._hide_or_delete(connection, "id", replaced)
        if self._buffer or not self._chunks:
            self._put_chunk(connection, bytes(self._buffer))
        connection.execute(
            """UPDATE condget_cache.responses
            SET url = %s, head = %s, head_digest = %s, size = %s, useless_from = %s, used = %s WHERE id = %s""",
            (
                *(url, head, _digest(stored.id, _HEAD, head.encode())),
                *(_size(head, stored), useless_from(stored), now, stored.id),
            ),
        )
        connection.execute(
            """DELETE FROM condget_cache.responses WHERE id IN (
                SELECT id FROM condget_cache.responses WHERE url = %s ORDER BY number DESC OFFSET %s
            )""",
            (url, _MOST_ALIKE),
        )
        cache._delete_abandoned(connection)
        cache._evict(connection, stored.id)

    def _too_long(self) -> ContentTooLong:
        return ContentTooLong(f"{self._stored.url} is longer than the cache may be ({self._cache.max_size} bytes).")


_DELETE = b"DELETE FROM condget_cache.responses WHERE id = ANY(%s::bigint[])"

#: In the place of the number of a chunk.
_HEAD = -1


def _split(url: str) -> tuple[str, str | None]:
    """Return the URL as libpq takes it, and the size in its query."""
    base, _, query = url.partition("?")
    parts = query.split("&") if query else []
    others = "&".join(part for part in parts if not part.startswith(_IN_URL))
    size = next((part.removeprefix(_IN_URL) for part in parts if part.startswith(_IN_URL)), None)
    return f"{base}?{others}" if others else base, size


def _size_in(text: str | None, location: str) -> int:
    if text is None:
        return _MAX_SIZE
    if not (text.isascii() and text.isdecimal()):
        raise UsageError(f"The cache {location} has a max_size of {line(text, 40)!r}, which is not a number of bytes.")
    return int(text)


def _digest(id: int, number: int, data: bytes) -> bytes:
    """Return what a part of a response is checked with when it is read: it says which part of which response it is."""
    return hashlib.blake2b(data, digest_size=_DIGEST_SIZE, key=b"%d %d" % (id, number)).digest()


def _size(head: str, stored: StoredResponse) -> int:
    """Return what a response counts for in the budget, in bytes."""
    return len(head) + (stored.content_length or 0) + _ROW_BYTES


# The same few heads are read again and again, and a `StoredResponse` is immutable.
@lru_cache(maxsize=2048)
def _head(head: str, digest: bytes, id: int) -> StoredResponse | None:
    """Return the stored response whose head a row holds, under its id; None: it is not what was written."""
    try:
        return from_head(from_text(head), id) if _digest(id, _HEAD, head.encode()) == digest else None
    except (ValueError, TypeError, AttributeError):
        return None


def _value(connection: psycopg.Connection, query: str, *values: object) -> Any:
    row: Any = connection.execute(query.encode(), values).fetchone()
    return row[0]
