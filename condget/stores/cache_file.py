"""The file of a `Cache`: its schema, its opening in all circumstances, its transactions.

WAL and bounded waits. The file counts by triggers what it holds. One that is corrupt is set aside, one of another
program or of a newer condget is left alone, one that was deleted or replaced meanwhile is opened anew, as after a fork.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from condget.after_fork import renew_after_fork
from condget.errors import StoreError
from condget.settings import Clock
from condget.stores.faults import is_corrupt, store_error
from condget.stores.files import make_directory, make_file, set_aside
from condget.stores.sqlite_file import Format, connect, transaction, upgrade, version_of

#: Longest wait for another process, in seconds. Its transactions take milliseconds, and a request waits with us.
_BUSY_SECONDS = 0.5
#: Seconds between looks whether the file still is where it was.
_LOOK_EVERY = 0.5

#: Longest piece of content in one row.
CHUNK = 1 << 20
#: Chunks of response N have the keys N * SPAN, N * SPAN + 1, ...
SPAN = 1 << 20
#: A response that waits for the rest of its content has this URL, which no request has.
INCOMPLETE = ""
_ABANDONED_AFTER = 86400.0

CACHE = Format(
    "cache",
    application_id=0x636F6E64,  # "cond" in ASCII
    steps=(
        (
            """CREATE TABLE responses (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                url TEXT NOT NULL,
                partition TEXT NOT NULL,
                head TEXT NOT NULL,
                size INTEGER NOT NULL,
                digest BLOB,
                useless_from REAL,
                used REAL NOT NULL
            )""",
            "CREATE INDEX responses_by_url ON responses (url, partition)",
            "CREATE INDEX responses_by_use ON responses (used)",
            "CREATE INDEX responses_by_end ON responses (useless_from) WHERE useless_from IS NOT NULL",
            "CREATE TABLE chunks (key INTEGER PRIMARY KEY, data BLOB NOT NULL)",
            "CREATE TABLE totals (size INTEGER NOT NULL)",
            "INSERT INTO totals VALUES (0)",
            """CREATE TRIGGER response_stored AFTER INSERT ON responses BEGIN
                UPDATE totals SET size = size + NEW.size;
            END""",
            f"""CREATE TRIGGER response_deleted AFTER DELETE ON responses BEGIN
                UPDATE totals SET size = size - OLD.size;
                DELETE FROM chunks WHERE key BETWEEN OLD.id * {SPAN} AND OLD.id * {SPAN} + {SPAN - 1};
            END""",
            """CREATE TRIGGER response_resized AFTER UPDATE OF size ON responses BEGIN
                UPDATE totals SET size = size + NEW.size - OLD.size;
            END""",
        ),
    ),
)


#: A response that somebody reads in this process is not deleted: it becomes invisible, and goes when it was read. A
#: transaction as long as the reading would do the same, and make the write-ahead log grow while the reader pauses.
_KEPT_WHILE_READ = (
    "CREATE TEMP TABLE being_read (id INTEGER PRIMARY KEY, readers INTEGER NOT NULL)",
    f"""CREATE TEMP TRIGGER kept_while_read BEFORE DELETE ON main.responses
    WHEN OLD.id IN (SELECT id FROM being_read) BEGIN
        UPDATE responses SET url = '{INCOMPLETE}' WHERE id = OLD.id;
        SELECT RAISE(IGNORE);
    END""",
)


class CacheFile:
    """One SQLite file, shared by threads and opened when it is first used.

    `opened` is called after each opening: ids of an earlier one may mean nothing any more. `notices` says what was
    mended.
    """

    def __init__(self, path: Path, clock: Clock, opened: Callable[[], None]) -> None:
        self.path = path
        self._opened_anew = opened
        self.notices: list[str] = []
        self._clock = clock
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._looked = 0.0
        renew_after_fork(self)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Hold the connection.

        Raises:
            StoreError: the file cannot be used.
        """
        with self._lock:
            try:
                yield self._connection or self._reopened()
            except (sqlite3.Error, OSError) as error:
                if is_corrupt(error):
                    self._set_aside()
                raise store_error(error, self.path) from error

    def rows(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        """Return the rows of one query: `reading` for the hot path, without its generator."""
        with self._lock:
            connection = self._connection
            if connection is not None:
                try:
                    return connection.execute(query, values).fetchall()
                except sqlite3.Error as error:
                    if is_corrupt(error):
                        self._set_aside()
                    raise store_error(error, self.path) from error
        with self.reading() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the connection in a transaction.

        Raises:
            StoreError: the file cannot be used; nothing was written.
        """
        with self.reading() as connection:
            if not self._is_in_place():
                connection = self._reopened()
            with transaction(connection):
                yield connection

    @contextmanager
    def keeping(self, row: int) -> Iterator[None]:
        """Keep the content of a response while it is read, whatever this process deletes meanwhile."""
        with self.reading() as connection:
            connection.execute(
                "INSERT INTO being_read VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET readers = readers + 1", (row,)
            )
        try:
            yield
        finally:
            with suppress(StoreError), self._lock:
                if self._connection is not None:
                    self._release(row)

    def _release(self, row: int) -> None:
        with self.reading() as connection:
            connection.execute("UPDATE being_read SET readers = readers - 1 WHERE id = ?", (row,))
            connection.execute("DELETE FROM being_read WHERE readers = 0")
            deleted = (row, INCOMPLETE)
            if connection.execute("SELECT 1 FROM responses WHERE id = ? AND url = ?", deleted).fetchone():
                connection.execute("DELETE FROM responses WHERE id = ? AND url = ?", deleted)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def _is_in_place(self) -> bool:
        """Whether the open file still is the one at our path; it may be deleted or replaced at any time."""
        now = time.monotonic()
        if now < self._looked + _LOOK_EVERY:
            return True
        self._looked = now
        try:
            return self.path.stat().st_ino == self._inode
        except OSError:
            return False

    def _reopened(self) -> sqlite3.Connection:
        self.close()
        try:
            connection = self._opened()
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            self._set_aside()
            connection = self._opened()
        for statement in _KEPT_WHILE_READ:
            connection.execute(statement)
        self._opened_anew()
        self._connection, self._inode = connection, self.path.stat().st_ino
        return connection

    def _opened(self) -> sqlite3.Connection:
        make_directory(self.path.parent)
        make_file(self.path)
        connection = _connected(self.path)
        try:
            version = version_of(connection, self.path, CACHE)
            if version < CACHE.version:
                upgrade(connection, self.path, CACHE)
                connection.execute("PRAGMA journal_mode = WAL")
            else:
                _delete_abandoned(connection, self._clock() - _ABANDONED_AFTER)
        except BaseException:
            connection.close()
            raise
        return connection

    def after_fork(self) -> None:
        _of_the_parent.append(self._connection)
        self._connection = None
        self._lock = threading.RLock()

    def _set_aside(self) -> None:
        self.close()
        if self.path.exists():
            aside = set_aside(self.path, self._clock())
            self.notices.append(f"The cache {self.path} is corrupt; it was set aside as {aside}.")


#: A SQLite connection must not even be closed in a forked child (https://sqlite.org/howtocorrupt.html, 2.7): those of
#: the parent are kept, out of reach.
_of_the_parent: list[sqlite3.Connection | None] = []


def _connected(path: Path) -> sqlite3.Connection:
    connection = connect(path, "mode=rw", _BUSY_SECONDS)
    connection.execute("PRAGMA synchronous = NORMAL")
    # A checkpoint waits for the disk, so there are few of them: one for each 6 MB written.
    connection.execute("PRAGMA wal_autocheckpoint = 1500")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    return connection


def _delete_abandoned(connection: sqlite3.Connection, before: float) -> None:
    """Delete what a killed process left half written. Only a look in most cases: a reader may not be able to write."""
    which = "FROM responses WHERE url = ? AND used < ?"
    if connection.execute(f"SELECT 1 {which}", (INCOMPLETE, before)).fetchone():
        connection.execute(f"DELETE {which}", (INCOMPLETE, before))
