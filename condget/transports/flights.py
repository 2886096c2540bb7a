"""Flights: requests on their way, so that identical ones wait for the first instead of asking the origin again.

A flight ends when its response is stored, or is known never to be. Whoever waits gives up when a flight stands still,
since its caller may have stopped reading: waiting is a favour to the origin, never a promise.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from condget.after_fork import renew_after_fork

#: Seconds without progress of its content after which nobody waits for a flight any longer.
STANDSTILL = 1.0

Key = tuple[str, str, tuple[tuple[str, str], ...]]


class Flight:
    """One request on its way. `owner` is the thread or task that sent it, which must never wait for itself."""

    __slots__ = ("_land", "_moved", "_wakers", "key", "owner")

    def __init__(self, key: Key, owner: object, land: Callable[[Flight], None]) -> None:
        self.key = key
        self.owner = owner
        self._land = land
        self._moved: float | None = None
        self._wakers: list[Callable[[], object]] = []

    def moves(self) -> None:
        """Note progress: the head, or some of the content, has come."""
        self._moved = time.monotonic()

    def stands_still(self) -> bool:
        """Whether the head has come, but no content for a while. Before that, the time-outs of the leader hold."""
        return self._moved is not None and time.monotonic() - self._moved > STANDSTILL

    def is_worth_waiting_for(self, until: float) -> bool:
        return time.monotonic() < until and not self.stands_still()

    def land(self) -> None:
        """End the flight and wake everybody who waits. Safe to call again."""
        self._land(self)


class Flights:
    """The flights of one transport, safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: How many flights have ended: where it grew, the store may know more than it did.
        self.landings = 0
        self._flights: dict[Key, Flight] = {}
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Forget the flights of other threads: they go on in the parent only."""
        self._lock = threading.Lock()
        self._flights = {}

    def join(self, key: Key, owner: object) -> tuple[Flight, bool]:
        """Return the flight of that key and whether it is our own: a new one, where none moves."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None and not flight.stands_still():  # else its leader may never come back
                return flight, False
            flight = self._flights[key] = Flight(key, owner, self._land)
            return flight, True

    def await_landing(self, flight: Flight, wake: Callable[[], object]) -> None:
        """Have `wake` called when a flight lands, at once if it has."""
        with self._lock:
            if self._flights.get(flight.key) is flight:
                flight._wakers.append(wake)
                return
        wake()

    def _land(self, flight: Flight) -> None:
        with self._lock:
            self.landings += 1
            if self._flights.get(flight.key) is flight:
                del self._flights[flight.key]
            wakers, flight._wakers = flight._wakers, []
        for wake in wakers:
            wake()
