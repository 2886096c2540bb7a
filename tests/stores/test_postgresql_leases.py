"""Runs that share a state in PostgreSQL: each holds hosts, and a dead run's hosts return (B9, C12).

A lease is short here where a test waits for its end, and long where nothing but a failure would wait for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from condget.errors import StateLocked, StoreError, UsageError
from condget.settings import LEASE_ENV
from condget.stores.opening import open_ledger
from condget.stores.postgresql_ledger import PostgresqlLedger, PostgresqlLedgerReader
from tests.servers import Forwarder, Postgresql, wait_until
from tests.stores.ledger_contract import NOW, URL, outcome

#: Seconds.
SHORT, LONG = 1.0, 600.0

Opened = Callable[..., PostgresqlLedger]


@pytest.fixture
def url(postgresql: Postgresql) -> str:
    return postgresql.database()


@pytest.fixture
def run(url: str) -> Iterator[Opened]:
    """Open the state, as a run does."""
    with ExitStack() as stack:

        def opened(*, lease: float = LONG, **options: object) -> PostgresqlLedger:
            return stack.enter_context(
                closing(PostgresqlLedger(str(options.pop("url", url)), lease=lease, **options))  # type: ignore[arg-type]
            )

        yield opened


@pytest.fixture
def network(postgresql: Postgresql) -> Iterator[Forwarder]:
    with closing(Forwarder(postgresql.port)) as network:
        yield network


def urls_in(url: str) -> list[str]:
    with PostgresqlLedgerReader(url) as reader:
        return list(reader.urls())


def test_a_host_is_held_by_one_run_at_a_time(run: Opened) -> None:
    """B9: many hosts, many runs at once, each host once."""
    hosts = [f"{number}.example.org" for number in range(500)]
    runs = [run() for _ in range(4)]
    together = threading.Barrier(len(runs))

    def hold(number: int) -> frozenset[str]:
        together.wait(60)
        return runs[number].hold_hosts(hosts if number % 2 else reversed(hosts))

    with ThreadPoolExecutor(len(runs)) as threads:
        held = list(threads.map(hold, range(len(runs))))
    assert sorted(host for hosts_of_run in held for host in hosts_of_run) == sorted(hosts)


def test_hosts_that_a_run_holds_already_are_still_its_own(run: Opened) -> None:
    first, second = run(), run()
    assert first.hold_hosts(["a", "b"]) == {"a", "b"}
    assert second.hold_hosts(["b", "c"]) == {"c"}
    assert first.hold_hosts(["b", "c", "d"]) == {"b", "d"}
    assert first.hold_hosts([]) == frozenset()


def test_hosts_that_are_given_back_are_free_and_the_others_at_the_end(run: Opened) -> None:
    first, second = run(), run()
    first.hold_hosts(["a", "b"])
    first.release_hosts(["a", "never held"])
    assert second.hold_hosts(["a", "b"]) == {"a"}
    first.close()
    assert second.hold_hosts(["a", "b"]) == {"a", "b"}


def test_a_host_of_any_length_can_be_held(run: Opened) -> None:
    host = "a." * 5000
    assert run().hold_hosts([host]) == {host}
    assert run().hold_hosts([host]) == frozenset()


def test_the_hosts_of_a_run_that_goes_on_stay_its_own_beyond_one_lease(run: Opened) -> None:
    first, second = run(lease=SHORT), run()
    first.hold_hosts(["a"])
    assert not threading.Event().wait(2 * SHORT)
    assert second.hold_hosts(["a"]) == frozenset()
    first.commit([outcome()])


def test_the_hosts_of_a_dead_run_return_and_what_it_learned_is_not_written(
    run: Opened, url: str, postgresql: Postgresql, network: Forwarder
) -> None:
    """B7: a run that was cut off never overwrites what its successor learned; it reports, and others report again."""
    first = run(lease=SHORT, url=postgresql.url(url.rpartition("/")[2], port=network.port))
    first.hold_hosts(["example.org"])
    first.commit([outcome(title="before")])
    network.cut()
    second = run()
    wait_until(lambda: second.hold_hosts(["example.org"]), "the host did not return")
    second.commit([outcome(title="after")])
    network.mend()
    with pytest.raises(StoreError, match="had no sign of this run for 1 s, so another run may have taken its hosts"):
        first.commit([outcome(title="late")])
    assert second.load([URL])[URL].title == "after"


def test_a_run_that_gives_no_sign_ends_its_requests_before_others_begin_theirs(
    run: Opened, url: str, postgresql: Postgresql, network: Forwarder
) -> None:
    """B9, C12"""
    first, second = run(lease=SHORT, url=postgresql.url(url.rpartition("/")[2], port=network.port)), run()
    stopped = threading.Event()
    first.on_loss(stopped.set)
    first.hold_hosts(["a"])
    assert not stopped.is_set()
    network.cut()
    wait_until(lambda: stopped.is_set() or second.hold_hosts(["a"]), "nothing happened")
    assert stopped.is_set()
    with pytest.raises(StoreError, match="which ended early; the rest of its feeds come with the next run"), first:
        network.mend()


def test_a_run_that_is_to_be_alone_waits_for_the_others_and_they_for_it(run: Opened, url: str) -> None:
    """B9: `condget forget` does not pull a feed away from a run that polls it."""
    first = run()
    first.hold_hosts(["a"])
    with pytest.raises(StateLocked, match=r"is held by another run \(.+, pid \d+, since \d{4}-.*Z\); try again later"):
        run(alone=True)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(run, alone=True, wait=60)
        first.close()
        alone = waiting.result(60)
    with pytest.raises(StateLocked):
        run().hold_hosts(["a"])
    with pytest.raises(StateLocked), open_ledger(url) as other:
        other.commit([outcome()])
    assert alone.due([URL]) == {}
    alone.close()
    assert run().hold_hosts(["a"]) == {"a"}


def test_a_run_that_only_looks_keeps_nobody_out(run: Opened) -> None:
    run().due([URL])
    run(alone=True)


def test_a_clock_set_back_is_noticed_once_by_runs_that_begin_together(run: Opened) -> None:
    """C14"""
    runs = [run() for _ in range(4)]
    runs[0].commit([outcome(last_polled=NOW, next_poll=NOW + 600)])
    with ThreadPoolExecutor(4) as threads:
        moved = list(threads.map(lambda ledger: ledger.set_back(NOW - 86400), runs))
    assert sorted(moved) == [0, 0, 0, 86400]
    assert runs[1].due([URL])[URL].next_poll == NOW - 86400 + 600


def test_the_lease_is_set_by_the_environment(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LEASE_ENV, "soon")
    with pytest.raises(UsageError, match=r"\$CONDGET_LEASE is not a number of seconds from 1 to 3600; fix or unset it"):
        PostgresqlLedger(url)
    monkeypatch.setenv(LEASE_ENV, "7.5")
    with PostgresqlLedger(url) as ledger:
        ledger.hold_hosts(["a"])
        deadlines = ledger._rows("SELECT deadline - clock_timestamp() < '7.6 s' FROM condget_state.runs")
        assert deadlines == [(True,)]
