"""SqliteLedger: the state file for the run that writes it; one transaction per commit.

The writer holds the lock of `condget.stores.lock`. A file that proves damaged is set aside, and its readable rows go on
in a new file (F11).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from condget import settings
from condget.errors import StoreError
from condget.feeds.pace import CLOCK_SLACK, set_back
from condget.stores import ledger_queries
from condget.stores.faults import UNREADABLE, may_be_damage, store_error
from condget.stores.files import allocate, check_regular, make_directory, make_file
from condget.stores.ledger_format import BUSY, STATE
from condget.stores.ledger_queries import Rows
from condget.stores.sqlite_file import (
    check_may_be_written,
    connect,
    connect_for_reading,
    transaction,
    upgrade,
    version_of,
)
from condget.urls import without_userinfo

if TYPE_CHECKING:
    from condget.feeds.pace import Due
    from condget.feeds.values import FeedState, HostHold, Outcome, SeenEntry
    from condget.stores.lock import StateLock
    from condget.stores.protocols import EnrolledFeed

#: How long to wait for another program's transaction before a commit is given up, in seconds.
_PATIENCE = 60.0

#: Outcomes that are written together; the transaction spans all of them.
_BATCH = 500

#: Space on the disk that a commit needs, about, in bytes: its log, and what stays.
_LEAST_SPACE, _SPACE_A_FEED, _MOST_SPACE = 1 << 20, 4 << 10, 64 << 20

T = TypeVar("T")


class _Mended(StoreError):
    """Nothing was written, but the file is in order again."""


class SqliteLedger:
    """A `Ledger` in one SQLite file; the default one is `settings.state_path()`.

    To be used by one thread at a time.

    Raises:
        NewerState: a newer condget wrote the file; it is left untouched.
        StoreError: the file cannot be used; every method may raise it.
    """

    def __init__(
        self, path: Path | None = None, *, lock: StateLock | None = None, clock: settings.Clock = time.time
    ) -> None:
        # SQLite keeps its log beside the file itself, not beside a link to it.
        self.path = Path(os.path.realpath(settings.state_path() if path is None else path))
        self._lock = lock
        self._clock = clock
        self._notices: list[str] = []
        #: States as they were loaded, unless written since, by the URL in the file: only differences are written.
        self._loaded: dict[str, FeedState] = {}
        self._inode = 0
        self._space: int | None = None
        self._connection: sqlite3.Connection | None = self._opened()

    def due(self, urls: Sequence[str]) -> Mapping[str, Due]:
        return self._answer(lambda rows: ledger_queries.due(rows, urls))

    def holds(self) -> Mapping[str, HostHold]:
        return self._answer(ledger_queries.holds)

    def load(self, urls: Sequence[str]) -> Mapping[str, FeedState]:
        states = self._answer(lambda rows: ledger_queries.load(rows, urls))
        self._loaded = {without_userinfo(url): state for url, state in states.items()}
        return states

    def seen(self, url: str) -> Mapping[str, SeenEntry]:
        return self._answer(lambda rows: ledger_queries.seen(rows, url))

    def moves(self, urls: Sequence[str]) -> Mapping[str, str]:
        return self._answer(lambda rows: ledger_queries.moves(rows, urls))

    def spellings(self) -> Mapping[str, str]:
        return self._answer(ledger_queries.spellings)

    def urls(self) -> Sequence[str]:
        return self._answer(ledger_queries.urls)

    def last_reached(self) -> float:
        return self._answer(ledger_queries.last_reached)

    def is_shared(self) -> bool:
        return self._lock is not None and self._lock.is_shared()

    def hold_hosts(self, hosts: Iterable[str]) -> frozenset[str]:
        return frozenset(hosts) if self._lock is None else self._lock.hold_hosts(hosts)

    def on_loss(self, stop: Callable[[], None]) -> None:
        """Nothing to do: the locks of hosts last as long as this process."""

    def release_hosts(self, hosts: Iterable[str]) -> None:
        if self._lock is not None:
            self._lock.release_hosts(hosts)

    def enrolment(self, digest: str) -> str | None:
        from condget.stores import list_rows

        return self._answer(lambda rows: list_rows.enrolment(rows, digest))

    def enrol(self, digest: str, source: str, feeds: Iterable[EnrolledFeed], remark: Callable[[], str]) -> int:
        from condget.stores import list_rows

        self._release()
        with self._transaction() as connection:
            return list_rows.enrol(connection, digest, source, feeds, remark)

    def portions(
        self, digest: str, feeds: int, not_due: tuple[float, float] | None = None
    ) -> Iterator[Sequence[EnrolledFeed]]:
        from condget.stores import list_rows

        is_due = self._answer(lambda rows: list_rows.is_any_due(rows, digest, not_due))
        if not is_due or not self._is_first_run_of(digest):
            return
        turns = self._answer(lambda rows: list_rows.take_turns(rows, digest, not_due))
        connection, last = self._connection, 0
        try:
            # A file that was mended meanwhile knows no lists any more: the next run enrols them.
            while self._connection is connection:
                after = last
                found = self._answer(lambda rows: list_rows.next_hosts(rows, turns, after, feeds))  # noqa: B023
                if found is None:
                    return
                last = found
                if portion := self._answer(lambda rows: list_rows.portion(rows, turns, after, last)):  # noqa: B023
                    yield portion
        except StoreError:
            if self._connection is connection:
                raise
        finally:
            if self._connection is not None and self._connection is connection:
                self._answer(lambda rows: list_rows.drop_turns(rows, turns))

    def _is_first_run_of(self, digest: str) -> bool:
        """Whether no other run polls this list; if so, none will until this one ends."""
        from condget.stores import list_rows

        # No host has such a name.
        name = f"list {self._answer(lambda rows: list_rows.source_of(rows, digest))}"
        return name in self.hold_hosts([name])

    def overdue(self, digest: str, feeds: int, not_due: tuple[float, float]) -> Iterator[Sequence[EnrolledFeed]]:
        from condget.stores import list_rows

        yield from list_rows.overdue(self._rows_checked, digest, feeds, not_due)

    def enrolled(self, digest: str, keys: Iterable[str]) -> Mapping[str, bool]:
        from condget.stores import list_rows

        return list_rows.enrolled(self._rows_checked, digest, keys)

    def enrolled_at(self, digest: str, hosts: Iterable[str]) -> Iterator[str]:
        from condget.stores import list_rows

        return list_rows.enrolled_at(self._rows_checked, digest, hosts)

    def take_notices(self) -> Sequence[str]:
        notices, self._notices = self._notices, []
        return notices

    def reserve(self, feeds: int) -> None:
        self._release()
        with self._translated():
            size = min(_LEAST_SPACE + feeds * _SPACE_A_FEED, _MOST_SPACE)
            self._space = allocate(self.path.with_name(self.path.name + ".space"), size)

    def _release(self) -> None:
        """Give back the space that is reserved, for what is to be written now."""
        space, self._space = self._space, None
        if space is not None:
            os.close(space)

    def commit(self, outcomes: Iterable[Outcome]) -> None:
        """Write what reported outcomes say is to be remembered, in one transaction.

        Seen entries are written along with a state only. An outcome without state and hold writes nothing.
        """
        self._release()
        try:
            self._write(outcomes)
        except _Mended:
            if iter(outcomes) is outcomes:  # they cannot be had a second time
                raise
            self._write(outcomes)

    def _write(self, outcomes: Iterable[Outcome]) -> None:
        from condget.stores.feed_rows import write
        from condget.stores.list_rows import note_due

        remaining = iter(outcomes)
        with self._transaction() as connection:
            while batch := list(islice(remaining, _BATCH)):
                write(connection, batch, self._loaded)
                note_due(
                    connection,
                    (
                        (None if outcome.state.gone else outcome.state.next_poll, without_userinfo(outcome.url))
                        for outcome in batch
                        if outcome.state is not None
                    ),
                )

    def forget(self, urls: Iterable[str]) -> int:
        from condget.stores.feed_rows import forget
        from condget.stores.list_rows import note_due

        wanted = [without_userinfo(url) for url in urls]
        with self._transaction() as connection:
            known = forget(connection, wanted)
            note_due(connection, ((0.0, url) for url in wanted))
        for url in wanted:
            self._loaded.pop(url, None)
        return known

    def set_back(self, now: float) -> float:
        by = self.last_reached() - now
        if by < CLOCK_SLACK:
            return 0.0
        from condget.stores.list_rows import note_all_due

        ahead = self._answer(lambda rows: ledger_queries.polled_after(rows, now))
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE feeds SET next_poll = ?, last_polled = ?, reason = CASE WHEN gone THEN reason ELSE ? END "
                "WHERE id = ?",
                [(*set_back(next_poll, polled, by=by, now=now), feed) for feed, next_poll, polled in ahead],
            )
            connection.execute(
                "UPDATE holds SET until = until - :by, since = since - :by WHERE since > :now",
                {"by": by, "now": now},
            )
            note_all_due(connection)
        return by

    def close(self) -> None:
        self._release()
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
        with self._translated():
            try:
                return self._prepared()
            except UNREADABLE as error:
                if not may_be_damage(error):
                    raise
            self._mend()
            return self._prepared()

    def _prepared(self) -> sqlite3.Connection:
        check_regular(self.path)
        if self.path.exists():
            # Before anything may be written: a newer file, or another program's, is left as it is.
            with contextlib.closing(connect_for_reading(self.path, BUSY)[0]) as connection:
                if version_of(connection, self.path, STATE):
                    check_may_be_written(self.path)
        make_directory(self.path.parent)
        make_file(self.path)
        connection = connect(self.path, "mode=rw", BUSY)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            # Even with nothing to upgrade: whether the file can be written shows before any feed is requested.
            upgrade(connection, self.path, STATE)
            connection.execute("PRAGMA journal_mode = WAL")
            self._inode = self.path.stat().st_ino
        except BaseException:
            connection.close()
            raise
        return connection

    def _mend(self) -> None:
        """Leave damaged rows behind; states that were loaded may be among them."""
        from condget.stores.salvage import mend

        self._loaded = {}
        notice = mend(self.path, self._clock())
        if notice is not None:
            self._notices.append(notice)

    # Reading and writing

    def _answer(self, question: Callable[[Rows], T]) -> T:
        """Return what a question finds in the file, or in what can be read of it where it proves damaged."""
        with self._translated():
            try:
                return question(self._rows)
            except UNREADABLE as error:
                if not may_be_damage(error):
                    raise
            self._mend_open()
            return question(self._rows)

    def _rows_checked(self, query: str, parameters: Sequence[object] = ()) -> list[Any]:
        """Return the rows of one query; where the file proves damaged, of the mended file."""
        return self._answer(lambda rows: list(rows(query, parameters)))

    def _rows(self, query: str, parameters: Sequence[object] = ()) -> list[Any]:
        return self._open().execute(query, parameters).fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._translated():
            connection = self._open()
            self._check_in_place()
            try:
                with transaction(connection, _PATIENCE):
                    yield connection
            except UNREADABLE as error:
                if not may_be_damage(error):
                    raise
                self._mend_open()
                raise _Mended(
                    f"The state file {self.path} was damaged; the last part of the report comes again with the next."
                ) from error

    def _mend_open(self) -> None:
        """Mend the file that is open, and open it again."""
        self._open().close()
        self._connection = None
        self._mend()
        self._connection = self._prepared()

    def _check_in_place(self) -> None:
        """Make sure that what is written now will be found: the file may have been deleted or replaced."""
        try:
            in_place = self.path.stat().st_ino == self._inode
        except FileNotFoundError:
            in_place = False
        if not in_place:
            raise StoreError(
                f"The state file {self.path} was deleted or replaced during this run; the last part of its "
                "report comes again with the next run."
            )

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"The state file {self.path} is closed.")
        return self._connection

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what SQLite and the file system raise into `StoreError`."""
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:
            raise store_error(error, self.path) from error
