"""A run: what is committed, and when; and what passes the executor seam."""

from __future__ import annotations

import doctest
import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from condget.cache.fields import Fields
from condget.cache.messages import Response
from condget.feeds.pace import Pace
from condget.feeds.subscriptions import parse_list, single
from condget.feeds.values import FeedState, Outcome
from condget.polling import Plan, RunOptions, coordinator, plan, poll
from condget.polling.batch import Batch, Polled
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


def test_b9_c12_a_run_that_takes_longer_than_expected_lets_another_process_in(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B9, C12: two processes; the first waits for a host that is slow, and nothing else arrives meanwhile."""
    state, release = tmp_path / "feeds.sqlite3", threading.Event()

    def slow(request: RawRequest) -> Answer:
        release.wait(60)
        return ok(rss(1))

    origin.script("/slow", slow)
    origin.script("/feed", ok(rss(1)))
    first = (
        "import sys; from condget.polling import coordinator; coordinator.ALONE = 0.0\n"
        "from condget.cli import main; main()"
    )
    own, others = [origin.url("/slow"), origin.url("/feed")], [f"http://localhost:{origin.port}/feed"]
    arguments = ("poll", "--state", str(state), "--format", "jsonl", "--entries")
    code = [sys.executable, "-c", first, *arguments, *own]
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    with subprocess.Popen(code, stdout=subprocess.PIPE, text=True) as long:
        try:
            origin.wait_for(1, timeout=30)
            second = [sys.executable, "-m", "condget", *arguments, "--wait", "60", *own, *others]
            done = subprocess.run(second, capture_output=True, text=True, timeout=100, check=False)
            assert [json.loads(line)["url"] for line in done.stdout.splitlines()] == others
            release.set()
            output, _ = long.communicate(timeout=60)
        finally:
            release.set()
            long.kill()
    assert sorted(json.loads(line)["url"] for line in output.splitlines()) == sorted(own)
    assert len(origin.requests) == 3


def test_a_plan_is_made_when_the_executor_has_room(origin: Origin) -> None:
    """Plans of a long list are made one after another; a host that takes long delays no later plan."""
    made, ledger, release = [], MemoryLedger(), threading.Event()

    def slow(request: RawRequest) -> Answer:
        release.wait(10)
        return ok(rss(1))

    origin.script("/0", slow)
    origin.script("*", ok(rss(1)))

    def plans() -> Iterator[Plan]:
        for number in range(4):
            made.append(number)
            yield plan([single(f"http://127.0.0.{number + 1}:{origin.port}/{number}")], ledger, RunOptions(), NOON)

    executor = InProcess(lambda: NOON, parser=Inline)
    finished = []
    with Origin("127.0.0.2", origin.port) as two, Origin("127.0.0.3", origin.port), Origin("127.0.0.4", origin.port):
        two.script("*", ok(rss(1)))
        for group in coordinator.run(plans(), ledger, executor, lambda: NOON):
            finished += [outcome.url[-1] for outcome in group]
            if len(finished) == 3:
                release.set()
    assert made == [0, 1, 2, 3]
    assert finished[-1] == "0"


class Unreachable:
    """An executor that reaches nobody until `reached`, and then that feed alone."""

    def __init__(self, reached: int) -> None:
        self._reached = reached

    def run(self, batches: Iterable[Batch]) -> Iterator[Sequence[Polled]]:
        number = 0
        for batch in batches:
            for (job,) in batch.hosts:
                number += 1
                response = Response(304, Fields(), NOON, NOON) if number == self._reached else None
                error = None if response else "the host has no address"
                yield [Polled(job.key, NOON, None, None, response, (job.key,), error=error, connected=not error)]

    def stop(self) -> None:
        """Nothing is under way."""


@pytest.mark.parametrize(
    ("reached", "groups"),
    [
        (0, [4]),  # nobody: all at the end
        (3, [3, 1]),  # the third: then the first two are known to have failed, and the fourth at once
    ],
)
def test_c13_a_failure_to_connect_waits_until_somebody_is_reached(reached: int, groups: list[int]) -> None:
    """C13: and no longer, since a long run would hold them all."""
    feeds = [single(f"http://h{number}.example/") for number in range(4)]
    planned = [plan(feeds, MemoryLedger(), RunOptions(), NOON)]
    found = list(coordinator.run(planned, MemoryLedger(), Unreachable(reached), lambda: NOON))  # type: ignore[arg-type]
    assert [len(group) for group in found] == groups
    failures = [outcome.failures for group in found for outcome in group if outcome.error]
    assert failures == ([1] * 3 if reached else [0] * 4)


@pytest.mark.parametrize(
    ("feeds", "gap", "seconds"),
    [
        ([], None, 0),
        (["http://a.example/1"], None, 0),
        ([*(f"http://a.example/{n}" for n in range(2_000)), "http://b.example/"], None, 1_999),
        ([f"http://a.example/{n}" for n in range(10)], 5, 45),
        ([f"http://127.0.0.1/{n}" for n in range(10)], None, 0),
        ([f"http://a.example/{n} parallel=4" for n in range(9)], 5, 10),
    ],
)
def test_c12_a_plan_tells_how_long_the_gaps_alone_take(feeds: list[str], gap: float | None, seconds: float) -> None:
    listed = parse_list("\n".join(feeds), "feeds.txt")
    assert plan(listed, MemoryLedger(), RunOptions(gap=gap), NOON).least_seconds == seconds
