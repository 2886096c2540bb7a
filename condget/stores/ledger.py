"""SqliteLedger: the state file for the run that writes it; one transaction per commit.

Whoever writes holds the lock of `condget.stores.lock`. A file that is corrupt is set aside, never deleted (F11).
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
from condget.errors import StoreError
from condget.feeds.pace import CLOCK_SLACK, set_back
from condget.stores import ledger_queries
from condget.stores.faults import is_corrupt, store_error
from condget.stores.files import check_regular, make_directory, make_file, set_aside
from condget.stores.ledger_format import BUSY, STATE
from condget.stores.sqlite_file import connect, connect_for_reading, transaction, upgrade, version_of
from condget.urls import without_userinfo

if TYPE_CHECKING:
    from condget.feeds.pace import Due
    from condget.feeds.values import FeedState, HostHold, Outcome, SeenEntry

#: Outcomes that are written together; the transaction spans all of them.
_BATCH = 500


class SqliteLedger:
    """A `Ledger` in one SQLite file; the default one is `settings.state_path()`.

    To be used by one thread at a time.

    Raises:
        NewerState: a newer condget wrote the file; it is left untouched.
        StoreError: the file cannot be used; every method may raise it.
    """

    def __init__(self, path: Path | None = None, *, clock: settings.Clock = time.time) -> None:
        self.path = settings.state_path() if path is None else path
        self._clock = clock
        self._notices: list[str] = []
        #: What was loaded last and not written since, by the URL in the file: only what differs is written.
        self._loaded: dict[str, FeedState] = {}
        self._connection: sqlite3.Connection | None = self._opened()

    def due(self, urls: Sequence[str]) -> Mapping[str, Due]:
        return ledger_queries.due(self._rows, urls)

    def holds(self) -> Mapping[str, HostHold]:
        return ledger_queries.holds(self._rows)

    def load(self, urls: Sequence[str]) -> Mapping[str, FeedState]:
        with self._translated():
            states = ledger_queries.load(self._rows, urls)
        self._loaded = {without_userinfo(url): state for url, state in states.items()}
        return states

    def seen(self, url: str) -> Mapping[str, SeenEntry]:
        return ledger_queries.seen(self._rows, url)

    def moves(self) -> Mapping[str, str]:
        return ledger_queries.moves(self._rows)

    def urls(self) -> Sequence[str]:
        return ledger_queries.urls(self._rows)

    def last_reached(self) -> float:
        return ledger_queries.last_reached(self._rows)

    def take_notices(self) -> Sequence[str]:
        notices, self._notices = self._notices, []
        return notices

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
            self._notices.append(
                f"The state file {self.path} was corrupt; it was set aside as {aside}, and an empty one was "
                "begun: every feed will be new once."
            )
            return self._prepared()

    def _prepared(self) -> sqlite3.Connection:
        check_regular(self.path)
        if self.path.exists():
            # Before anything may be written: a newer file, or another program's, is left as it is.
            with contextlib.closing(connect_for_reading(self.path, BUSY)[0]) as connection:
                version_of(connection, self.path, STATE)
        make_directory(self.path.parent)
        make_file(self.path)
        connection = connect(self.path, "mode=rw", BUSY)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            # Even with nothing to upgrade: whether the file can be written shows before any feed is requested.
            upgrade(connection, self.path, STATE)
        except BaseException:
            connection.close()
            raise
        return connection

    # Reading and writing

    def _rows(self, query: str, parameters: Sequence[object] = ()) -> list[Any]:
        with self._translated():
            return self._open().execute(query, parameters).fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._translated(), transaction(self._open()) as connection:
            yield connection

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
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            aside = set_aside(self.path, self._clock())
            raise StoreError(
                f"The state file {self.path} is corrupt; it was set aside as {aside}, and the next run begins "
                "an empty one: every feed will be new once."
            ) from error
