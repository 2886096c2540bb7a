"""Large lists in PostgreSQL: several runs share the portions of one list."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from condget.stores.postgresql_ledger import PostgresqlLedger
from condget.stores.protocols import EnrolledFeed
from tests.servers import Postgresql, wait_until
from tests.stores.ledger_contract import NOW, enrol, feeds_of, outcome

NOT_DUE = (NOW, NOW + 1e5)


@pytest.fixture
def url(postgresql: Postgresql) -> str:
    return postgresql.database()


@pytest.fixture
def runs(url: str) -> Iterator[list[PostgresqlLedger]]:
    with ExitStack() as stack:
        yield [stack.enter_context(PostgresqlLedger(url, lease=600)) for _ in range(3)]


def test_runs_that_share_a_list_poll_each_feed_once_and_no_host_at_once(runs: list[PostgresqlLedger]) -> None:
    """B9, C12"""
    feeds = feeds_of(*(1 + number % 4 for number in range(60)))
    enrol(runs[0], feeds)
    lock, together = threading.Lock(), threading.Barrier(len(runs))
    under_way: set[str] = set()
    polled: list[str] = []
    portions = 0

    def poll(ledger: PostgresqlLedger) -> int:
        together.wait(60)
        count = 0
        for portion in ledger.portions("d1", 10, NOT_DUE):
            count += 1
            hosts = {feed.host for feed in portion}
            with lock:
                assert not hosts & under_way
                under_way.update(hosts)
            ledger.commit([outcome(feed.key) for feed in portion])
            with lock:
                under_way.difference_update(hosts)
                polled.extend(feed.key for feed in portion)
            ledger.release_hosts(hosts)
        return count

    with ThreadPoolExecutor(len(runs)) as threads:
        portions = sum(threads.map(poll, runs))
    assert sorted(polled) == sorted(feed.key for feed in feeds)
    assert portions > len(runs)
    assert list(runs[0].portions("d1", 10, NOT_DUE)) == []


def test_hosts_that_another_run_holds_are_left_to_it(runs: list[PostgresqlLedger]) -> None:
    """B9"""
    enrol(runs[0], feeds_of(1, 1, 1, 1))
    assert runs[0].hold_hosts(["1.example", "2.example"])
    hosts = [[feed.host for feed in portion] for portion in runs[1].portions("d1", 2, NOT_DUE)]
    assert hosts == [["0.example"], ["3.example"]]
    assert runs[0].hold_hosts(["0.example"]) == frozenset()


def test_hosts_without_a_due_feed_are_not_kept_from_others(runs: list[PostgresqlLedger]) -> None:
    feeds = feeds_of(1, 1)
    enrol(runs[0], feeds)
    portions = runs[0].portions("d1", 1, NOT_DUE)
    next(portions)
    runs[1].commit([outcome(feeds[1].key)])
    assert list(portions) == []
    assert runs[1].hold_hosts(["0.example", "1.example"]) == {"1.example"}


def test_coordinators_that_begin_together_enrol_a_list_once(runs: list[PostgresqlLedger]) -> None:
    feeds = feeds_of(3, 3)
    together = threading.Barrier(len(runs))

    def begin(ledger: PostgresqlLedger) -> int:
        together.wait(60)
        return enrol(ledger, feeds)

    with ThreadPoolExecutor(len(runs)) as threads:
        assert list(threads.map(begin, runs)) == [6] * 3
    assert runs[0]._rows("SELECT count(*), count(DISTINCT list) FROM condget_state.listed") == [(6, 1)]


def test_what_a_dead_run_left_of_its_portions_goes(url: str, runs: list[PostgresqlLedger]) -> None:
    enrol(runs[0], feeds_of(1, 1))
    with closing(PostgresqlLedger(url, lease=600)) as dead:
        next(dead.portions("d1", 1))
        left = "SELECT count(*) FROM condget_state.turns"
        portions = dead.portions("d1", 1)
        next(portions)
        assert runs[0]._rows(left) != [(0,)]
        runs[0]._database.run(
            lambda connection: connection.execute(
                "UPDATE condget_state.runs SET deadline = clock_timestamp() - interval '1 s' WHERE run = %s",
                (dead._run.number,),
            )
        )
        wait_until(lambda: runs[0].hold_hosts(["0.example"]), "the host did not return")
        assert runs[0]._rows(left) == [(0,)]


def test_the_portions_of_a_long_list_come_from_the_server_piece_by_piece(runs: list[PostgresqlLedger]) -> None:
    feeds = [EnrolledFeed(f"https://{n}.example/", f"{n}.example", n + 1, 30 * n) for n in range(12_000)]
    assert enrol(runs[0], iter(feeds)) == 12_000
    sizes = [len(portion) for portion in runs[0].portions("d1", 5_000, NOT_DUE)]
    assert sizes == [5_000, 5_000, 2_000]
    pages = list(runs[0].overdue("d1", 5_000, NOT_DUE))
    assert [feed for page in pages for feed in page] == feeds
