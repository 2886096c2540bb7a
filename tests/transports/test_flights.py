"""Leaders and followers of identical requests (G8)."""

from __future__ import annotations

import math
import threading

import anyio

from condget.transports.flights import STANDSTILL, Flight, Flights, Key
from tests.transports.scenarios import FakeClock

KEY: Key = ("http://a/", "", ())
OTHER: Key = ("http://a/", "ann", ())


def started(flights: Flights, key: Key = KEY) -> Flight:
    flight = flights.lead(key)
    assert flight is not None
    return flight


def test_one_leads_and_others_do_not() -> None:
    flights = Flights()
    started(flights)
    assert flights.lead(KEY) is None
    assert flights.lead(OTHER) is not None


def test_a_flight_that_landed_is_led_anew() -> None:
    flights = Flights()
    flight = started(flights)
    flight.land()
    flight.land()
    assert flights.lead(KEY) is not None


def test_a_leader_that_never_comes_back_delays_nobody() -> None:
    """A stream that is neither read nor closed must not cost every later request its patience."""
    clock = FakeClock()
    flights = Flights(clock)
    flight = started(flights)
    clock.now += 100
    assert flights.lead(KEY) is None  # no head yet: the time-outs of its caller hold
    flight.moves()
    clock.now += STANDSTILL
    assert flights.lead(KEY) is None
    clock.now += 0.1
    assert flights.lead(KEY) is not None


def test_a_thread_waits_until_the_flight_lands() -> None:
    flights = Flights()
    flight = started(flights)
    results: list[Flight | None] = []
    thread = threading.Thread(target=lambda: results.append(flights.lead_or_wait(KEY, math.inf)))
    thread.start()
    flight.land()
    thread.join(10)
    assert len(results) == 1


def test_a_task_waits_until_the_flight_lands() -> None:
    async def run() -> list[object]:
        flights = Flights()
        flight = started(flights)
        results: list[object] = []

        async def wait() -> None:
            results.append(await flights.alead_or_wait(KEY, math.inf))

        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            assert results == []
            flight.land()
        return results

    assert anyio.run(run) == [None]


def test_nobody_waits_behind_the_deadline() -> None:
    clock = FakeClock()
    flights = Flights(clock)
    started(flights)
    assert flights.lead_or_wait(KEY, clock.now) is None


def test_a_thread_does_not_wait_for_itself() -> None:
    flights = Flights()
    assert flights.lead_or_wait(KEY, math.inf) is not None
    assert flights.lead_or_wait(KEY, math.inf) is None
