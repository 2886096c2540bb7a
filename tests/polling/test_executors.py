"""The executor of this process: what is finished is yielded, also when it is stopped or given up."""

from __future__ import annotations

import threading

import pytest

from condget.feeds.subscriptions import single
from condget.polling import RunOptions, plan
from condget.polling.batch import Batch
from condget.polling.executors import InProcess
from condget.stores.memory_ledger import MemoryLedger
from tests.origin import Answer, Origin, ok
from tests.polling.support import NOON, Inline, rss


def batch(*urls: str) -> Batch:
    return plan(map(single, urls), MemoryLedger(), RunOptions(), NOON).batch()


def executor() -> InProcess:
    return InProcess(lambda: NOON, parser=Inline)


def test_every_job_is_yielded_once(origin: Origin) -> None:
    origin.script("*", ok(rss(1)))
    urls = [origin.url(f"/{n}") for n in range(5)]
    groups = list(executor().run([batch(*urls)]))
    assert [polled.key for group in groups for polled in group] == urls


def test_stop_gives_up_what_is_under_way_and_yields_what_is_finished(origin: Origin) -> None:
    origin.script("/fast", ok(rss(1)))
    origin.script("/slow", Answer(200, body=rss(1), delay=30))
    running = executor()
    threading.Thread(target=lambda: (origin.wait_for(2), running.stop())).start()
    groups = list(running.run([batch(origin.url("/fast"), origin.url("/slow"))]))
    assert [polled.key for group in groups for polled in group] == [origin.url("/fast")]
    assert threading.active_count() < 20


def test_closing_gives_up_what_is_under_way(origin: Origin) -> None:
    origin.script("*", ok(rss(1)))
    origin.script("/slow", Answer(200, body=rss(1), delay=30))
    groups = executor().run([batch(origin.url("/fast"), origin.url("/slow"))])
    assert [polled.key for polled in next(groups)] == [origin.url("/fast")]
    groups.close()
    assert not any(thread.name == "condget poll" for thread in threading.enumerate())


def test_an_exception_of_the_worker_is_raised_to_the_caller(origin: Origin) -> None:
    class Broken(RuntimeError):
        pass

    def wire() -> object:
        raise Broken("no wire")

    running = InProcess(lambda: NOON, wire=wire, parser=Inline)  # type: ignore[arg-type]
    with pytest.raises(Broken, match="no wire"):
        list(running.run([batch(origin.url("/"))]))
