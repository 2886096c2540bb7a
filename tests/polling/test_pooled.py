"""Pools of workers: the same outcomes as in one process, one worker at a time for a host, and nothing lost with one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from multiprocessing import get_context
from typing import Any

import pytest

from condget.feeds.subscriptions import parse_list, single
from condget.feeds.values import Outcome
from condget.polling import RunOptions, coordinator, plan, poll
from condget.polling.executors import InProcess
from condget.polling.pooled import Pooled
from condget.polling.processes import Processes
from condget.stores.memory_ledger import MemoryLedger
from tests.origin import Answer, Origin, RawRequest, ok, redirect
from tests.polling.support import Inline, rss

HOSTS = 8


@contextmanager
def hosts(number: int = HOSTS) -> Iterator[list[Origin]]:
    """So many origins, each a host of its own."""
    with ExitStack() as stack:
        yield [stack.enter_context(Origin(f"127.0.1.{n + 1}")) for n in range(number)]


@contextmanager
def processes(workers: int = 2) -> Iterator[Processes]:
    pool = Processes(workers)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def polled(
    feeds: Iterable[str], executor: Pooled | InProcess, ledger: MemoryLedger | None = None, **options: object
) -> list[Outcome]:
    subscriptions = parse_list("\n".join(feeds), "feeds.txt")
    run_options = RunOptions(force=True, **options)  # type: ignore[arg-type]
    ledger = ledger or MemoryLedger()
    return list(poll(subscriptions, ledger, run_options=run_options, executor=executor))


def at_once(origin: Origin) -> list[tuple[RawRequest, RawRequest]]:
    """Requests that came while another one was being answered."""
    requests = origin.requests
    return [(one, two) for one, two in pairwise(requests) if two.received_at < one.received_at + DELAY - 0.001]


#: Seconds that every answer takes.
DELAY = 0.03


def slowly(answer: Answer) -> Answer:
    return Answer(answer.status, answer.fields, answer.body, delay=DELAY)


def script(origins: Sequence[Origin]) -> list[str]:
    """Feeds of all kinds: news, a 404, not a feed, redirects within a host, across hosts, and to a listed feed."""
    feeds = []
    for number, origin in enumerate(origins):
        other = origins[(number + 3) % len(origins)]
        for path in ("/a", "/b"):
            origin.script(path, slowly(ok(rss(1, 2, number), etag='"1"')))
        origin.script("/gone", slowly(Answer(404)))
        origin.script("/page", slowly(ok(b"<html><body>no feed</body></html>")))
        origin.script("/moved", slowly(redirect("/to", 301)))
        origin.script("/to", slowly(ok(rss(4))))
        origin.script("/away", slowly(redirect(other.url(f"/from{number}"))))
        other.script(f"/from{number}", slowly(ok(rss(5))))
        origin.script("/listed", slowly(redirect(other.url("/a"))))
        feeds += [origin.url(path) for path in ("/a", "/b", "/gone", "/page", "/moved", "/away", "/listed")]
    return feeds


def facts(outcomes: Iterable[Outcome]) -> dict[str, tuple[object, ...]]:
    return {
        outcome.url: (
            outcome.status,
            outcome.error,
            [entry.title for entry in outcome.entries],
            outcome.moved_to,
            outcome.validators_received,
            outcome.state and outcome.state.chain,
        )
        for outcome in outcomes
    }


@contextmanager
def pool_of(kind: str) -> Iterator[Executor]:
    if kind == "processes":
        with processes() as pool:
            yield pool
    elif kind == "threads":
        with ThreadPoolExecutor(3) as threads:
            yield threads
    else:
        with ProcessPoolExecutor(2, get_context("spawn")) as others:
            yield others


@pytest.mark.parametrize("kind", ["processes", "threads", "process pool"])
def test_c12_a_pool_has_the_outcomes_of_one_process_and_never_asks_a_host_twice_at_once(kind: str) -> None:
    """C12, B9: hosts that redirects join included, at first sight and when they are known."""
    with hosts() as origins, pool_of(kind) as pool:
        feeds = script(origins)
        expected = facts(polled(feeds, InProcess(time.time, parser=Inline)))
        for origin in origins:
            origin.clear()
        ledger = MemoryLedger()
        assert facts(polled(feeds, Pooled(pool), ledger)) == expected
        assert [at_once(origin) for origin in origins] == [[]] * HOSTS
        redirects = [len(origin.requests_for("/away")) for origin in origins]
        assert max(redirects) <= 2
        for origin in origins:
            origin.clear()
        again = polled(feeds, Pooled(pool), ledger)
        assert {outcome.status for outcome in again} == {"unchanged", "error", "skipped"}
        assert [at_once(origin) for origin in origins] == [[]] * HOSTS
        assert [len(origin.requests_for("/away")) for origin in origins] == [1] * HOSTS


def test_a_worker_that_is_killed_costs_a_repeat() -> None:
    """B7, C12: in the middle of a poll. Its hosts are asked again by a new worker; each feed has its outcome."""
    with hosts() as origins, processes() as pool:
        feeds = script(origins)
        expected = facts(polled(feeds, InProcess(time.time, parser=Inline)))

        def first(request: RawRequest) -> Answer:
            (child, *_) = pool._children
            child.kill()
            child.wait(10)
            return ok(b"too late")

        for origin in origins:
            origin.clear()
        origins[0].script("/a", first, slowly(ok(rss(1, 2, 0), etag='"1"')))
        executor = Pooled(pool)
        assert facts(polled(feeds, executor)) == expected
        (notice,) = executor.take_notices()
        assert notice.startswith("a worker was lost, and with it ")
        assert notice.endswith("(SIGKILL)")
        assert [at_once(origin) for origin in origins[1:]] == [[]] * (HOSTS - 1)


def test_a_job_that_kills_each_worker_is_left_for_the_next_run() -> None:
    """B7, F4: and the pool goes on."""
    with hosts(2) as origins, processes(1) as pool:

        def deadly(request: RawRequest) -> Answer:
            (child,) = pool._children
            child.kill()
            child.wait(10)
            return ok(rss(1))

        origins[0].script("*", deadly)
        executor = Pooled(pool)
        assert polled([origins[0].url("/")], executor) == []
        assert executor.take_notices()[-1] == "1 feed of lost workers comes with the next run"
        origins[1].script("*", ok(rss(1)))
        assert [outcome.status for outcome in polled([origins[1].url("/")], Pooled(pool))] == ["new"]


class OneTask(ThreadPoolExecutor):
    """Breaks after one task."""

    tasks = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.tasks:
            raise RuntimeError("the pool has no memory")
        self.tasks = 1
        return super().submit(fn, *args, **kwargs)


def test_a_pool_that_breaks_leaves_the_rest_for_the_next_run(origin: Origin) -> None:
    """B7: nothing is lost, and a sentence says why the run ended."""
    with Origin("0.0.0.0") as everywhere, OneTask(1) as pool:
        everywhere.script("*", ok(rss(1)))
        urls = [f"http://127.1.{number}.1:{everywhere.port}/" for number in range(120)]
        executor = Pooled(pool, workers=1)
        assert len(polled(urls, executor)) == 50
        (notice,) = executor.take_notices()
        rest = "70 feeds, and those after them, come with the next run"
        assert notice == f"the pool of workers failed: the pool has no memory; {rest}"


class Counting(ThreadPoolExecutor):
    """Counts tasks."""

    tasks = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.tasks += 1
        return super().submit(fn, *args, **kwargs)


def in_two_batches(origin: Origin, options: RunOptions) -> list[Outcome]:
    """Poll two feeds of one host, by two tasks."""
    feeds = [[single(origin.url(f"/{number}"))] for number in (0, 1)]
    plans = [plan(subscriptions, MemoryLedger(), options, time.time()) for subscriptions in feeds]
    with Counting(2) as pool:
        groups = list(coordinator.run(plans, MemoryLedger(), Pooled(pool), time.time))
        assert pool.tasks == 2
    return [outcome for group in groups for outcome in group]


def test_c6_a_silence_that_one_task_meets_holds_for_the_next(origin: Origin) -> None:
    """C6"""
    origin.script("*", Answer(429, fields=[("Retry-After", "600")]))
    _, second = in_two_batches(origin, RunOptions())
    assert second.status == "skipped"
    assert "Retry-After" in str(second.reason)
    assert len(origin.requests) == 1


def test_c12_the_gap_holds_across_tasks(origin: Origin) -> None:
    """C12"""
    origin.script("*", ok(rss(1)))
    assert len(in_two_batches(origin, RunOptions(gap=0.5))) == 2
    first, second = (request.received_at for request in origin.requests)
    assert second - first >= 0.5


@pytest.mark.parametrize("kind", ["processes", "threads"])
def test_stop_yields_what_is_finished(kind: str, origin: Origin) -> None:
    """Feeds of one host follow one another, so the first is finished when the second is requested."""
    origin.script("/fast", ok(rss(1)))
    origin.script("/slow", Answer(200, body=rss(1), delay=30))
    with pool_of(kind) as pool:
        executor = Pooled(pool)

        def stop() -> None:
            origin.wait_for(2, timeout=30)
            executor.stop()

        thread = threading.Thread(target=stop)
        thread.start()
        outcomes = polled([origin.url("/fast"), origin.url("/slow")], executor)
        thread.join()
    assert [outcome.url for outcome in outcomes] == [origin.url("/fast")]
    assert executor.take_notices() == []
