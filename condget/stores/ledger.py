"""The state file of the poller: feed states, seen entries and holds of hosts in SQLite, one transaction per commit.

What each poll changes stands in a narrow table of its own, so that 50,000 feeds are looked up at once, and that a feed
without news costs one row of it: what else is remembered is written where it is not what was loaded.
The file is upgraded in place by numbered steps; one that is corrupt is set aside, never deleted (F11). Who writes
holds the lock of condget.stores.lock; who only reads writes not one byte (F10).
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from condget import settings
from condget.errors import NewerState, StoreError
from condget.feeds.pace import CLOCK_SLACK, Due, set_back
from condget.stores.faults import is_corrupt, store_error
from condget.stores.files import check_regular, make_directory, make_file, set_aside
from condget.urls import without_userinfo

if TYPE_CHECKING:
    from condget.feeds.values import FeedState, HostHold, Outcome, SeenEntry

#: "cget" in ASCII: says whose file this is.
APPLICATION_ID = 0x63676574

#: Which texts say that a feed moved: few of them, which an index holds.
_MOVED = """instr(state, '"moved_to":')"""

#: Each step brings the file from the version that is its index to the next. Steps are only ever added.
STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE feeds (
            id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, next_poll REAL NOT NULL, last_polled REAL,
            gone INTEGER NOT NULL, interval REAL NOT NULL, reason TEXT NOT NULL)""",
        "CREATE TABLE states (feed INTEGER PRIMARY KEY REFERENCES feeds, state TEXT NOT NULL)",
        "CREATE TABLE items (feed INTEGER PRIMARY KEY REFERENCES feeds, items TEXT NOT NULL)",
        """CREATE TABLE seen (
            feed INTEGER NOT NULL REFERENCES feeds, key BLOB NOT NULL, fingerprint TEXT NOT NULL,
            first_seen REAL NOT NULL, last_seen REAL NOT NULL, PRIMARY KEY (feed, key)) WITHOUT ROWID""",
        """CREATE TABLE holds (
            host TEXT PRIMARY KEY, until REAL NOT NULL, reason TEXT NOT NULL, since REAL) WITHOUT ROWID""",
        f"CREATE INDEX moves ON states (json_extract(state, '$.moved_to')) WHERE {_MOVED}",
    ),
)

#: How long to wait for another process, in seconds; a commit takes milliseconds.
_BUSY = 5.0

#: A write-ahead log of its header alone, in bytes: SQLite 3.40 takes one that a killed run left for a broken protocol.
_LOG_HEADER = 32

#: Outcomes that are written together; the transaction spans all of them.
_BATCH = 500

#: To look up one URL costs as much as to read so many rows in a row.
_ROWS_A_LOOKUP = 2


class SqliteLedger:
    """A `Ledger` in one SQLite file; the default one is `settings.state_path()`.

    To be used by one thread at a time. With `read_only` a missing file reads as empty, and nothing is created.

    Raises:
        NewerState: a newer condget wrote the file; it is left untouched.
        StoreError: the file cannot be used; every method may raise it.
    """

    #: What the user should be told: that a corrupt file was set aside, and where it is now.
    notices: list[str]

    def __init__(self, path: Path | None = None, *, read_only: bool = False, clock: settings.Clock = time.time) -> None:
        self.path = settings.state_path() if path is None else path
        self.notices = []
        self._read_only = read_only
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        #: What was loaded last and not written since, by the URL in the file: only what differs is written.
        self._loaded: dict[str, FeedState] = {}
        #: Of the file that a connection opened as immutable has read.
        self._signature: object = None
        if read_only:
            self._rows("SELECT 1")
        else:
            self._connection = self._opened()

    def due(self, urls: Sequence[str]) -> Mapping[str, Due]:
        columns = "feeds.url, next_poll, reason, gone"
        given = {without_userinfo(url): url for url in urls}
        ((last,),) = self._rows("SELECT max(id) FROM feeds") or [(None,)]
        if len(given) * _ROWS_A_LOOKUP >= (last or 0):
            rows = self._rows(f"SELECT {columns} FROM feeds")
        else:
            from condget.stores.feed_rows import url_list

            rows = self._rows(f"SELECT {columns} FROM json_each(?) JOIN feeds ON url = value", [url_list(given)])
        return {given[url]: Due(at, why, gone != 0) for url, at, why, gone in rows if url in given}

    def holds(self) -> Mapping[str, HostHold]:
        rows = self._rows("SELECT host, until, reason FROM holds")
        if not rows:
            return {}
        from condget.feeds.values import HostHold

        return {row[0]: HostHold(*row) for row in rows}

    def urls(self) -> Sequence[str]:
        return [url for (url,) in self._rows("SELECT url FROM feeds ORDER BY url")]

    def moves(self) -> Mapping[str, str]:
        return dict(
            self._rows(
                f"""SELECT json_extract(state, '$.moved_to') AS target, url FROM states JOIN feeds ON id = feed
                WHERE {_MOVED} AND target IS NOT NULL ORDER BY last_polled"""
            )
        )

    def load(self, urls: Sequence[str]) -> Mapping[str, FeedState]:
        from condget.stores.feed_rows import to_state, url_list

        given = {without_userinfo(url): url for url in urls}
        rows = self._rows(
            """SELECT state, url, next_poll, last_polled, gone, interval, reason, coalesce(items, '')
            FROM json_each(?) JOIN feeds ON url = value JOIN states ON states.feed = feeds.id
            LEFT JOIN items ON items.feed = feeds.id""",
            [url_list(given)],
        )
        with self._translated():
            self._loaded = {url: to_state(text, given[url], *columns) for text, url, *columns in rows}
        return {given[url]: state for url, state in self._loaded.items()}

    def seen(self, url: str) -> Mapping[str, SeenEntry]:
        from condget.stores.feed_rows import to_seen

        rows = self._rows(
            """SELECT key, fingerprint, first_seen, last_seen FROM seen
            WHERE feed = (SELECT id FROM feeds WHERE url = ?)""",
            [without_userinfo(url)],
        )
        entries = (to_seen(*row) for row in rows)
        return {entry.key: entry for entry in entries}

    def last_reached(self) -> float:
        return max((at or 0.0 for (at,) in self._rows("SELECT max(last_polled) FROM feeds")), default=0.0)

    def commit(self, outcomes: Iterable[Outcome]) -> None:
        """Write what reported outcomes say is to be remembered, in one transaction.

        Seen entries are written along with a state only. An outcome without state and hold writes nothing.
        """
        from condget.stores.feed_rows import write

        remaining = iter(outcomes)
        with self._transaction() as connection:
            while batch := list(islice(remaining, _BATCH)):
                write(connection, batch, self._loaded)

    def set_back(self, now: float) -> float:
        by = self.last_reached() - now
        if by < CLOCK_SLACK:
            return 0.0
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT next_poll, last_polled, id FROM feeds WHERE last_polled > ?", [now]
            ).fetchall()
            connection.executemany(
                "UPDATE feeds SET next_poll = ?, last_polled = ?, reason = ? WHERE id = ?",
                [(*set_back(next_poll, polled, by=by, now=now), feed) for next_poll, polled, feed in rows],
            )
            connection.execute(
                "UPDATE holds SET until = until - :by, since = since - :by WHERE since > :now",
                {"by": by, "now": now},
            )
        return by

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with self._translated():
                connection.close()

    def __enter__(self) -> SqliteLedger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Opening

    def _opened(self) -> sqlite3.Connection:
        """Return a connection for writing, to a file of this version."""
        try:
            return self._prepared()
        except sqlite3.Error as error:
            if not is_corrupt(error):
                raise store_error(error, self.path) from error
        except OSError as error:
            raise store_error(error, self.path) from error
        with self._translated():
            aside = set_aside(self.path, self._clock())
            self.notices.append(
                f"The state file {self.path} was corrupt; it was set aside as {aside}, and an empty one was "
                "begun: every feed will be new once."
            )
            return self._prepared()

    def _prepared(self) -> sqlite3.Connection:
        check_regular(self.path)
        if self.path.exists():
            # Before anything may be written: a newer file, or another program's, is left as it is.
            with contextlib.closing(_connected_for_reading(self.path)[0]) as connection:
                self._version(connection)
        make_directory(self.path.parent)
        make_file(self.path)
        connection = _connected(self.path, "mode=rw")
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            # Even with nothing to upgrade: whether the file can be written is found out before any feed is asked.
            connection.execute("BEGIN IMMEDIATE")
            version = self._version(connection)
            if version == len(STEPS):
                connection.execute("ROLLBACK")
                return connection
            for step in STEPS[version:]:
                for statement in step:
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {len(STEPS)}")
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _version(self, connection: sqlite3.Connection) -> int:
        """Return the version of the file, 0 for an empty one; refuse a newer one and another program's."""
        # One statement, so that all of it is of one instant.
        ((application, version, tables),) = connection.execute(
            """SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)
            FROM pragma_application_id, pragma_user_version"""
        ).fetchall()
        if application != APPLICATION_ID and (application or version or tables):
            raise StoreError(f"The file {self.path} is a database of another program; name another state file.")
        if version > len(STEPS):
            raise NewerState(
                f"The state file {self.path} was written by a newer condget (version {version}, this one knows "
                f"{len(STEPS)}) and is left untouched; upgrade condget, or name another state file."
            )
        return int(version)

    # Reading and writing

    def _rows(self, query: str, parameters: Sequence[object] = ()) -> list[Any]:
        with self._translated():
            if not self._read_only:
                return self._open().execute(query, parameters).fetchall()
            while True:
                # An immutable file is read without locks: if a run wrote meanwhile, read again.
                try:
                    self._look()
                    rows = self._connection.execute(query, parameters).fetchall() if self._connection else []
                except (sqlite3.Error, StoreError):
                    if self._unchanged():
                        raise
                else:
                    if self._unchanged():
                        return rows

    def _look(self) -> None:
        """Have a connection to the file as it is now, or none where there is no file, or an empty one."""
        if self._connection is not None and self._unchanged():
            return
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        check_regular(self.path)
        self._signature = _signature(self.path)
        if not self.path.exists():
            return
        connection, immutable = _connected_for_reading(self.path)
        try:
            version = self._version(connection)
        except BaseException:
            connection.close()
            raise
        if not immutable:
            self._signature = None
        if version == len(STEPS):
            self._connection = connection
            return
        connection.close()
        if version:
            raise StoreError(f"The state file {self.path} is of an older version; the next poll upgrades it.")

    def _unchanged(self) -> bool:
        return self._signature is None or self._signature == _signature(self.path)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._read_only:
            raise StoreError(f"The state file {self.path} was opened for reading only.")
        with self._translated():
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # SQLite may have rolled back by itself, as it does on a full disk.
                if connection.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        connection.execute("ROLLBACK")
                raise

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"The state file {self.path} is closed.")
        return self._connection

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what SQLite and the file system raise into `StoreError`; a file found corrupt is set aside."""
        try:
            yield
        except (sqlite3.Error, OSError, UnicodeEncodeError) as error:
            if not is_corrupt(error):
                raise store_error(error, self.path) from error
            if self._read_only:
                raise StoreError(f"The state file {self.path} is corrupt; the next poll sets it aside.") from error
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            aside = set_aside(self.path, self._clock())
            raise StoreError(
                f"The state file {self.path} is corrupt; it was set aside as {aside}, and the next run begins "
                "an empty one: every feed will be new once."
            ) from error


def _connected(path: Path, parameters: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{parameters}",
        uri=True,
        timeout=_BUSY,
        isolation_level=None,
        check_same_thread=False,
    )


def _connected_for_reading(path: Path) -> tuple[sqlite3.Connection, bool]:
    """Return a connection that writes no byte and creates no file, and whether it takes the file as immutable.

    Without a write-ahead log nobody has the file open for writing. With one, of a run that goes on or was killed,
    SQLite reads both and keeps its index of the log in memory rather than in the -shm file.
    """
    if _size(Path(f"{path}-wal")) <= _LOG_HEADER:
        return _connected(path, "mode=ro&immutable=1"), True
    # A log without its -shm file was copied from elsewhere: SQLite has to make one.
    shared = "" if _size(Path(f"{path}-shm")) < 0 else "&readonly_shm=1"
    return _connected(path, f"mode=ro{shared}"), False


def _signature(path: Path) -> tuple[int, int, int, int]:
    """Return what tells whether a file was written to, or is about to be."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return (0, 0, 0, 0)
    return (status.st_ino, status.st_size, status.st_mtime_ns, _size(Path(f"{path}-wal")))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1
