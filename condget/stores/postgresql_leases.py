"""The hosts that a run holds in PostgreSQL, while other runs on other machines hold others (B9, C12).

A run has a row of its own with a deadline, which a thread puts off again and again. The run owns its leases of hosts as
long as that row is there. A run whose deadline has passed is dead: the next run that wants hosts deletes its row and
its leases. A commit holds its run's row for the length of its transaction, and writes nothing where the row is gone: a
run that was cut off never overwrites what its successor learned.

Deadlines are instants of the database's clock, the only one that all runs share. The instants of feeds come from the
run's own clock, which tests inject.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from condget.errors import StateLocked, StoreError
from condget.stores.postgresql_format import STATE
from condget.stores.postgresql_queries import digest_of

if TYPE_CHECKING:
    import psycopg

    from condget.stores.postgresql import Database

#: Seconds between looks whether another run has ended.
_PAUSE = 0.1

#: After these parts of a lease without a sign of the run: the next sign, and the end of its requests.
_BEAT, _ALARM = 1 / 4, 2 / 3

_DEADLINE = "clock_timestamp() + make_interval(secs => %s)"

#: Nobody waits for a run that is committing at this moment: it is not dead.
_BURY = b"""
WITH dead AS (
    DELETE FROM condget_state.runs WHERE run IN (
        SELECT run FROM condget_state.runs WHERE deadline < clock_timestamp() FOR UPDATE SKIP LOCKED
    ) RETURNING run
), their_turns AS (
    DELETE FROM condget_state.turns USING dead WHERE turns.run = dead.run
) DELETE FROM condget_state.leases USING dead WHERE leases.run = dead.run"""

#: In the order of the hosts, so that two runs never wait for each other in a circle. A run may ask twice for a host.
_HOLD = b"""
INSERT INTO condget_state.leases (host, name, run)
SELECT host, name, %b FROM unnest(%b::bytea[], %b::text[]) AS wanted (host, name) ORDER BY host
ON CONFLICT (host) DO UPDATE SET run = excluded.run WHERE leases.run = excluded.run
RETURNING name"""


class Run:
    """One run of condget, as the others see it in the database; it takes part from `begin` on.

    Args:
        alone: Whether no other run may go on meanwhile.
        wait: Seconds to wait for other runs to end.
        lease: Seconds without a sign of a run after which it is dead.
    """

    def __init__(self, database: Database, *, alone: bool, wait: float, lease: float) -> None:
        self._database = database
        self._alone = alone
        self._wait = wait
        self._lease = lease
        #: The number of this run.
        self.number = secrets.randbits(63)
        self._begun = False
        self._ended = threading.Event()
        #: When the last sign was sent, by `time.monotonic`.
        self._signed = 0.0
        #: Called when other runs are about to take the hosts of this one.
        self.on_loss: Callable[[], None] | None = None
        self.is_lost = False

    def begin(self) -> None:
        """Take part, from the first call on.

        Raises:
            StateLocked: another run is alone, or goes on while this one is to be alone.
        """
        if self._begun:
            return
        deadline = time.monotonic() + self._wait
        while (other := self._database.write(self._entered)) is not None:
            if time.monotonic() >= deadline:
                raise StateLocked(
                    f"The state {self._database.name} is held by another run ({other}); try again later, or wait with "
                    "--wait."
                )
            time.sleep(_PAUSE)
        self._begun = True
        for work in (self._beat, self._watch):
            threading.Thread(target=work, name="condget lease", daemon=True).start()

    def check(self, connection: psycopg.Connection) -> None:
        """Make sure that this run is alive until the end of the transaction.

        Raises:
            StoreError: it counts as dead.
        """
        # A lock of this kind lets the next sign pass, but nobody who would delete the row.
        row = connection.execute("SELECT 1 FROM condget_state.runs WHERE run = %s FOR KEY SHARE", (self.number,))
        if row.fetchone() is None:
            raise StoreError(
                f"The state {self._database.name} had no sign of this run for {self._lease:.0f} s, so another run may "
                "have taken its hosts; the last part of the report comes again with the next run."
            )

    def hold(self, hosts: Iterable[str]) -> frozenset[str]:
        """Hold these hosts; return those that no other run holds."""
        self.begin()
        wanted = {digest_of(host): host for host in hosts}
        if not wanted:
            return frozenset()

        def hold(connection: psycopg.Connection) -> frozenset[str]:
            self.check(connection)
            connection.execute(_BURY)
            rows = connection.execute(_HOLD, (self.number, list(wanted), list(wanted.values())))
            return frozenset(name for (name,) in rows)

        return self._database.write(hold)

    def release(self, hosts: Iterable[str]) -> None:
        """Let other runs have these hosts."""
        digests = [digest_of(host) for host in hosts]
        query = "DELETE FROM condget_state.leases WHERE run = %s AND host = ANY(%s::bytea[])"
        self._database.write(lambda connection: connection.execute(query, (self.number, digests)) and None)

    def end(self) -> None:
        """Let other runs have all hosts."""
        self._ended.set()
        if self._begun:
            self._begun = False
            self._database.leave()
            with contextlib.suppress(StoreError):  # they have them after the deadline
                self._database.write(self._left)

    def _entered(self, connection: psycopg.Connection) -> str | None:
        """Enter this run among the others, unless one of them keeps it out; return which one."""
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (STATE.lock,))
        connection.execute(_BURY)
        others: Any = connection.execute(
            """SELECT name, to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') FROM condget_state.runs
            WHERE run != %s AND (alone OR %s) ORDER BY since LIMIT 1""",
            (self.number, self._alone),
        ).fetchone()
        if others is not None:
            return f"{others[0]}, since {others[1]}"
        self._signed = time.monotonic()
        connection.execute(
            f"""INSERT INTO condget_state.runs (run, name, alone, deadline) VALUES (%s, %s, %s, {_DEADLINE})
            ON CONFLICT DO NOTHING""".encode(),
            (self.number, f"{socket.gethostname()}, pid {os.getpid()}", self._alone, self._lease),
        )
        return None

    def _left(self, connection: psycopg.Connection) -> None:
        connection.execute("DELETE FROM condget_state.leases WHERE run = %s", (self.number,))
        connection.execute("DELETE FROM condget_state.turns WHERE run = %s", (self.number,))
        connection.execute("DELETE FROM condget_state.runs WHERE run = %s", (self.number,))

    def _beat(self) -> None:
        """Give a sign again and again."""
        query = f"UPDATE condget_state.runs SET deadline = {_DEADLINE} WHERE run = %s".encode()
        while not self._ended.wait(self._lease * _BEAT):
            now = time.monotonic()
            try:
                alive = self._database.write(lambda connection: connection.execute(query, (self._lease, self.number)))
            except StoreError:
                continue  # `_watch` counts the seconds
            if alive.rowcount == 0:
                self._lose()
                return
            self._signed = now

    def _watch(self) -> None:
        """End the run's requests where no sign got through, before others may begin theirs."""
        while not self._ended.wait(max(0.0, self._signed + self._lease * _ALARM - time.monotonic())):
            if time.monotonic() >= self._signed + self._lease * _ALARM:
                self._lose()
                return

    def _lose(self) -> None:
        if not self._ended.is_set():
            self.is_lost = True
            if self.on_loss is not None:
                self.on_loss()
