"""Leases and commits on a state in PostgreSQL: `python -m tests.bench.scale_postgresql [FEEDS]`.

The server is one of this machine, with its settings as Debian has them, so that each commit waits for the disk. The CPU
is that of the coordinator alone.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

from condget.feeds.values import Outcome, SeenEntry
from condget.stores.postgresql_ledger import PostgresqlLedger
from condget.stores.protocols import EnrolledFeed
from tests.bench.state_file import outcome
from tests.servers import Postgresql, why_no_postgresql

FEEDS = 1_000_000
#: Feeds of a portion, and outcomes of a commit: a run commits what a quarter of a second brings.
PORTION, COMMIT = 10_000, 500
ROUNDS = 20
NOW = 1_800_000_000.0
NOT_DUE = (NOW, NOW + 7 * 86_400)


def feeds_of(number: int) -> Iterator[EnrolledFeed]:
    for n in range(number):
        yield EnrolledFeed(outcome(n).url, f"{n}.example.org", n + 1, 40 * n)


def unchanged(feeds: Sequence[str], ledger: PostgresqlLedger, now: float) -> list[Outcome]:
    """Return what a 304 brings, of states that were loaded as a plan loads them."""
    return [
        Outcome(url, "unchanged", state=replace(state, last_polled=now, next_poll=now + 3600))
        for url, state in ledger.load(feeds).items()
    ]


def changed(feeds: Sequence[str], ledger: PostgresqlLedger, now: float) -> list[Outcome]:
    """Return what a 200 with a new entry in a window of ten brings."""
    entries = tuple(SeenEntry(f"{now}-{n}", "f" * 32, now, now) for n in range(10))
    return [
        replace(one, status="changed", state=replace(one.state, digest=f"{now:.0f}", last_changed=now), seen=entries)
        for one in unchanged(feeds, ledger, now)
        if one.state is not None
    ]


_Made = Callable[[Sequence[str], PostgresqlLedger, float], list[Outcome]]


def measure(feeds: int = FEEDS) -> None:
    """Measure, and print the figures."""
    with closing(Postgresql(settings=())) as server, PostgresqlLedger(server.database()) as ledger:
        memory = _memory()
        began = time.perf_counter()
        for start in range(0, feeds, PORTION):
            ledger.commit([outcome(n, NOW - 7200) for n in range(start, min(feeds, start + PORTION))])
        print(f"\nPostgreSQL, {feeds:,} feeds at as many hosts, durable settings")
        _show("first commits, in groups of 10,000", feeds, time.perf_counter() - began)
        began = time.perf_counter()
        ledger.enrol("digest", "/feeds.txt", feeds_of(feeds), lambda: "")
        _show("lines enrolled", feeds, time.perf_counter() - began)
        ledger._database.run(lambda connection: connection.execute("VACUUM ANALYZE"))
        began = time.perf_counter()
        assert next(ledger.portions("digest", PORTION, (NOW - 86_400, NOW)), None) is None
        print(f"{'a run with nothing due':44} {time.perf_counter() - began:10.3f} s")
        hosts = [f"{n}.example.org" for n in range(PORTION)]
        for size in dict.fromkeys((100, PORTION)):
            _rate(f"leases, {size:,} hosts at a time", size, partial(_lease, ledger, hosts[:size]))
        portions = ledger.portions("digest", PORTION, NOT_DUE)
        began = time.perf_counter()
        keys = [feed.key for feed in next(portions)]
        print(f"{'the first portion of a run with all due':44} {time.perf_counter() - began:10.3f} s")
        rounds = min(ROUNDS, feeds // PORTION - 1)
        _rate("feeds of portions, leases included", PORTION, lambda n: next(portions), rounds=rounds)
        for words, made in (("unchanged", unchanged), ("changed, ten entries seen", changed)):
            for size in (COMMIT, 10 * COMMIT):
                _commits(f"outcomes {words}, {size:,} a commit", ledger, keys, size, made)
        print(f"{'memory of the coordinator, at most':44} {_memory():8.0f} MB, {memory:.0f} MB at the beginning")


def _commits(words: str, ledger: PostgresqlLedger, keys: Sequence[str], size: int, made: _Made) -> None:
    outcomes: list[Outcome] = []

    def prepare(n: int) -> None:
        # Loaded as a plan loads them, so that only differences are written.
        outcomes[:] = made(keys[n * size % len(keys) :][:size], ledger, NOW + n)

    _rate(words, size, lambda n: ledger.commit(outcomes), prepare=prepare)


def _lease(ledger: PostgresqlLedger, hosts: Sequence[str], n: int) -> None:
    assert len(ledger.hold_hosts(hosts)) == len(hosts)
    ledger.release_hosts(hosts)


def _rate(
    words: str,
    size: int,
    work: Callable[[int], object],
    *,
    prepare: Callable[[int], object] = lambda n: None,
    rounds: int = ROUNDS,
) -> None:
    """Do something again and again; print how many a second, and the coordinator's CPU for each."""
    wall, cpu = [], []
    for n in range(rounds):
        prepare(n)
        began, used = time.perf_counter(), time.process_time()
        work(n)
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - used)
    _show(words, size, statistics.median(wall), statistics.median(cpu))


def _show(words: str, number: int, wall: float, cpu: float | None = None) -> None:
    each = "" if cpu is None else f"  {wall * 1000:8.1f} ms each time, {cpu / number * 1e6:6.1f} us of CPU each"
    print(f"{words:44} {number / wall:10,.0f} a second{each}", flush=True)


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    if (reason := why_no_postgresql()) is not None:
        sys.exit(reason)
    measure(*map(int, sys.argv[1:]))
