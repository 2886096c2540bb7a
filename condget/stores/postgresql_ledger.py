"""The poller's state in PostgreSQL, which runs on several machines share: `PostgresqlLedger` for a run that writes, and
`PostgresqlLedgerReader` for those who only read.

A run locks nothing but the hosts that it requests (`condget.stores.postgresql_leases`).
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any

from condget import settings
from condget.errors import StoreError
from condget.feeds.pace import CLOCK_SLACK, set_back
from condget.stores import postgresql_lists as lists
from condget.stores import postgresql_queries as queries
from condget.stores.postgresql import Database
from condget.stores.postgresql_format import STATE, upgrade, version_of
from condget.stores.postgresql_leases import Run
from condget.urls import without_userinfo

if TYPE_CHECKING:
    import psycopg

    from condget.feeds.pace import Due
    from condget.feeds.values import FeedState, HostHold, Outcome, SeenEntry
    from condget.stores.protocols import EnrolledFeed

#: Outcomes that are written together; the transaction spans all of them.
_BATCH = 500

#: States that are kept to find what differs from them.
_MOST_LOADED = 100_000

#: Feeds that are moved together with a clock.
_MOST_MOVED = 10_000


class PostgresqlLedger:
    """A `Ledger` in a PostgreSQL database.

    To be used by one thread at a time.

    Args:
        url: `postgresql://USER@HOST:PORT/DATABASE`; libpq adds what it leaves out.
        alone: Whether no other run may go on meanwhile.
        wait: Seconds to wait for other runs to end.
        lease: Seconds without a sign of a run after which others take its hosts; None: `settings.lease()`.

    Raises:
        StateLocked: another run is in the way.
        NewerState: a newer condget wrote the tables; they are left as they are.
        StoreError: the database cannot be used; every method may raise it.
        UsageError: psycopg is not installed, or the URL cannot be read.
    """

    def __init__(
        self,
        url: str,
        *,
        alone: bool = False,
        wait: float = 0,
        lease: float | None = None,
        clock: settings.Clock = time.time,
    ) -> None:
        lease = settings.lease() if lease is None else lease
        # For so long, a run may seek a lost connection without losing its hosts.
        self._database = Database(url, prepare=self._prepare, patience=lease / 3)
        self._run = Run(self._database, alone=alone, wait=wait, lease=lease)
        self._clock = clock
        #: States as they were loaded, unless written since, by the URL in the database: only differences are written.
        self._loaded: dict[str, FeedState] = {}
        try:
            if alone:
                self._run.begin()
            else:
                self._database.rows("SELECT 1")
        except BaseException:
            self._database.close()
            raise

    @property
    def name(self) -> str:
        """The URL, for messages: without a password."""
        return self._database.name

    def due(self, urls: Sequence[str]) -> Mapping[str, Due]:
        return queries.due(self._rows, urls)

    def holds(self) -> Mapping[str, HostHold]:
        return queries.holds(self._rows)

    def load(self, urls: Sequence[str]) -> Mapping[str, FeedState]:
        with _readable(self.name):
            states = queries.load(self._rows, urls)
        # Several portions of a list may be under way. States that are written leave; of the others, few may be left.
        if len(self._loaded) > _MOST_LOADED:
            self._loaded.clear()
        self._loaded |= {without_userinfo(url): state for url, state in states.items()}
        return states

    def seen(self, url: str) -> Mapping[str, SeenEntry]:
        return queries.seen(self._rows, url)

    def moves(self, urls: Sequence[str]) -> Mapping[str, str]:
        return queries.moves(self._rows, urls)

    def spellings(self) -> Mapping[str, str]:
        return queries.spellings(self._rows)

    def urls(self) -> Sequence[str]:
        return queries.urls(self._rows)

    def last_reached(self) -> float:
        return queries.last_reached(self._rows)

    def is_shared(self) -> bool:
        return True

    def hold_hosts(self, hosts: Iterable[str]) -> frozenset[str]:
        return self._run.hold(hosts)

    def release_hosts(self, hosts: Iterable[str]) -> None:
        self._run.release(hosts)

    def reserve(self, feeds: int) -> None:
        """Make sure that this run may write; the disk is the server's."""
        self._run.begin()

    def on_loss(self, stop: Callable[[], None]) -> None:
        self._run.on_loss = stop

    def take_notices(self) -> Sequence[str]:
        return ()

    def commit(self, outcomes: Iterable[Outcome]) -> None:
        """Write what reported outcomes say is to be remembered, in one transaction, if this run still counts as alive.

        After a lost connection the outcomes are written once more. That does no harm where they had been written: they
        say what is, not what changes, and nobody else writes about hosts that this run holds.
        """
        from condget.stores.postgresql_rows import write

        self._run.begin()
        attempt = _Once(self.name)

        def commit(connection: psycopg.Connection) -> None:
            attempt.note(outcomes)
            self._run.check(connection)
            remaining = iter(outcomes)
            while batch := list(islice(remaining, _BATCH)):
                write(connection, batch, self._loaded)

        self._database.write(commit)

    def forget(self, urls: Iterable[str]) -> int:
        from condget.stores.postgresql_rows import forget

        wanted = [without_userinfo(url) for url in urls]
        self._run.begin()

        def delete(connection: psycopg.Connection) -> int:
            self._run.check(connection)
            return forget(connection, wanted)

        known = self._database.write(delete)
        for url in wanted:
            self._loaded.pop(url, None)
        return known

    # Lists that are too long for memory.

    def enrolment(self, digest: str) -> str | None:
        return lists.enrolment(self._rows, digest)

    def enrol(self, digest: str, source: str, feeds: Iterable[EnrolledFeed], remark: Callable[[], str]) -> int:
        self._run.begin()
        attempt = _Once(self.name)

        def enrol(connection: psycopg.Connection) -> int:
            attempt.note(feeds)
            self._run.check(connection)
            return lists.enrol(connection, digest, source, feeds, remark)

        return self._database.write(enrol)

    def portions(
        self, digest: str, feeds: int, not_due: tuple[float, float] | None = None
    ) -> Iterator[Sequence[EnrolledFeed]]:
        self._run.begin()
        turns = lists.Turns(self._run.number, secrets.randbits(63), digest, not_due)
        self._database.write(lambda connection: lists.take_turns(connection, turns))
        try:
            last = 0
            while hosts := lists.next_hosts(self._rows, turns, last, feeds):
                last = max(hosts)
                # Other runs hold some of them; and may have polled, meanwhile, what was due at the others.
                held = self.hold_hosts(hosts.values())
                mine = [turn for turn, host in hosts.items() if host in held]
                portion = lists.portion(self._rows, turns, mine) if mine else ()
                self.release_hosts(held.difference(feed.host for feed in portion))
                if portion:
                    yield portion
        finally:
            with contextlib.suppress(StoreError):  # the end of the run deletes them, too
                self._database.write(lambda connection: lists.drop_turns(connection, turns))

    def overdue(self, digest: str, feeds: int, not_due: tuple[float, float]) -> Iterator[Sequence[EnrolledFeed]]:
        with self._database.connected() as connection:
            yield from lists.overdue(connection, digest, feeds, not_due)

    def enrolled(self, digest: str, keys: Iterable[str]) -> Mapping[str, bool]:
        return lists.enrolled(self._rows, digest, keys)

    def enrolled_at(self, digest: str, hosts: Iterable[str]) -> Iterator[str]:
        return lists.enrolled_at(self._rows, digest, hosts)

    def set_back(self, now: float) -> float:
        if self.last_reached() - now < CLOCK_SLACK:
            return 0.0
        self._run.begin()
        return self._database.write(lambda connection: _set_back(connection, now))

    def close(self) -> None:
        self._run.end()
        self._database.close()

    def __enter__(self) -> PostgresqlLedger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if error is None and self._run.is_lost:
            raise StoreError(
                f"The state {self.name} could not be reached for so long that other runs may take the hosts of this "
                "one, which ended early; the rest of its feeds come with the next run."
            )

    def _prepare(self, connection: psycopg.Connection) -> None:
        upgrade(connection, STATE, self.name)

    def _rows(self, query: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[Any]:
        return self._database.rows(query, values)


class _Once:
    """Keeps work from being repeated with the rest of an iterator."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._attempts = 0

    def note(self, values: Iterable[object]) -> None:
        """Note an attempt.

        Raises:
            StoreError: it is not the first one, and the values cannot be had a second time.
        """
        self._attempts += 1
        if self._attempts > 1 and iter(values) is values:
            raise StoreError(
                f"The connection to {self._name} was lost; the last part of the report comes again with the next run."
            )


class PostgresqlLedgerReader:
    """A state in PostgreSQL as it is now; a database without one reads as empty. Nothing is written (F10).

    Raises:
        NewerState: a newer condget wrote the tables.
        StoreError: the database cannot be read; every method may raise it.
        UsageError: psycopg is not installed, or the URL cannot be read.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url, prepare=self._prepare)
        self._is_empty = False
        self._database.rows("SELECT 1")

    def due(self, urls: Sequence[str]) -> Mapping[str, Due]:
        return queries.due(self._rows, urls)

    def holds(self) -> Mapping[str, HostHold]:
        return queries.holds(self._rows)

    def load(self, urls: Sequence[str]) -> Mapping[str, FeedState]:
        with _readable(self._database.name):
            return queries.load(self._rows, urls)

    def seen(self, url: str) -> Mapping[str, SeenEntry]:
        return queries.seen(self._rows, url)

    def moves(self, urls: Sequence[str]) -> Mapping[str, str]:
        return queries.moves(self._rows, urls)

    def spellings(self) -> Mapping[str, str]:
        return queries.spellings(self._rows)

    def urls(self) -> Sequence[str]:
        return queries.urls(self._rows)

    def last_reached(self) -> float:
        return 0.0 if self._is_empty else queries.last_reached(self._rows)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> PostgresqlLedgerReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(self, connection: psycopg.Connection) -> None:
        self._is_empty = version_of(connection, STATE, self._database.name) == 0

    def _rows(self, query: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[Any]:
        return [] if self._is_empty else self._database.rows(query, values)


def _set_back(connection: psycopg.Connection, now: float) -> float:
    """Move what was planned by a clock that ran ahead, once where several runs notice it."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (STATE.lock,))
    last: Any = connection.execute("SELECT max(last_polled) FROM condget_state.feeds").fetchone()
    by = (last[0] or 0.0) - now
    if by < CLOCK_SLACK:
        return 0.0
    ahead = "SELECT feed, next_poll, last_polled FROM condget_state.feeds WHERE last_polled > %s LIMIT %s"
    while rows := connection.execute(ahead, (now, _MOST_MOVED)).fetchall():
        moved = [(feed, *set_back(next_poll, polled, by=by, now=now)) for feed, next_poll, polled in rows]
        connection.execute(
            """UPDATE condget_state.feeds SET next_poll = moved.next_poll, last_polled = moved.last_polled,
            reason = CASE WHEN gone THEN reason ELSE moved.words END
            FROM unnest(%b::bytea[], %b::float8[], %b::float8[], %b::text[])
            AS moved (feed, next_poll, last_polled, words) WHERE feeds.feed = moved.feed""",
            [list(column) for column in zip(*moved, strict=True)],
        )
    connection.execute(
        "UPDATE condget_state.holds SET until = until - %s, since = since - %s WHERE since > %s", (by, by, now)
    )
    return by


@contextlib.contextmanager
def _readable(name: str) -> Iterator[None]:
    """Turn what a row that another program changed raises into `StoreError`."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise StoreError(f"The state {name} has a row that cannot be read ({error}); repair or delete it.") from error
