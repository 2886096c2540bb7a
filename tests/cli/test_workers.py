"""`condget poll` by worker processes and by a Dask cluster."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.origin import Answer, Origin, ok
from tests.polling.support import rss


def feeds(origin: Origin) -> list[str]:
    """Feeds of two hosts, one of which fails."""
    origin.script("/feed", ok(rss(1, 2)))
    origin.script("/gone", Answer(404))
    return [origin.url("/feed"), f"http://localhost:{origin.port}/feed", origin.url("/gone")]


def test_processes_report_what_one_process_reports(condget: Run, origin: Origin) -> None:
    urls = feeds(origin)
    alone = condget("poll", "--strict", "--entries", "--state", "one", *urls)
    done = condget("poll", "--strict", "--entries", "--state", "two", "--processes", 2, *urls)
    assert (done.returncode, done.stdout, done.stderr) == (alone.returncode, alone.stdout, alone.stderr)
    assert "Entry 1" in done.stdout
    assert condget("poll", "--processes", 2, "--state", "two", *urls).stdout == ""


def test_ctrl_c_reports_what_is_finished(environment: dict[str, str], origin: Origin) -> None:
    """B7: feeds of one host follow one another; the second is under way when the signal comes."""
    origin.script("/feed", ok(rss(1)))
    origin.script("/slow", Answer(delay=60))
    command = [sys.executable, "-m", "condget", "poll", "--entries", "--processes", "2"]
    run = subprocess.Popen(
        [*command, origin.url("/feed"), origin.url("/slow")], env=environment, stdout=subprocess.PIPE, text=True
    )
    with run:
        origin.wait_for(2, timeout=60)
        run.send_signal(signal.SIGINT)
        output, _ = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "Entry 1" in output


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the parents of processes are read from /proc")
def test_no_worker_outlives_a_coordinator_that_is_killed(environment: dict[str, str], origin: Origin) -> None:
    origin.script("/feed", ok(rss(1)))
    origin.script("/slow", Answer(delay=60))
    command = [sys.executable, "-m", "condget", "poll", "--processes", "2", origin.url("/feed"), origin.url("/slow")]
    with subprocess.Popen(command, env=environment) as run:
        origin.wait_for(2, timeout=60)
        workers = children(run.pid)
        parsers = [child for worker in workers for child in children(worker)]
        run.kill()
    assert workers
    assert parsers
    deadline = time.monotonic() + 30
    while any(is_alive(pid) for pid in (*workers, *parsers)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def children(parent: int) -> list[int]:
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(file.parent.name))
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_wrong_usage_is_said_in_a_sentence(invoke: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    done = invoke("poll", "--processes", 2, "--dask", "tcp://localhost:8786", "http://127.0.0.1:9/")
    assert (done.returncode, done.stderr) == (2, "condget: --processes and --dask exclude each other\n")
    monkeypatch.setattr("condget.cli.workers.find_spec", lambda name: None)
    done = invoke("poll", "--dask", "tcp://localhost:8786", "http://127.0.0.1:9/")
    assert done.returncode == 2
    assert done.stderr == (
        'condget: --dask needs the package distributed; install it with: pip install "condget[dask]"\n'
    )


def test_a_dask_cluster_reports_what_one_process_reports(condget: Run, origin: Origin) -> None:
    """On worker processes that Dask started on this machine."""
    distributed = pytest.importorskip("distributed", reason="the package distributed is not installed")
    urls = feeds(origin)
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        address, env = cluster.scheduler_address, {"PYTHONWARNINGS": "default"}
        alone = condget("poll", "--strict", "--entries", "--state", "one", *urls)
        done = condget("poll", "--strict", "--entries", "--state", "two", "--dask", address, *urls, env=env)
    assert (done.returncode, done.stdout, done.stderr) == (alone.returncode, alone.stdout, alone.stderr)


def test_a_dask_scheduler_that_is_away_is_said_in_a_sentence(condget: Run) -> None:
    pytest.importorskip("distributed", reason="the package distributed is not installed")
    env = {"PYTHONWARNINGS": "default"}
    done = condget("poll", "--dask", "nonsense://x", "http://127.0.0.1:9/", env=env)
    assert done.returncode == 1
    assert re.fullmatch(r"condget: the Dask scheduler at nonsense://x cannot be reached: .*\n", done.stderr)
