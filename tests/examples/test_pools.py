"""The same poll on a pool of processes, on a Dask cluster, and by Celery tasks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.test_examples import EXAMPLES, run
from tests.origin import Origin, conditional
from tests.polling.dask_cluster import cluster
from tests.polling.support import rss

EXPECTED = ["Tea\tEntry 1", "Tea\tEntry 2"] * 2


@pytest.fixture
def feeds(origin: Origin, tmp_path: Path) -> Path:
    """A list of two feeds, on two hosts."""
    origin.script("/feed", conditional(rss(1, 2), etag='"1"'))
    file = tmp_path / "feeds.txt"
    file.write_text(f"{origin.url('/feed')}\nhttp://localhost:{origin.port}/feed\n")
    return file


def test_on_a_pool_of_processes(feeds: Path, tmp_path: Path) -> None:
    done = run(EXAMPLES / "process_pool.py", feeds, tmp_path=tmp_path)
    assert (done.stdout.splitlines(), done.stderr) == (EXPECTED, "")
    assert run(EXAMPLES / "process_pool.py", feeds, tmp_path=tmp_path).stdout == ""


def test_on_a_dask_cluster(feeds: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the package distributed is not installed")
    with cluster(tmp_path, 1) as dask:
        dask.wait_for_workers(1)
        done = run(EXAMPLES / "dask_cluster.py", dask.address, feeds, tmp_path=tmp_path)
    assert done.stdout.splitlines() == EXPECTED


def test_by_celery_tasks(feeds: Path, tmp_path: Path) -> None:
    pytest.importorskip("celery", reason="the package celery is not installed")
    queue = str(tmp_path / "queue")
    command = [sys.executable, "-m", "celery", "--workdir", str(EXAMPLES), "--app", "celery_tasks", "worker"]
    env = os.environ | {"QUEUE": queue, "PYTHONPATH": str(EXAMPLES.parent)}
    with subprocess.Popen(
        [*command, "--pool", "solo"], env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as worker:
        try:
            done = run(EXAMPLES / "celery_tasks.py", feeds, tmp_path=tmp_path, QUEUE=queue)
        finally:
            worker.kill()
    assert (done.stdout.splitlines(), done.stderr) == (EXPECTED, "")
