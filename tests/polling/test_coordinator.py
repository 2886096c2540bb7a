"""A run: what is committed, and when; and what passes the executor seam."""

from __future__ import annotations

import doctest
import pickle
from pathlib import Path
from types import ModuleType

import pytest

from condget.cache.fields import Fields
from condget.feeds.pace import Pace
from condget.feeds.subscriptions import single
from condget.polling import RunOptions, coordinator, plan, poll
from condget.polling.executors import InProcess
from condget.stores.ledger import SqliteLedger
from condget.stores.memory_ledger import MemoryLedger
from tests.origin import Origin, ok
from tests.polling.support import NOON, Inline, Poller, rss, titles


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
