"""Flights: requests under way, so that identical ones wait for the first instead of being sent to the origin again.

A flight ends when its response is stored, or is known not to be. Waiting spares the origin a request and promises
nothing: it ends when the flight stands still, since its caller may have stopped reading, and when its content proves
long. Nobody waits for requests like one whose response was not stored, or was long: there is nothing to gain. The same
holds between machines that share a store with leases (`leases`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from condget.after_fork import renew_after_fork
from condget.settings import Clock
from condget.transports.in_thread import in_thread_if
from condget.transports.leases import Key, Lease, Leases

#: Seconds without progress of its content after which nobody waits for a flight any longer.
STANDSTILL = 1.0
#: Seconds of content after which it is long, or endless.
LONG = 3.0
#: Most targets that are remembered since nothing is gained by waiting for them.
_MOST_POINTLESS = 1024
#: Seconds between two looks whether another machine's flight has landed.
_LOOK_EVERY = 0.025


class Flight:
    """One request under way. `owner` is the thread or task that leads it, which must never wait for itself."""

    __slots__ = ("_began", "_land", "_moved", "_wakers", "clock", "has_waited", "key", "lease", "owner")

    def __init__(self, key: Key, owner: object, land: Callable[[Flight, bool | None], None], clock: Clock) -> None:
        self.key = key
        self.owner = owner
        self.clock = clock
        self._land = land
        self._began: float | None = None
        self._moved = 0.0
        self._wakers: list[Callable[[], object]] = []
        #: Held while others that share the store are to wait.
        self.lease: Lease | None = None
        #: It waited for a flight of another machine before.
        self.has_waited = False

    def moves(self) -> None:
        """Note progress: the head, or some of the content, has come."""
        self._moved = self.clock()
        if self._began is None:
            self._began = self._moved
        if self.lease is not None and (left := self._began + LONG - self._moved) > 0:
            self.lease.lasts(self._moved, min(left, STANDSTILL))

    def stands_still(self) -> bool:
        """Whether the head has come, but no content for a while. Before that, the time-outs of the leader hold."""
        return self._began is not None and self.clock() - self._moved > STANDSTILL

    def is_long(self) -> bool:
        return self._began is not None and self.clock() - self._began > LONG

    def is_worth_waiting_for(self, owner: object, deadline: float) -> bool:
        return self.owner != owner and self.clock() < deadline and not self.stands_still() and not self.is_long()

    def land(self, stored: bool | None = None) -> None:
        """End the flight and wake everybody who waits. Safe to call again.

        `stored` says whether its response is stored, which is what others gain by it; None: that is not known.
        """
        self._land(self, stored)
        lease, self.lease = self.lease, None
        if lease is not None:
            lease.release()


class Flights:
    """The flights of one transport, safe between threads. Deadlines are instants of `clock`.

    `leases`, if any, are those of the store that the transport shares with other machines.
    """

    def __init__(self, clock: Clock = time.monotonic, leases: Leases | None = None) -> None:
        self._clock = clock
        self._leases = leases
        self._lock = threading.Lock()
        #: How many flights have ended: where it grew, the store may know more than it did.
        self.landings = 0
        self._flights: dict[Key, Flight] = {}
        #: URLs and partitions, the latest last.
        self._pointless: dict[tuple[str, str], None] = {}
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Forget the flights of other threads: they go on in the parent only."""
        self._lock = threading.Lock()
        self._flights = {}

    def lead_or_wait(self, key: Key, deadline: float) -> Flight | None:
        """Return a flight to lead, or None when another's has landed or is not worth waiting for any longer."""
        owner = threading.get_ident()
        flight, is_leader = self._join(key, owner)
        if is_leader:
            if self._leases is not None:
                with landing_on_error(flight):
                    while self._is_led_elsewhere(flight, self._leases, deadline):
                        time.sleep(_LOOK_EVERY)
            return flight
        landed = threading.Event()
        self._wake_on_landing(flight, landed.set)
        while flight.is_worth_waiting_for(owner, deadline) and not landed.is_set():
            landed.wait(self._patience(deadline))
        return None

    async def alead_or_wait(self, key: Key, deadline: float) -> Flight | None:
        """The async twin of `lead_or_wait`, for asyncio and trio."""
        import anyio

        owner = anyio.get_current_task().id
        flight, is_leader = self._join(key, owner)
        if is_leader:
            if self._leases is not None:
                with landing_on_error(flight):
                    while await in_thread_if(True, self._is_led_elsewhere, flight, self._leases, deadline):
                        await anyio.sleep(_LOOK_EVERY)
            return flight
        landed = anyio.Event()
        self._wake_on_landing(flight, landed.set)
        while flight.is_worth_waiting_for(owner, deadline) and not landed.is_set():
            with anyio.move_on_after(self._patience(deadline)):
                await landed.wait()
        return None

    def lead(self, key: Key) -> Flight | None:
        """Return a flight to lead, or None where another leads one."""
        flight, is_leader = self._join(key, None)
        return flight if is_leader else None

    def _join(self, key: Key, owner: object) -> tuple[Flight, bool]:
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None and flight.is_long():
                self._note_pointless(key)
            elif flight is not None and not flight.stands_still():  # else its leader may never come back
                return flight, False
            flight = Flight(key, owner, self._land, self._clock)
            if key[:2] not in self._pointless:
                self._flights[key] = flight
            return flight, True

    def _is_led_elsewhere(self, flight: Flight, leases: Leases, deadline: float) -> bool:
        """Whether another machine leads a flight for which this one is to wait. If none does, this one has the lease.

        After a wait it leads without a lease: whatever it gained stands in the store, and it waits only once.
        """
        if not flight.has_waited:
            if self._flights.get(flight.key) is flight:  # others may gain by it
                flight.lease = leases.take(flight.key, self._clock(), deadline)
                flight.has_waited = flight.lease is None
            return flight.has_waited
        if self._clock() < deadline and leases.is_taken(flight.key):
            return True
        with self._lock:
            self.landings += 1
        return False

    def _wake_on_landing(self, flight: Flight, wake: Callable[[], object]) -> None:
        """Have `wake` called when a flight lands, at once if it has."""
        with self._lock:
            if self._flights.get(flight.key) is flight:
                flight._wakers.append(wake)
                return
        wake()

    def _land(self, flight: Flight, stored: bool | None) -> None:
        with self._lock:
            self.landings += 1
            if stored:
                self._pointless.pop(flight.key[:2], None)
            elif stored is False:
                self._note_pointless(flight.key)
            if self._flights.get(flight.key) is flight:
                del self._flights[flight.key]
            wakers, flight._wakers = flight._wakers, []
        for wake in wakers:
            wake()

    def _note_pointless(self, key: Key) -> None:
        self._pointless[key[:2]] = None
        if len(self._pointless) > _MOST_POINTLESS:
            del self._pointless[next(iter(self._pointless))]

    def _patience(self, deadline: float) -> float:
        """Return how many seconds to wait before a look whether the flight still moves."""
        return max(0.0, min(STANDSTILL, deadline - self._clock()))


@contextmanager
def landing_on_error(flight: Flight | None) -> Iterator[None]:
    """Land a flight, if there is one, whose leader is cancelled while it waits."""
    try:
        yield
    except BaseException:
        if flight is not None:
            flight.land()
        raise
