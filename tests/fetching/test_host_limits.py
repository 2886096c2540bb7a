"""HostLimits: one request at a time per host on every hop, gaps, silence that was asked for, and slots."""

from __future__ import annotations

import asyncio
import resource
import time

import pytest

from condget.feeds.values import HostHold
from condget.fetching.host_limits import HostLimits, HostSilent, gap_of, sockets
from condget.fetching.targets import parse
from tests.polling.support import NOON


def test_c6_a_hold_ends_when_it_said() -> None:
    async def of(now: float) -> None:
        held = HostLimits(lambda: now, silences=[HostHold("a.example", NOON, "429 of a")])
        async with held.slot(parse("http://A.example./x")):
            pass

    with pytest.raises(HostSilent, match="429 of a"):
        asyncio.run(of(NOON - 1))
    asyncio.run(of(NOON))


def test_c12_the_gap_is_none_for_this_machine_and_as_set() -> None:
    hosts = ["127.0.0.1", "::1", "localhost", "a.localhost", "example.org", "10.0.0.1"]
    assert [gap_of(host, None) for host in hosts] == [0, 0, 0, 0, 1, 1]
    assert [gap_of(host, 3) for host in hosts] == [3] * 6


def test_concurrency_bounds_what_is_under_way() -> None:
    async def most() -> int:
        run, now, high = HostLimits(lambda: NOON, concurrency=3), 0, 0

        async def one(n: int) -> None:
            nonlocal now, high
            async with run.slot(parse(f"http://h{n}.example/")):
                now += 1
                high = max(high, now)
                await asyncio.sleep(0.005)
                now -= 1

        await asyncio.gather(*(one(n) for n in range(20)))
        return high

    assert asyncio.run(most()) == 3


def test_giving_up_while_waiting_for_a_turn_leaves_it_to_others() -> None:
    async def scenario() -> None:
        run, target = HostLimits(lambda: NOON, concurrency=1, gap=0), parse("http://a.example/")

        async def enter() -> None:
            async with run.slot(target):
                pass

        for blocker in (target, parse("http://b.example/")):  # its host's turn is taken, or the slot is
            async with run.slot(blocker):
                waiting = asyncio.create_task(enter())
                await asyncio.sleep(0.01)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
            await asyncio.wait_for(enter(), 1)

    asyncio.run(scenario())


def test_sockets_are_no_more_than_the_system_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = (256, 1_000)

    def setrlimit(kind: int, wanted: tuple[int, int]) -> None:
        nonlocal limits
        if wanted[0] > 900:
            raise ValueError("as on macOS")
        limits = wanted

    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits)
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    assert sockets(20) == 20
    assert limits == (256, 1_000)
    assert sockets(500) == 500
    assert 564 < limits[0] < 900
    assert 350 < sockets(5_000) < limits[0] - 64


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_turn_is_broken_off_at_its_deadline_and_tells_other_cancelling_apart(cancelled: bool) -> None:
    """F1: a TimeoutError is the turn's own; a run that is given up stays cancelled. The slot is free again."""

    async def work() -> list[str]:
        run, ended = HostLimits(time.time, gap=0, concurrency=1), []

        async def turn(seconds: float) -> None:
            try:
                async with run.slot(parse("http://a.example/"), seconds):
                    await asyncio.sleep(60)
            except TimeoutError:
                ended.append("timeout")
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

        task = asyncio.create_task(turn(60 if cancelled else 0.05))
        await asyncio.sleep(0.02)
        if cancelled:
            task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() == cancelled
        async with run.slot(parse("http://a.example/"), 60):
            ended.append("free")
        return ended

    assert asyncio.run(work()) == ["cancelled" if cancelled else "timeout", "free"]


def test_memory_does_not_grow_with_the_hosts_of_a_run() -> None:
    """C12: hosts that are over are forgotten; the gap of one that was just requested, and what is in use, are not."""

    async def work() -> tuple[int, list[float]]:
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        async def exchange(name: str) -> None:
            async with run.slot(parse(f"http://{name}/")):
                pass

        run = HostLimits(lambda: NOON, gap=0, sleep=sleep)
        with run.remembered("silent.example"):
            for number in range(20_000):
                await exchange(f"h{number}.example")
                if number % 100 == 0:
                    await asyncio.sleep(0)
            run.add_silences([HostHold("late.example", NOON + 60, "429")])
            assert "silent.example" in run._hosts
        kept = len(run._hosts)
        run = HostLimits(lambda: NOON, gap=1000, sleep=sleep)
        await exchange("first.example")
        run._forget()
        await exchange("first.example")
        return kept, slept

    kept, slept = asyncio.run(work())
    assert kept < 5_000
    assert [round(seconds) for seconds in slept] == [1000]


def test_c6_the_longer_of_two_silences_holds() -> None:
    """C6: a later batch of a run may know less than a response that this run has received."""
    run = HostLimits(lambda: NOON, silences=[HostHold("a.example", NOON + 60, "long")])
    run.add_silences([HostHold("a.example", NOON + 30, "short"), HostHold("b.example", NOON + 30, "other")])
    silences = [run.silence_of(host) for host in ("a.example", "b.example")]
    assert [silence and silence.reason for silence in silences] == ["long", "other"]
