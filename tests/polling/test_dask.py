"""A Dask cluster as the pool of workers: real worker processes, one of them killed, and a network that is cut."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from condget.polling.executors import InProcess
from condget.polling.pooled import Pooled
from condget.stores.memory_ledger import MemoryLedger
from tests.origin import Answer, Origin, RawRequest, ok
from tests.polling.dask_cluster import ROOT, Cluster, Wire, cluster, wait_until
from tests.polling.support import Inline, rss
from tests.polling.test_pooled import HOSTS, at_once, facts, hosts, polled, script, slowly

distributed = pytest.importorskip("distributed", reason="the package distributed is not installed")


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("dask"), 2) as started:
        yield started


@contextmanager
def client_of(address: str, workers: int = 2) -> Iterator[Any]:
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    client = distributed.Client(address, timeout=60, set_as_default=False)
    try:
        if workers:
            client.wait_for_workers(workers, timeout=60)
        yield client
    finally:
        client.close()


def pooled(client: Any) -> Pooled:
    return Pooled(client.get_executor(pure=False, retries=0), workers=2)


def test_c12_dask_has_the_outcomes_of_one_process_and_never_asks_a_host_twice_at_once(two_workers: Cluster) -> None:
    """C12, B9"""
    with hosts() as origins, client_of(two_workers.address) as client:
        feeds = script(origins)
        expected = facts(polled(feeds, InProcess(time.time, parser=Inline)))
        for origin in origins:
            origin.clear()
        ledger = MemoryLedger()
        executor = pooled(client)
        assert facts(polled(feeds, executor, ledger)) == expected
        assert executor.take_notices() == []
        assert [at_once(origin) for origin in origins] == [[]] * HOSTS
        again = polled(feeds, pooled(client), ledger)
        assert {outcome.status for outcome in again} == {"unchanged", "error", "skipped"}


#: Hosts for two tasks, of 50 hosts and of 10.
URLS = [f"http://127.2.{number}.1:{{}}/" for number in range(60)]


@pytest.fixture
def everywhere() -> Iterator[Origin]:
    """An origin at every address of this machine."""
    with Origin("0.0.0.0") as origin:
        origin.script("*", ok(rss(1)))
        yield origin


def host(request: RawRequest) -> str:
    return request.fields.get("host") or ""


def test_a_worker_that_is_killed_has_its_feeds_polled_by_the_next_run_only(
    everywhere: Origin, two_workers: Cluster
) -> None:
    """B7, C12: the scheduler runs the task again at once, but the worker that it lost might still be polling."""
    feeds = [url.format(everywhere.port) for url in URLS]
    killed = threading.Event()

    def at_work() -> list[str]:
        return [worker for worker, keys in client.processing().items() if any("poll_task" in key for key in keys)]

    def deadly(request: RawRequest) -> Answer:
        if host(request).startswith("127.2.0.1:") and not killed.is_set():
            wait_until(lambda: len(at_work()) == 1)  # the other task is done
            killed.set()
            os.kill(pids[at_work()[0]], signal.SIGKILL)
        return ok(rss(1))

    with client_of(two_workers.address) as client:
        pids = client.run(os.getpid)
        everywhere.script("*", deadly)
        ledger, executor = MemoryLedger(), pooled(client)
        first = {outcome.url for outcome in polled(feeds, executor, ledger)}
        assert killed.is_set()
        notices = executor.take_notices()
        assert "its worker was lost" in notices[0]
        assert notices[-1] == "50 feeds of lost workers come with the next run"
        assert first == set(feeds[50:])
        requested = [host(request) for request in everywhere.requests]
        assert len(set(requested)) == len(requested)
        everywhere.clear()
        two_workers.add_worker()
        client.wait_for_workers(2, timeout=60)
        again = polled(feeds, pooled(client), ledger)
        assert {outcome.status for outcome in again if outcome.url not in first} == {"new"}
        assert len(again) == 60


def test_a_network_that_is_cut_ends_the_run_and_loses_nothing(everywhere: Origin, two_workers: Cluster) -> None:
    """B7"""
    feeds = [url.format(everywhere.port) for url in URLS]
    wire = Wire(two_workers.port)

    def cutting(request: RawRequest) -> Answer:
        if host(request).startswith("127.2.0.1:"):
            wire.cut()
        return ok(rss(1))

    try:
        ledger = MemoryLedger()
        with client_of(wire.address) as client:
            everywhere.script("*", cutting)
            executor = pooled(client)
            first = {outcome.url for outcome in polled(feeds, executor, ledger)}
            assert executor.take_notices()[-1].startswith("the pool of workers failed: the connection")
    finally:
        wire.cut()
    everywhere.script("*", ok(rss(1)))
    with client_of(two_workers.address) as client:
        again = polled(feeds, pooled(client), ledger)
    assert {outcome.url for outcome in again if outcome.status == "new"} == set(feeds) - first
    assert len(again) == 60


def test_nobody_polls_for_a_coordinator_that_was_killed(
    everywhere: Origin, two_workers: Cluster, tmp_path: Path
) -> None:
    """C12: the next coordinator may ask the same hosts. The workers stop as soon as the scheduler lets them know."""
    many, seen = 400, threading.Event()

    def slow(request: RawRequest) -> Answer:
        if len(everywhere.requests) > 2:
            seen.set()
        return Answer(body=rss(1), delay=0.1)

    everywhere.script("*", slow)
    feeds = [everywhere.url(f"/{number}").replace("0.0.0.0", "127.3.0.1") for number in range(many)]
    env = os.environ | {"CONDGET_STATE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"}
    command = [sys.executable, "-m", "condget", "poll", "--dask", two_workers.address, *feeds]
    with subprocess.Popen(command, env=env) as run:
        assert seen.wait(60)
        run.kill()
    with client_of(two_workers.address, workers=1) as client:
        wait_until(lambda: not any(client.call_stack().values()))
    number = len(everywhere.requests)
    assert number < 300


def test_c12_a_worker_that_is_cut_off_has_its_hosts_to_itself(everywhere: Origin, tmp_path: Path) -> None:
    """C12, B7: it is alive and polls on for a moment, while the scheduler has another worker run its task."""
    everywhere.script("*", slowly(ok(rss(1))))
    feeds = [everywhere.url(f"/{number}").replace("0.0.0.0", "127.3.0.1") for number in range(200)]
    with cluster(tmp_path, 0) as dask, client_of(dask.address, workers=0) as client, ThreadPoolExecutor(1) as thread:
        wire = Wire(dask.port)
        try:
            dask.add_worker(wire.address)
            executor = pooled(client)
            run = thread.submit(polled, feeds, executor)
            everywhere.wait_for(2, timeout=60)
            everywhere.script("*", Answer(delay=0.5))
            dask.add_worker()
            client.wait_for_workers(2, timeout=60)
            wire.cut()
            assert run.result(60) == []
        finally:
            wire.cut()
        wait_until(lambda: dask.workers[0].poll() is not None)
    assert "its worker was lost, and may be polling still" in executor.take_notices()[0]
    targets = [request.target for request in everywhere.requests]
    assert len(set(targets)) == len(targets) < 200
    assert at_once(everywhere) == []
