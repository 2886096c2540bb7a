"""`condget` with its state in PostgreSQL: several coordinators, and the faults of processes, server and network.

Real processes poll a scripted origin through a real server. Each loopback address counts as a host, and each is an
origin whose log tells who was requested when.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from math import inf
from pathlib import Path
from typing import Any

import pytest

from condget.feeds.documents import parse
from condget.stores.postgresql_ledger import PostgresqlLedgerReader
from tests.cli.conftest import Run
from tests.origin import Answer, Origin, RawRequest, not_modified, ok
from tests.polling.support import HOUR, NOON, rss
from tests.servers import Forwarder, Postgresql, wait_until

HOSTS, FEEDS = 6, 4

#: Seconds, on a busy machine. Leases are as long, too, where no test waits for their end.
PATIENCE = 180

Start = Callable[..., "subprocess.Popen[str]"]


class Hosts:
    """Feeds at several hosts, each of which notes how many requests it answers at once."""

    def __init__(self, origins: list[Origin]) -> None:
        self.newest = 0
        #: Seconds that each response takes.
        self.delay = 0.0
        #: How many requests get a response before `resume`.
        self._left: float = inf
        self._origins = origins
        self._lock = threading.Condition()
        self._under_way = [0] * len(origins)
        self.most_at_once = 0
        for number, origin in enumerate(origins):
            origin.script("*", self._answering(number))

    @property
    def urls(self) -> list[str]:
        return [origin.url(f"/{number}") for origin in self._origins for number in range(FEEDS)]

    @property
    def requests(self) -> int:
        return sum(len(origin.requests) for origin in self._origins)

    def pause_after(self, requests: int) -> None:
        """Let all later requests wait for their responses until `resume`."""
        with self._lock:
            self._left = requests

    def resume(self) -> None:
        """Answer what waits, and all that comes, and return once nothing waits any more."""
        with self._lock:
            self._left = inf
            self._lock.notify_all()
            assert self._lock.wait_for(lambda: not any(self._under_way), PATIENCE)

    def clear(self) -> None:
        for origin in self._origins:
            origin.clear()

    def _answering(self, number: int) -> Callable[[RawRequest], Answer]:
        def answer(request: RawRequest) -> Answer:
            with self._lock:
                self._under_way[number] += 1
                self.most_at_once = max(self.most_at_once, self._under_way[number])
                self._left -= 1
                if self._left < 0:
                    self._lock.wait_for(lambda: self._left == inf, PATIENCE)
            time.sleep(self.delay)
            with self._lock:
                self._under_way[number] -= 1
                self._lock.notify_all()
            etag = f'"{self.newest}"'
            if request.fields.get("if-none-match") == etag:
                return not_modified(etag=etag)
            return ok(rss(*range(self.newest + 1)), etag=etag)

        return answer


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    with ExitStack() as stack:
        yield Hosts([stack.enter_context(Origin(f"127.0.0.{number}")) for number in range(1, HOSTS + 1)])


@pytest.fixture
def feeds(tmp_path: Path, hosts: Hosts) -> Path:
    path = tmp_path / "feeds.txt"
    path.write_text("".join(f"{url}\n" for url in hosts.urls))
    return path


@pytest.fixture
def started(environment: dict[str, str]) -> Iterator[Start]:
    """Start `condget`, which the end of the test kills."""
    with ExitStack() as stack:

        def start(*arguments: object, **variables: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-m", "condget", *map(str, arguments)],
                env=environment | {"CONDGET_LEASE": "600"} | variables,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.callback(_end, process)
            return process

        yield start


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def told(output: str) -> list[dict[str, Any]]:
    """Return the outcomes of a report whose lines are whole."""
    return [json.loads(line) for line in output.splitlines(keepends=True) if line.endswith("\n")]


def essence(outcomes: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    return sorted(
        (o["url"], o["status"], o["title"], tuple(entry["id"] for entry in o["entries"]), o["error"]) for o in outcomes
    )


@contextmanager
def nothing_ahead_of_its_report(state: str, newest: int) -> Iterator[list[dict[str, Any]]]:
    """Collect what was reported; in the end, what the state knows must be in it (B7)."""
    reported: list[dict[str, Any]] = []
    yield reported
    entries = {(o["url"], entry["id"]) for o in reported for entry in o["entries"]}
    names = {entry.key: entry.id for entry in parse(rss(*range(newest + 1)), None, "").entries}
    with PostgresqlLedgerReader(state) as reader:
        for url in reader.urls():
            assert {(url, names[key]) for key in reader.seen(url)} <= entries
            feed = reader.load([url])[url]
            if feed.stored is not None:
                etag = feed.stored.fields.get("etag")
                assert any(o["url"] == url and o["validators_received"].get("ETag") == etag for o in reported)


def test_the_commands_take_a_database_as_the_state(
    condget: Run, postgresql: Postgresql, feeds: Path, hosts: Hosts
) -> None:
    url = postgresql.database()
    planned = condget("poll", "--dry-run", "--state", url, feeds)
    assert (planned.stdout + planned.stderr).count("would be requested without validators") == HOSTS * FEEDS
    first = condget("poll", "--state", url, "-f", "jsonl", feeds)
    assert (first.returncode, first.stderr, len(told(first.stdout))) == (0, "", HOSTS * FEEDS)
    second = condget("poll", "--state", url, feeds)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert hosts.requests == HOSTS * FEEDS
    assert "Tea" in condget("explain", "--state", url, hosts.urls[0]).stdout
    assert condget("list", "--state", url, feeds).stdout.count("60 min by default; next at") == HOSTS * FEEDS
    assert condget("dead", "--state", url, feeds).stdout == ""
    assert condget("moved", "--state", url, feeds).returncode == 0
    exported = condget("state", "export", "--state", url)
    assert len(exported.stdout.splitlines()) == HOSTS * FEEDS
    other = postgresql.database()
    assert condget("state", "import", "--state", other, "-", input=exported.stdout).returncode == 0
    assert condget("state", "export", "--state", other).stdout == exported.stdout
    assert condget("forget", "--state", url, hosts.urls[0]).returncode == 0
    assert len(condget("state", "export", "--state", url).stdout.splitlines()) == HOSTS * FEEDS - 1


def test_a_variable_and_a_file_name_the_database(
    condget: Run, postgresql: Postgresql, feeds: Path, hosts: Hosts
) -> None:
    url = postgresql.database()
    own = feeds.parent / "own"
    own.mkdir()
    (own / "condget.toml").write_text(f'state = "{url}"\n')
    assert condget("poll", feeds, env={"CONDGET_CONFIG_DIR": str(own)}).returncode == 0
    again = condget("poll", feeds, env={"CONDGET_STATE": url})
    assert (again.returncode, again.stdout, hosts.requests) == (0, "", HOSTS * FEEDS)


def test_faults_are_told_in_a_sentence_without_the_password(condget: Run, postgresql: Postgresql, feeds: Path) -> None:
    """F9, F11"""
    url = postgresql.url("nosuch").replace("@", ":secret@")
    failed = condget("poll", "--state", url, feeds)
    assert failed.returncode == 1
    assert 'database "nosuch" does not exist' in failed.stderr
    assert len(failed.stderr.splitlines()) == 1
    wrong = condget("poll", "--state", "postgresql://ann:secret@h:port/d", feeds)
    assert wrong.returncode == 2
    assert "special characters percent-encoded" in wrong.stderr
    assert "secret" not in failed.stderr + wrong.stderr


@pytest.mark.parametrize("workers", [(), ("--processes", "1")], ids=["alone", "with-workers"])
def test_two_coordinators_do_what_one_does_with_a_file(
    workers: tuple[str, ...],
    condget: Run,
    started: Start,
    postgresql: Postgresql,
    feeds: Path,
    hosts: Hosts,
    tmp_path: Path,
) -> None:
    """B9, C12: the same outcomes, each change reported, and no host requested by both at once."""
    url = postgresql.database()
    half = tmp_path / "half.txt"
    half.write_text("".join(feeds.read_text().splitlines(keepends=True)[: HOSTS * FEEDS // 2]))
    for newest in range(3):
        hosts.newest, hosts.delay = newest, 0.0
        now = {"CONDGET_NOW": str(NOON + newest * 8 * 24 * HOUR)}
        alone = condget("poll", "--state", tmp_path / "state.sqlite3", "-f", "jsonl", feeds, env=now)
        assert (alone.returncode, alone.stderr) == (0, "")
        hosts.clear()
        hosts.most_at_once, hosts.delay = 0, 0.05
        # One of them has half of the list: the other finds hosts that are free, and hosts that are not.
        both = [
            started("poll", "--state", url, "--timeout", 100, "-f", "jsonl", path, **now)
            for path in (half, feeds, feeds)
        ]
        reports = [process.communicate(timeout=PATIENCE) for process in both]
        assert [(process.returncode, err) for process, (_, err) in zip(both, reports, strict=True)] == [(0, "")] * 3
        together = [outcome for out, _ in reports for outcome in told(out)]
        assert essence(together) == essence(told(alone.stdout))
        assert {o["url"] for o in together} == set(hosts.urls)
        assert (hosts.requests, hosts.most_at_once) == (HOSTS * FEEDS, 1)


def test_a_run_that_finds_all_its_hosts_held_ends_silently(
    condget: Run, started: Start, postgresql: Postgresql, feeds: Path, hosts: Hosts
) -> None:
    """B9: exit code 0, and not 75, since cron would complain about a run that works as it should."""
    url = postgresql.database()
    hosts.pause_after(0)
    first = started("poll", "--state", url, "--timeout", PATIENCE, "-f", "jsonl", feeds)
    wait_until(lambda: hosts.requests, "no request came")
    second = condget("poll", "--state", url, feeds)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    locked = condget("forget", "--state", url, hosts.urls[0])
    assert locked.returncode == 75
    assert "is held by another run" in locked.stderr
    hosts.resume()
    out, err = first.communicate(timeout=PATIENCE)
    assert (first.returncode, err, len(told(out))) == (0, "", HOSTS * FEEDS)


def test_the_hosts_of_a_coordinator_that_was_killed_return(
    condget: Run, started: Start, postgresql: Postgresql, feeds: Path, hosts: Hosts
) -> None:
    """B7, B9: its report is repeated where it was not committed, and nothing is lost."""
    url = postgresql.database()
    with nothing_ahead_of_its_report(url, 0) as reported:
        hosts.pause_after(HOSTS + 1)
        first = started("poll", "--state", url, "-f", "jsonl", feeds, CONDGET_LEASE="3")
        wait_until(lambda: hosts.requests > HOSTS + 1, "no request came")
        first.kill()
        reported += told(first.communicate()[0])
        hosts.resume()

        def all_are_known() -> bool:
            done = condget("poll", "--state", url, "-f", "jsonl", feeds)
            assert (done.returncode, done.stderr) == (0, "")
            reported.extend(told(done.stdout))
            with PostgresqlLedgerReader(url) as reader:
                return len(reader.urls()) == HOSTS * FEEDS

        wait_until(all_are_known, "the hosts did not return")
        assert {o["url"] for o in reported} == set(hosts.urls)


def test_the_server_crashes_during_a_run_and_the_run_goes_on(
    started: Start,
    condget: Run,
    durable_postgresql: Postgresql,
    feeds: Path,
    hosts: Hosts,
) -> None:
    """B7"""
    url = durable_postgresql.database()
    hosts.delay = 0.5
    with nothing_ahead_of_its_report(url, 0) as reported:
        run = started("poll", "--state", url, "-f", "jsonl", feeds)
        wait_until(lambda: hosts.requests > HOSTS, "no request came")
        durable_postgresql.restart()
        out, err = run.communicate(timeout=PATIENCE)
        assert (run.returncode, err) == (0, "")
        reported += told(out)
    assert {o["url"] for o in reported} == set(hosts.urls)
    again = condget("poll", "--state", url, feeds)
    assert (again.returncode, again.stdout, hosts.requests) == (0, "", HOSTS * FEEDS)


def test_a_coordinator_that_is_cut_off_ends_its_requests_and_another_takes_over(
    condget: Run, started: Start, postgresql: Postgresql, feeds: Path, hosts: Hosts
) -> None:
    """B7, B9, C12: it says why, its validators are nowhere ahead of a report, and no host is requested by both."""
    name = postgresql.database().rpartition("/")[2]
    url = postgresql.url(name)
    hosts.pause_after(HOSTS)
    with nothing_ahead_of_its_report(url, 0) as reported, closing(Forwarder(postgresql.port)) as network:
        behind = postgresql.url(name, port=network.port)
        first = started("poll", "--state", behind, "-f", "jsonl", feeds, CONDGET_LEASE="3")
        wait_until(lambda: hosts.requests > HOSTS, "no request came")
        network.cut()
        out, err = first.communicate(timeout=PATIENCE)
        assert first.returncode == 1
        assert "cannot be used" in err or "ended early" in err
        assert hosts.requests < HOSTS * FEEDS
        reported += told(out)
        hosts.resume()

        def all_are_known() -> bool:
            done = condget("poll", "--state", url, "-f", "jsonl", feeds)
            assert (done.returncode, done.stderr) == (0, "")
            reported.extend(told(done.stdout))
            with PostgresqlLedgerReader(url) as reader:
                return len(reader.urls()) == HOSTS * FEEDS

        wait_until(all_are_known, "the hosts did not return")
    assert {o["url"] for o in reported} == set(hosts.urls)
    assert hosts.most_at_once == 1


def test_coordinators_share_the_portions_of_a_large_list(
    postgresql: Postgresql, feeds: Path, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B9, C12: in one process here, since a list with so few feeds is not large otherwise."""
    import condget
    from condget.polling import large_lists, portions

    monkeypatch.setattr(large_lists, "LARGE", 5)
    monkeypatch.setattr(portions, "PORTION", FEEDS)
    url = postgresql.database()
    hosts.delay = 0.05
    together = threading.Barrier(2)

    def poll(_: int) -> list[str]:
        together.wait(PATIENCE)
        return [outcome.url for outcome in condget.poll(str(feeds), state=url) if outcome.status == "new"]

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(poll, range(2))
    assert sorted(first + second) == sorted(hosts.urls)
    assert first
    assert second
    assert (hosts.requests, hosts.most_at_once) == (HOSTS * FEEDS, 1)


def test_a_program_polls_with_a_database(postgresql: Postgresql, hosts: Hosts) -> None:
    import condget

    url = postgresql.database()
    outcomes = list(condget.poll(hosts.urls, state=url))
    assert len(outcomes) == HOSTS * FEEDS
    assert list(condget.poll(hosts.urls, state=url)) == []
