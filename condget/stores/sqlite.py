"""Cache: stored responses in one SQLite file. Heads and contents stand in tables of their own, so that freshening a
head never rewrites content; long contents are kept in chunks, written and read in constant memory.

WAL, bounded waits, files 0600 in directories 0700. What the file holds is counted by the file itself (triggers). When
the budget is exceeded, what is expired and cannot be validated goes first, then the least recently used.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from condget.cache.freshness import current_age, explicit_lifetime
from condget.cache.messages import StoredResponse
from condget.cache.validators import has_validator
from condget.errors import NewerState, StoreError
from condget.settings import Clock, cache_path
from condget.stores import heads
from condget.stores.files import make_private, set_aside

_APPLICATION_ID = 0x636F6E64  # "cond"
_VERSION = 1
_CHUNK = 1 << 20
#: Chunks of response N have the keys N * _SPAN, N * _SPAN + 1, ...
_SPAN = 1 << 20
#: A response that waits for the rest of its content has this URL, which no request has.
_INCOMPLETE = ""
_ABANDONED_AFTER = 86400.0
_BUSY_SECONDS = 0.5
#: What a row costs besides its head and content, roughly.
_ROW_BYTES = 200

_SCHEMA = (
    """CREATE TABLE responses (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        url TEXT NOT NULL,
        partition TEXT NOT NULL,
        head TEXT NOT NULL,
        size INTEGER NOT NULL,
        sha256 BLOB,
        useless_from REAL,
        used REAL NOT NULL
    )""",
    "CREATE INDEX responses_by_url ON responses (url, partition)",
    "CREATE INDEX responses_by_use ON responses (used)",
    "CREATE INDEX responses_by_end ON responses (useless_from) WHERE useless_from IS NOT NULL",
    "CREATE TABLE chunks (key INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE TABLE totals (count INTEGER NOT NULL, size INTEGER NOT NULL)",
    "INSERT INTO totals VALUES (0, 0)",
    """CREATE TRIGGER response_stored AFTER INSERT ON responses BEGIN
        UPDATE totals SET count = count + 1, size = size + NEW.size;
    END""",
    f"""CREATE TRIGGER response_deleted AFTER DELETE ON responses BEGIN
        UPDATE totals SET count = count - 1, size = size - OLD.size;
        DELETE FROM chunks WHERE key BETWEEN OLD.id * {_SPAN} AND OLD.id * {_SPAN} + {_SPAN - 1};
    END""",
    """CREATE TRIGGER response_resized AFTER UPDATE OF size ON responses BEGIN
        UPDATE totals SET size = size + NEW.size - OLD.size;
    END""",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {_VERSION}",
)


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
        self._clock = clock
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._pid = 0
        self._inode = 0
        self._touched: dict[int, float] = {}
        #: What went wrong and was mended, such as a corrupt file that was set aside.
        self.notices: list[str] = []

    def __repr__(self) -> str:
        return f"Cache({str(self.path)!r}, max_size={self.max_size})"

    def __enter__(self) -> Cache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # The Store protocol.

    def load(self, url: str, partition: str = "") -> Sequence[StoredResponse]:
        """Return the heads of all stored responses of that URL and partition, newest first."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT head, id FROM responses WHERE url = ? AND partition = ? ORDER BY id DESC", (url, partition)
            ).fetchall()
        return [heads.decode(text, row_id) for text, row_id in rows]

    def content(self, stored: StoredResponse, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Return the stored content, or the bytes from `start` up to `stop`, in chunks of at most 1 MiB."""
        length = stored.content_length or 0
        stop = length if stop is None else min(stop, length)
        if stop <= start:
            return iter(())
        first, last = start // _CHUNK, (stop - 1) // _CHUNK
        if first != last:
            return self._long_content(stored, start, stop)
        with self._reading() as connection:
            row = connection.execute("SELECT data FROM chunks WHERE key = ?", (stored.id * _SPAN + first,)).fetchone()
        if row is None:
            raise self._gone(stored)
        data: bytes = row[0]
        offset = first * _CHUNK
        return iter((data if start == offset and stop == offset + len(data) else data[start - offset : stop - offset],))

    def _long_content(self, stored: StoredResponse, start: int, stop: int) -> Iterator[bytes]:
        """Read many chunks from one snapshot, on a connection of its own, so that no writer cuts them off."""
        key = stored.id * _SPAN
        with self._reading():
            snapshot = _connect(self.path)
        try:
            snapshot.execute("BEGIN")
            held = snapshot.execute("SELECT size FROM responses WHERE id = ?", (stored.id,)).fetchone()
            if held is None:
                raise self._gone(stored)
            rows = snapshot.execute(
                "SELECT key, data FROM chunks WHERE key BETWEEN ? AND ? ORDER BY key",
                (key + start // _CHUNK, key + (stop - 1) // _CHUNK),
            )
        except BaseException:
            snapshot.close()
            raise

        def chunks() -> Iterator[bytes]:
            try:
                for row_key, data in rows:
                    offset = (row_key - key) * _CHUNK
                    yield data[max(0, start - offset) : stop - offset]
            finally:
                snapshot.close()

        return chunks()

    def writer(self, stored: StoredResponse, replaces: Sequence[StoredResponse] = ()) -> CacheWriter:
        """Begin to store a response; on commit it takes the place of `replaces`."""
        return CacheWriter(self, stored, replaces)

    def freshen(self, stored: StoredResponse) -> None:
        """Replace the head of a stored response and keep its content."""
        text = heads.encode(stored)
        with self._writing() as connection:
            connection.execute(
                "UPDATE responses SET head = ?, size = ?, useless_from = ?, used = ? WHERE id = ?",
                (text, _size(text, stored), _useless_from(stored), self._clock(), stored.id),
            )

    def discard(self, stored: Iterable[StoredResponse]) -> None:
        """Delete these stored responses."""
        with self._writing() as connection:
            connection.executemany("DELETE FROM responses WHERE id = ?", [(old.id,) for old in stored])

    def invalidate(self, urls: Iterable[str]) -> None:
        """Delete every stored response of these URLs, in all partitions (RFC 9111 §4.4)."""
        with self._writing() as connection:
            connection.executemany("DELETE FROM responses WHERE url = ?", [(url,) for url in urls])

    def touch(self, stored: StoredResponse, now: float) -> None:
        """Note that a stored response was used. Written with the next transaction: a hit costs none of its own."""
        self._touched[stored.id] = now
        if len(self._touched) >= 1000:
            with self._writing():
                pass

    def close(self) -> None:
        """Close the file. A later use opens it again, so one of two users of a cache may close it."""
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                if self._touched:  # only the order of eviction is at stake
                    with suppress(StoreError), self._writing():
                        pass
                self._connection.close()
            self._connection = None

    # Managing.

    def __len__(self) -> int:
        return self._total("count")

    @property
    def size(self) -> int:
        """Bytes of heads and contents that are stored."""
        return self._total("size")

    # Inside.

    def _total(self, column: str) -> int:
        with self._reading() as connection:
            total: int = connection.execute(f"SELECT {column} FROM totals").fetchone()[0]
        return total

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Hold the connection, opened where needed: at first use, after a fork, after a close."""
        with self._lock:
            try:
                connection = self._connection
                yield self._reopened() if connection is None or self._pid != os.getpid() else connection
            except sqlite3.Error as error:
                raise self._failure(error) from error
            except (ValueError, KeyError, TypeError) as error:
                raise StoreError(f"The cache {self.path} holds a head that cannot be read ({error!r}).") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the connection in a transaction."""
        with self._reading() as connection:
            if not self._is_in_place():
                connection = self._reopened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                if self._touched:
                    touched, self._touched = self._touched, {}
                    connection.executemany(
                        "UPDATE responses SET used = ? WHERE id = ?", [(used, row) for row, used in touched.items()]
                    )
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk has rolled back already
                    connection.execute("ROLLBACK")
                raise

    def _evict(self, connection: sqlite3.Connection, keep: int) -> None:
        """Delete until the budget is met, all but the response `keep`."""
        excess = connection.execute("SELECT size FROM totals").fetchone()[0] - self.max_size
        if excess <= 0:
            return
        for row, used in self._touched.items():
            connection.execute("UPDATE responses SET used = ? WHERE id = ?", (used, row))
        self._touched.clear()
        now = self._clock()
        for query, values in (
            ("SELECT id, size FROM responses WHERE useless_from < ? ORDER BY useless_from", (now,)),
            ("SELECT id, size FROM responses ORDER BY used, id", ()),
        ):
            doomed: list[tuple[int]] = []
            for row, size in connection.execute(query, values):
                if excess <= 0:
                    break
                if row != keep:
                    doomed.append((row,))
                    excess -= size
            connection.executemany("DELETE FROM responses WHERE id = ?", doomed)

    def _is_in_place(self) -> bool:
        """Whether the open file still is the one at our path; it may be deleted or replaced at any time."""
        try:
            return self.path.stat().st_ino == self._inode
        except OSError:
            return False

    def _reopened(self) -> sqlite3.Connection:
        # A connection from before a fork is the parent's: closing it here would drop the parent's locks.
        if self._connection is not None and self._pid == os.getpid():
            self._connection.close()
        self._connection = None
        try:
            try:
                connection = self._opened()
            except sqlite3.DatabaseError as error:
                if not _is_corrupt(error):
                    raise
                self._set_aside(error)
                connection = self._opened()
            self._inode = self.path.stat().st_ino
        except OSError as error:
            raise StoreError(f"The cache {self.path} cannot be opened: {error.strerror or error}.") from error
        self._connection, self._pid = connection, os.getpid()
        return connection

    def _opened(self) -> sqlite3.Connection:
        make_private(self.path)
        connection = _connect(self.path)
        try:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if application == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("BEGIN IMMEDIATE")
                if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
                    for statement in _SCHEMA:
                        connection.execute(statement)
                connection.execute("COMMIT")
            elif application != _APPLICATION_ID:
                raise StoreError(f"{self.path} is a SQLite file of another program and is left alone.")
            elif version > _VERSION:
                raise NewerState(f"{self.path} was written by a newer condget and is left alone.")
            abandoned = (_INCOMPLETE, self._clock() - _ABANDONED_AFTER)
            if connection.execute("SELECT 1 FROM responses WHERE url = ? AND used < ?", abandoned).fetchone():
                connection.execute("DELETE FROM responses WHERE url = ? AND used < ?", abandoned)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self, error: sqlite3.Error) -> None:
        self._touched.clear()
        if self.path.exists():
            aside = set_aside(self.path, self._clock())
            self.notices.append(f"The cache {self.path} is corrupt ({error}) and was set aside as {aside}.")

    def _failure(self, error: sqlite3.Error) -> StoreError:
        if _is_corrupt(error):
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            self._set_aside(error)
        return StoreError(f"The cache {self.path} failed: {error}.")

    def _gone(self, stored: StoredResponse) -> StoreError:
        return StoreError(f"The stored content of {stored.url} is gone from {self.path}.")


class CacheWriter:
    """Takes the content of one response. Up to 1 MiB waits in memory; more is written as it comes, out of sight."""

    def __init__(self, cache: Cache, stored: StoredResponse, replaces: Sequence[StoredResponse]) -> None:
        self._cache = cache
        self._stored = stored
        self._replaces = [(old.id,) for old in replaces]
        self._buffer = bytearray()
        self._digest = hashlib.sha256()
        self._length = 0
        self._row = 0
        self._chunks = 0
        self._ended = False

    def write(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        self._length += len(chunk)
        self._buffer += chunk
        while len(self._buffer) > _CHUNK:
            if self._length > self._cache.max_size:
                raise StoreError(f"{self._stored.url} is longer than the cache may be ({self._cache.max_size} bytes).")
            with self._cache._writing() as connection:
                self._put_chunk(connection, bytes(self._buffer[:_CHUNK]))
            del self._buffer[:_CHUNK]

    def _put_chunk(self, connection: sqlite3.Connection, data: bytes) -> None:
        if not self._row:
            self._row = self._insert(connection, _INCOMPLETE, "", 0)
        connection.execute("INSERT INTO chunks VALUES (?, ?)", (self._row * _SPAN + self._chunks, data))
        self._chunks += 1

    def _insert(self, connection: sqlite3.Connection, url: str, head: str, size: int) -> int:
        cursor = connection.execute(
            "INSERT INTO responses (url, partition, head, size, used) VALUES (?, ?, ?, ?, ?)",
            (url, self._stored.partition, head, size, self._cache._clock()),
        )
        return cursor.lastrowid or 0

    def commit(self) -> None:
        """Make head and content visible together, in place of what they replace; make room for them."""
        self._ended = True
        stored = heads.with_length(self._stored, self._length)
        text = heads.encode(stored)
        if (size := _size(text, stored)) > self._cache.max_size:
            self.abort()
            raise StoreError(f"{stored.url} is longer than the cache may be ({self._cache.max_size} bytes).")
        with self._cache._writing() as connection:
            connection.executemany("DELETE FROM responses WHERE id = ?", self._replaces)
            row = self._row or self._insert(connection, stored.url, text, size)
            self._row = row
            if self._buffer:
                self._put_chunk(connection, bytes(self._buffer))
            connection.execute(
                "UPDATE responses SET url = ?, head = ?, size = ?, sha256 = ?, useless_from = ? WHERE id = ?",
                (stored.url, text, size, self._digest.digest(), _useless_from(stored), row),
            )
            self._cache._evict(connection, keep=row)

    def abort(self) -> None:
        """Forget what was written."""
        self._buffer.clear()
        row, self._row = self._row, 0
        if row:
            with self._cache._writing() as connection:
                connection.execute("DELETE FROM responses WHERE id = ? AND url = ?", (row, _INCOMPLETE))


def _file(path: str | os.PathLike[str] | None) -> Path:
    if path is None:
        return cache_path()
    given = Path(path).expanduser()
    return given if given.suffix in (".sqlite3", ".sqlite", ".db") and not given.is_dir() else given / "cache.sqlite3"


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    return connection


def _size(head: str, stored: StoredResponse) -> int:
    return len(head) + (stored.content_length or 0) + _ROW_BYTES


def _useless_from(stored: StoredResponse) -> float | None:
    """Return when a response without a validator stops being fresh; None: it can be validated."""
    if has_validator(stored.fields):
        return None
    return stored.response_time + (explicit_lifetime(stored) or 0.0) - current_age(stored, stored.response_time)


def _is_corrupt(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
