"""The file of a `Cache`: its tables, its opening in all circumstances, its transactions.

WAL and bounded waits. The file counts by triggers what it holds. A damaged file is set aside; a file that is not a
cache, or is of a newer condget, is left alone; a file that was deleted or replaced meanwhile is opened anew.

An id is never trusted across files: each file has a generation, a random number, that is part of every id.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from condget.after_fork import renew_after_fork
from condget.settings import Clock
from condget.stores.faults import UNREADABLE, UnreadableRow, is_interrupted, may_be_damage, store_error
from condget.stores.files import make_directory, make_file, set_aside
from condget.stores.lock import exclusive
from condget.stores.sqlite_file import Format, check_ours, connect, transaction, upgrade, version_of

#: Longest wait for another process, in seconds. Its transactions take milliseconds, and a request waits with us.
_BUSY_SECONDS = 0.5
#: Seconds between looks whether the file still is where it was.
_LOOK_EVERY = 0.5
#: How long a look for damage may take, in seconds: a request waits.
_LONGEST_CHECK = 1.0

#: Longest piece of content in one row.
CHUNK = 1 << 20
#: Chunks of response N have the keys N * SPAN, N * SPAN + 1, ...
SPAN = 1 << 20
#: A response that is out of sight has this URL, which no request has: its content is incomplete, or was replaced while
#: somebody may still read it. Such a response is of no use from its `useless_from` on.
HIDDEN = ""
#: How long a half-written response may wait for its next chunk, in seconds.
ABANDONED_AFTER = 3600.0
#: How long a response that was replaced stays for those who are reading it, in seconds, unless its room is needed.
_READABLE_FOR = 600.0

_ROW_BITS = 63
#: Of an id: the row.
ROWS = (1 << _ROW_BITS) - 1

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
        (
            "ALTER TABLE totals ADD COLUMN generation INTEGER",
            "UPDATE totals SET generation = random() >> 1 & 0x7FFFFFFFFFFFFFFF",
            # Of the head; NULL: unchecked, it is of the first version.
            "ALTER TABLE responses ADD COLUMN checksum INTEGER",
            # A digest was of the whole content; it is of each chunk now, which is the same up to one chunk.
            f"DELETE FROM responses WHERE size > {CHUNK} OR url = ''",
        ),
    ),
)


class CacheFile:
    """One SQLite file, shared by threads and opened when it is first used.

    `opened` is called after each opening: what was read before may be of another file. `notices` says what was
    mended.
    """

    def __init__(self, path: Path, clock: Clock, opened: Callable[[], None]) -> None:
        self.path = path
        self._opened_anew = opened
        self.notices: list[str] = []
        self._clock = clock
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._generation = 0
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
            except (*UNREADABLE, OSError) as error:
                if may_be_damage(error):
                    self._leave_damage()
                raise store_error(error, self.path) from error

    def rows(self, query: str, values: Sequence[object] = ()) -> tuple[int, list[Any]]:
        """Return the generation of the file, and the rows of one query; once more where the file proves damaged."""
        with self._lock:
            connection = self._connection
            if connection is not None:
                try:
                    return self._generation, connection.execute(query, values).fetchall()
                except UNREADABLE as error:
                    if not may_be_damage(error):
                        raise store_error(error, self.path) from error
                with self.reading():
                    self._leave_damage()
            with self.reading() as connection:
                return self._generation, connection.execute(query, values).fetchall()

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

    def row_of(self, id: int) -> int | None:
        """Return the row that an id names in the file that is open; None: the id is of another file."""
        generation, row = divmod(id, 1 << _ROW_BITS)
        return row if generation == self._generation else None

    def id_of(self, row: int) -> int:
        """Return the id of a row in the file that is open."""
        return identity(self._generation, row)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def after_fork(self) -> None:
        _of_the_parent.append(self._connection)
        self._connection = None
        self._lock = threading.RLock()

    def _is_in_place(self) -> bool:
        """Whether the open file still is the one at our path; it may be deleted or replaced at any time."""
        now = time.monotonic()
        if now < self._looked + _LOOK_EVERY:
            return True
        self._looked = now
        return _inode_of(self.path) == self._inode

    def _reopened(self) -> sqlite3.Connection:
        self.close()
        try:
            self._connection = self._opened()
        except UNREADABLE as error:
            if not may_be_damage(error):
                raise
            self._leave_damage()
            self._connection = self._opened()
        self._opened_anew()
        return self._connection

    def _opened(self) -> sqlite3.Connection:
        make_directory(self.path.parent)
        while True:
            make_file(self.path)
            self._inode = _inode_of(self.path)
            with contextlib.ExitStack() as stack:
                connection = stack.enter_context(contextlib.closing(_connected(self.path)))
                if version_of(connection, self.path, CACHE) < CACHE.version:
                    upgrade(connection, self.path, CACHE)
                connection.execute("PRAGMA journal_mode = WAL")
                self._generation = _generation_of(connection)
                # Where it was set aside meanwhile, the database and its log would be of two files.
                if _inode_of(self.path) == self._inode:
                    delete_abandoned(connection, self._clock())
                    stack.pop_all()
                    return connection

    def _leave_damage(self) -> None:
        """Close a file that seems to be damaged; set it aside if it is, and still is the one at our path.

        Raises:
            ForeignFile: it is not a cache.
            StoreError: the file cannot be looked at, or not be moved.
        """
        inode = self._inode
        self.close()
        if inode != _inode_of(self.path):
            return
        try:
            if not self._is_damaged():
                return
            with exclusive(self.path.with_name(self.path.name + ".lock"), _BUSY_SECONDS):
                if _inode_of(self.path) == inode:  # another process, if quicker, has begun a new one
                    aside = set_aside(self.path, self._clock())
                    self.notices.append(f"The cache {self.path} was damaged; it was set aside as {aside}.")
        except (sqlite3.Error, OSError) as error:
            raise store_error(error, self.path) from error

    def _is_damaged(self) -> bool:
        """Take a second look: a disk that fails to read once has damaged nothing.

        Raises:
            ForeignFile: it is not a cache.
        """
        deadline = time.monotonic() + _LONGEST_CHECK
        try:
            with contextlib.closing(_connected(self.path)) as connection:
                connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
                version_of(connection, self.path, CACHE)
                _generation_of(connection)
                return connection.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]
        except UNREADABLE as error:
            # A large file is not read to its end: a cache is worth less than the time.
            if not (may_be_damage(error) or is_interrupted(error)):
                raise
            check_ours(self.path, CACHE)
            return True


def identity(generation: int, row: int) -> int:
    """Return the id of a stored response: its row, and which file that is in."""
    return generation << _ROW_BITS | row


def hide_or_delete(
    connection: sqlite3.Connection, condition: str, values: Sequence[Sequence[object]], now: float
) -> None:
    """Delete stored responses; content of several chunks stays for a while, for those who are reading it."""
    connection.executemany(
        f"UPDATE responses SET url = '{HIDDEN}', used = {now!r}, useless_from = {now + _READABLE_FOR!r} "
        f"WHERE size > {CHUNK} AND url != '{HIDDEN}' AND {condition}",
        values,
    )
    connection.executemany(f"DELETE FROM responses WHERE url != '{HIDDEN}' AND {condition}", values)


def delete_abandoned(connection: sqlite3.Connection, now: float) -> None:
    """Delete what is out of sight and of no use: what a killed process left half written, what was replaced.

    In most cases this is a look only, since a reader may not be able to write.
    """
    which = "FROM responses WHERE url = ? AND useless_from < ?"
    if connection.execute(f"SELECT 1 {which}", (HIDDEN, now)).fetchone():
        connection.execute(f"DELETE {which}", (HIDDEN, now))


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


def _generation_of(connection: sqlite3.Connection) -> int:
    rows = connection.execute("SELECT generation FROM totals").fetchall()
    if len(rows) != 1 or not isinstance(rows[0][0], int) or rows[0][0] < 0:
        raise UnreadableRow("the totals are damaged")
    generation: int = rows[0][0]
    return generation


def _inode_of(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0
