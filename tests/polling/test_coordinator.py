"""A run: what is committed, and when; and what passes the executor seam."""

from __future__ import annotations

import doctest
import pickle
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from condget.cache.fields import Fields
from condget.feeds.pace import Pace
from condget.feeds.subscriptions import single
from condget.feeds.values import FeedState, Outcome
from condget.polling import RunOptions, coordinator, plan, poll
from condget.polling.executors import InProcess
from condget.polling.planning import LONG
from condget.stores.ledger import SqliteLedger
from condget.stores.memory_ledger import MemoryLedger
from condget.stores.opening import open_ledger
from tests.origin import Answer, Origin, RawRequest, ok
from tests.polling.support import HOUR, NOON, Inline, Poller, rss, titles


def test_b7_what_was_not_committed_is_new_again_also_beside_what_is_known(origin: Origin, tmp_path: Path) -> None:
    """B7: the run ends between report and commit."""
    path, url = tmp_path / "feeds.sqlite3", origin.url("/feed")
    origin.script("/feed", ok(rss(1, 2, 3)), ok(rss(4, 1, 2, 3)))
    found = []
    for ends_early in (False, True, True, False, False):
        with SqliteLedger(path) as ledger:
            executor = InProcess(lambda: NOON, parser=Inline)
            run = poll([single(url)], ledger, run_options=RunOptions(force=True), clock=lambda: NOON, executor=executor)
            found.append(titles(next(run)))
            if ends_early:
                run.close()
            assert list(run) == []
    assert found == [["Entry 1", "Entry 2", "Entry 3"], *[["Entry 4"]] * 3, []]


def test_b7_what_the_caller_did_not_come_back_for_is_not_committed(origin: Origin) -> None:
    """B7: an outcome is committed when the next one is asked for."""
    origin.script("/feed", ok(rss(1)))
    ledger = MemoryLedger()
    arguments = {"run_options": RunOptions(), "clock": lambda: NOON}
    for _ in range(2):
        run = poll(
            [single(origin.url("/feed"))],
            ledger,
            executor=InProcess(lambda: NOON, parser=Inline),
            **arguments,
        )  # type: ignore[arg-type]
        assert next(run).status == "new"
        run.close()
    assert ledger.urls() == []


def test_a_batch_can_be_sent_to_another_process(origin: Origin, poller: Poller) -> None:
    """The executor seam: what passes it is picklable."""
    subscriptions = [single(origin.url("/feed", userinfo="a:b"))]
    batch = plan(subscriptions, poller.ledger, RunOptions(pace=Pace(minimum=7)), NOON).batch()
    assert pickle.loads(pickle.dumps(batch)) == batch
    assert "a:b" not in repr(batch)
    assert pickle.loads(pickle.dumps(Fields([("a", "b")]))) == Fields([("a", "b")])


@pytest.mark.parametrize("module", [coordinator])
def test_the_examples_in_docstrings_run(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


def test_b9_c12_a_second_run_takes_what_a_long_run_does_not_hold(origin: Origin, tmp_path: Path) -> None:
    """B9, C12, B7: a long run keeps its hosts to itself, and no other feed waits; what it settles is committed."""
    state, release = tmp_path / "feeds.sqlite3", threading.Event()

    def slow(request: RawRequest) -> Answer:
        release.wait(10)
        return ok(rss(1))

    async def sleep(seconds: float) -> None:
        """The gap that makes the run long."""

    origin.script("/slow", slow)
    origin.script("/feed", ok(rss(1)))
    own = [origin.url("/feed"), origin.url("/slow")]
    others = [f"http://localhost:{origin.port}/{n}" for n in ("feed", "feed?2")]

    def run(feeds: list[str]) -> dict[str, str]:
        with open_ledger(state, alone=False) as ledger:
            executor = InProcess(lambda: NOON, parser=Inline, sleep=sleep)
            options = RunOptions(gap=LONG)
            outcomes = poll(map(single, feeds), ledger, run_options=options, clock=lambda: NOON, executor=executor)
            return {outcome.url: outcome.status for outcome in outcomes}

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run, own)
        origin.wait_for(2)
        assert run([*own, *others]) == dict.fromkeys(others, "new")
        assert run([*own, *others]) == {}
        release.set()
        assert first.result(10) == dict.fromkeys(own, "new")
    assert run([*own, *others]) == {}
    assert sorted(request.resource for request in origin.requests) == ["/feed", "/feed", "/feed?2", "/slow"]


def test_b9_what_another_run_has_just_polled_is_not_polled_again(origin: Origin) -> None:
    """B9: the other run ended between the plan and the moment in which the hosts are held."""
    origin.script("*", ok(rss(1)))
    urls = [origin.url("/a"), origin.url("/b")]

    class Late(MemoryLedger):
        def hold_hosts(self, hosts: Iterable[str]) -> frozenset[str]:
            self.commit(
                Outcome(url, "new", state=FeedState(url, last_polled=NOON, next_poll=NOON + HOUR)) for url in urls
            )
            return frozenset(hosts)

    assert list(poll(map(single, urls), Late(), run_options=RunOptions(gap=LONG), clock=lambda: NOON)) == []
    assert origin.requests == []


@pytest.mark.parametrize(
    ("feeds", "gap", "seconds"),
    [
        ([], None, 0),
        (["http://a.example/1"], None, 0),
        ([*(f"http://a.example/{n}" for n in range(2_000)), "http://b.example/"], None, 1_999),
        ([f"http://a.example/{n}" for n in range(10)], 5, 45),
        ([f"http://127.0.0.1/{n}" for n in range(10)], None, 0),
    ],
)
def test_c12_a_plan_tells_how_long_the_gaps_alone_take(feeds: list[str], gap: float | None, seconds: float) -> None:
    assert plan(map(single, feeds), MemoryLedger(), RunOptions(gap=gap), NOON).least_seconds == seconds
