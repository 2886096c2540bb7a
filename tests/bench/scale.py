"""The benchmarks of long lists and of many workers: `python -m tests.bench scale NAME`."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

from condget.cache.fields import Fields
from condget.cache.messages import StoredResponse
from condget.feeds.values import FeedState, Outcome
from condget.stores.ledger import SqliteLedger
from tests.bench import ROOT
from tests.bench import poller_origins as origins
from tests.bench.measure import CONDGET, STATE, Used, run
from tests.bench.poller import folder

#: Feeds of a host. Each feed is one of the origin's documents, told apart by its query.
A_HOST, DOCUMENTS = 20, 100
#: Seconds of a run that could go on for longer.
SECONDS = 45


def simulation(sizes: Namespace) -> None:
    """The load of each minute over a week, by the schedule's own rules."""
    from tests.bench.scale_simulation import report

    for line in report(sizes.feeds, sizes.sample):
        print(line)


def memory(sizes: Namespace) -> None:
    """Memory and time of one coordinator, by the length of the list."""
    print(f"\n{'One coordinator, state in SQLite':44} {'wall s':>8} {'CPU s':>8} {'RSS MB':>8}")
    with _origin() as (where, origin):
        for feeds in (sizes.list // 10, sizes.list):
            home = where / f"{feeds}"
            home.mkdir()
            _apart(_write_list, home, origin, feeds)
            limit = ("--deadline", f"{SECONDS}s")
            _show(f"{feeds:,} feeds, first sight, {SECONDS} s", _poll(home, *limit), origin)
            _apart(_remember, home, origin, feeds, time.time())
            _show(f"{feeds:,} feeds, none due", _poll(home), origin)
            _apart(_remember, home, origin, feeds, time.time() - 7200)
            _show(f"{feeds:,} feeds, all due, {SECONDS} s", _poll(home, *limit), origin)
            shutil.rmtree(home)


def workers(sizes: Namespace) -> None:
    """Feeds a second, and CPU of a feed, by how they are polled."""
    runs: dict[str, Sequence[str]] = {
        "in this process": (),
        "1 process": ("--processes", "1"),
        "2 processes": ("--processes", "2"),
    }
    feeds = sizes.due
    print(
        f"\n{f'{feeds:,} unchanged feeds on {feeds // A_HOST:,} hosts':44} {'feeds/s':>8} {'ms CPU':>8} {'RSS MB':>8}"
    )
    with _origin() as (where, origin):
        for name, options in runs.items():
            _measure(where, origin, name, options, feeds)
        if find_spec("distributed") is None:
            print("  Dask is not installed")
            return
        for number in (1, 2):
            with _dask(where, number) as (address, cpu):
                _measure(
                    where, origin, f"Dask, {number} worker{'s' if number > 1 else ''}", ("--dask", address), feeds, cpu
                )


def _measure(
    where: Path,
    origin: origins.Origin,
    name: str,
    options: Sequence[str],
    feeds: int,
    cpu: Callable[[], float] = lambda: 0.0,
) -> None:
    home = where / "running"
    home.mkdir()
    _apart(_write_list, home, origin, feeds)
    _apart(_remember, home, origin, feeds, time.time() - 7200)
    before = cpu()
    used = _poll(home, *options)
    answers, _ = origin.answers()
    right = answers[304] == feeds
    words = "" if right else f"WRONG: answers {dict(answers)}, exit code {used.code}, {_errors(home)}"
    each = (used.cpu + cpu() - before) / feeds * 1000
    print(f"  {name:42} {feeds / used.wall:8,.0f} {each:8.3f} {used.rss:8.0f}  {words}")
    shutil.rmtree(home)


def postgresql(sizes: Namespace) -> None:
    """Leases and commits of PostgreSQL, with durable settings."""
    subprocess.run([sys.executable, "-m", "tests.bench.scale_postgresql", str(sizes.list)], cwd=ROOT, check=True)


BENCHMARKS: dict[str, Callable[[Namespace], None]] = {
    measured.__name__: measured for measured in (simulation, memory, workers, postgresql)
}


def _poll(home: Path, *options: str) -> Used:
    return run([*CONDGET, "poll", "feeds.txt", *STATE, *options], home)


def _show(words: str, used: Used, origin: origins.Origin) -> None:
    answers, _ = origin.answers()
    note = f"{sum(answers.values()):,} requests" if answers else ""
    print(f"  {words:42} {used.wall:8.2f} {used.cpu:8.2f} {used.rss:8.0f}  {note}")


def _errors(home: Path) -> str:
    return (home / "stderr").read_text(errors="replace")[-300:].strip()


@contextmanager
def _origin() -> Iterator[tuple[Path, origins.Origin]]:
    """Serve the documents on all addresses of 127.0.0.0/8: a socket for each would be too many."""
    with folder() as where:
        port, document = origins.free_port(), origins.document(0, 0, large=False)
        (where / "www").mkdir()
        for number in range(DOCUMENTS):
            file = where / "www" / f"{number}.xml"
            file.write_text(document)
            os.utime(file, (1_700_000_000, 1_700_000_000))  # so that all have one ETag
        server = f"server {{ listen {port} backlog=4096; allow 127.0.0.0/8; deny all; }}"
        config = origins.NGINX.format(folder=where, servers=server, connections=8_000)
        (where / "nginx.conf").write_text(config)
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        command = [nginx, "-p", str(where), "-c", str(where / "nginx.conf")]
        with origins.running(command, "127.0.0.1", port):
            yield where, origins.Origin("http", port, where / "access.log")


def _apart(prepare: Callable[..., None], home: Path, origin: origins.Origin, *arguments: float) -> None:
    """Prepare in a process of its own: the memory of this one would count as that of the runs that it starts."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(prepare, home, origin, *arguments).result()
    origin.answers()


def _urls(origin: origins.Origin, feeds: int) -> Iterator[str]:
    hosts = feeds // A_HOST
    # As in a real list, the feeds of a host do not stand together.
    return (
        f"http://127.{1 + n % hosts // 62_500}.{1 + n % hosts // 250 % 250}.{1 + n % hosts % 250}:{origin.port}"
        f"/{n % DOCUMENTS}.xml?{n}"
        for n in range(feeds)
    )


def _write_list(home: Path, origin: origins.Origin, feeds: int) -> None:
    with (home / "feeds.txt").open("w") as file:
        file.writelines(f"{url}\n" for url in _urls(origin, feeds))


def _remember(home: Path, origin: origins.Origin, feeds: int, polled: float) -> None:
    """Let the state know the feeds, each polled then, with the validators of the origin."""
    with urllib.request.urlopen(next(_urls(origin, feeds))) as response:
        fields = Fields([(name, response.headers[name]) for name in ("ETag", "Last-Modified")])

    def outcomes() -> Iterator[Outcome]:
        for url in _urls(origin, feeds):
            stored = StoredResponse(url, 200, fields, polled, polled)
            yield Outcome(
                url,
                "unchanged",
                FeedState(
                    url,
                    stored=stored,
                    chain=(url,),
                    title="Feed",
                    digest="0" * 32,
                    first_polled=polled,
                    last_polled=polled,
                    interval=3600,
                    next_poll=polled + 3600,
                    reason="requested at most every 1 h by default",
                ),
            )

    with contextlib.closing(SqliteLedger(home / "state.sqlite3")) as ledger:
        ledger.commit(outcomes())


@contextmanager
def _dask(where: Path, workers: int) -> Iterator[tuple[str, Callable[[], float]]]:
    """Run a scheduler and workers, each in a process of its own; yield its address, and the CPU seconds of all."""
    port = origins.free_port()
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"]
    commands = [[*dask, "--no-dashboard"], *([[*worker, "--no-dashboard"]] * workers)]
    with contextlib.ExitStack() as stack:
        processes = []
        for command in commands:
            process = subprocess.Popen(
                command,
                cwd=where,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            processes.append(process)
        time.sleep(8)  # until the workers are known; a run would wait for them, and the wait is not of interest
        yield address, lambda: sum(_cpu(process.pid) for process in processes)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # User and system time, of the process and of children that ended.
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
