"""Runs over a large list, a portion at a time: they request and report what runs over a list in memory do."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

import condget
from condget.feeds.values import Outcome
from condget.polling import RunOptions, large_lists, portions
from condget.polling.portions import Lists
from condget.stores.ledger import SqliteLedger
from tests.polling.support import HOUR, NOON, rss

Request = tuple[str, str | None]


class Site:
    """Many hosts of many kinds; notes each request and its If-None-Match."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        etag, host, path = request.headers.get("If-None-Match"), request.url.host, request.url.path
        self.requests.append((str(request.url), etag))
        match path.split("/")[1]:
            case "404":
                return httpx.Response(404)
            case "410":
                return httpx.Response(410)
            case "429":
                return httpx.Response(429, headers={"Retry-After": "7200"})
            case "moved":
                return httpx.Response(301, headers={"Location": f"https://new-{host}{path[6:]}"})
            case "away":
                return httpx.Response(302, headers={"Location": f"https://other-{host}/feed"})
            case "same":
                return httpx.Response(302, headers={"Location": f"https://{host}/feed/0"})
            case "down":
                raise httpx.ConnectError("refused")
        if etag == '"1"':
            return httpx.Response(304)
        return httpx.Response(200, headers={"ETag": '"1"'}, content=rss(1, title=path))


KINDS = ["feed", "feed", "404", "410", "429", "moved", "away", "down", "same"]
LINES = [
    f"https://{host}.example/{KINDS[(host + feed) % len(KINDS)]}/{feed}{' every=3h' if feed == 2 else ''}"
    for feed in range(4)
    for host in range(9)
] + ["https://0.example/feed/9 pause=yes", "https://user:secret@1.example/feed/8", LINES_AGAIN := "https://0.example/x"]


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    def choose(is_large: bool) -> None:
        monkeypatch.setattr(large_lists, "LARGE", 3 if is_large else 50_000)
        monkeypatch.setattr(portions, "PORTION", 5)

    return choose


class User:
    """Polls a list from time to time, and knows what came of it."""

    def __init__(self, folder: Path, name: str = "state") -> None:
        self.list = folder / "feeds.txt"
        self.state = folder / f"{name}.sqlite3"
        self.site = Site()

    def write(self, lines: list[str]) -> None:
        self.list.write_text("\n".join(lines))

    def poll(self, now: float, **options: Any) -> tuple[list[Request], dict[str, object]]:
        """Return the requests, and what is said of each feed."""
        self.site.requests.clear()
        outcomes = condget.poll(
            self.list, state=self.state, transport=httpx.MockTransport(self.site), gap=0, clock=lambda: now, **options
        )
        found = {
            outcome.url: (outcome.status, outcome.http_status, outcome.error, outcome.reason, outcome.next_poll)
            for outcome in outcomes
            if "left for the next run" not in (outcome.reason or "")
        }
        return sorted(self.site.requests, key=str), found


def test_a_large_list_is_polled_as_a_short_one(tmp_path: Path, large: Callable[[bool], None]) -> None:
    """B9, C1, C6, C8, D9, E1: at first sight, later, by force, within budgets, and after edits of the list."""
    edited = [
        *(line.replace("//5.example/moved/0", "//new-5.example/0") for line in LINES[3:]),
        "HTTPS://20.example",
        "no feed",
    ]
    after = [
        (LINES, 0.0, {}),
        (LINES, 600.0, {}),
        (LINES, 2 * HOUR, {"max_requests": 5}),
        (LINES, 2 * HOUR + 60, {"max_requests": 4}),
        (LINES, 2 * HOUR + 120, {}),
        (edited, 4 * HOUR, {}),
        (edited, 4 * HOUR + 60, {"force": True}),
        (edited, 30 * HOUR, {"max_bytes": 1}),
        (edited, 31 * HOUR, {"unconditional": True}),
        (edited, 400 * HOUR, {}),
        (edited, 300 * HOUR, {}),
    ]
    short, long = User(tmp_path, "short"), User(tmp_path, "long")
    requests = 0
    for number, (lines, later, options) in enumerate(after):
        results = []
        for user in (short, long):
            user.write(lines)
            large(user is long)
            results.append(user.poll(NOON + later, **options))
        if "max_bytes" not in options:
            assert results[0] == results[1], f"run {number}"
        requests += len(results[1][0])
    assert requests > 100
    with SqliteLedger(long.state) as ledger:
        assert ledger.enrolment("") is None


def test_b9_a_redirect_to_a_feed_of_another_portion_is_followed_once(
    tmp_path: Path, large: Callable[[bool], None]
) -> None:
    """B9: from then on it is known, and the two are one request."""
    large(True)
    user = User(tmp_path)
    user.write(
        ["https://z.example/away/1", *(f"https://{n}.example/feed" for n in range(9)), "https://other-z.example/feed"]
    )
    first, _ = user.poll(NOON)
    assert first.count(("https://other-z.example/feed", None)) == 2
    second, _ = user.poll(NOON + 5 * HOUR)
    assert second.count(("https://other-z.example/feed", '"1"')) == 1


def test_a_feed_that_is_removed_from_the_list_is_not_polled(tmp_path: Path, large: Callable[[bool], None]) -> None:
    large(True)
    user = User(tmp_path)
    user.write([f"https://{n}.example/feed" for n in range(9)])
    assert len(user.poll(NOON)[0]) == 9
    user.write([f"https://{n}.example/feed" for n in range(4)])
    assert len(user.poll(NOON + 5 * HOUR)[0]) == 4


class Ledger(SqliteLedger):
    """Notes which hosts are held and released."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.held: set[str] = set()
        self.most = 0

    def hold_hosts(self, hosts: Any) -> frozenset[str]:
        hosts = frozenset(hosts)
        self.held |= hosts
        self.most = max(self.most, len(self.held))
        return hosts

    def release_hosts(self, hosts: Any) -> None:
        self.held -= set(hosts)


def test_b9_hosts_are_held_until_their_outcomes_are_committed(tmp_path: Path, large: Callable[[bool], None]) -> None:
    """B9: and no longer, so that other runs need not wait for the end of this one."""
    large(True)
    user, ledger = User(tmp_path), Ledger(tmp_path / "state.sqlite3")
    user.write([f"https://{n % 20}.example/feed/{n}" for n in range(40)])
    outcomes = condget.poll(user.list, state=ledger, transport=httpx.MockTransport(user.site), gap=0)
    with closing(outcomes), closing(ledger):
        next(outcomes)
        assert len(ledger.held) > 3
        assert len(list(outcomes)) == 39
        assert {host for host in ledger.held if not host.startswith("list ")} == set()


def test_the_memory_of_a_run_does_not_grow_with_its_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of 100,000 feeds takes the memory of a portion, whether all are due or none."""
    monkeypatch.setattr(portions, "PORTION", 2_000)
    feeds = tmp_path / "feeds.txt"
    feeds.write_text("".join(f"https://{number}.example/feed\n" for number in range(100_000)))
    planned, most = [], []
    with SqliteLedger(tmp_path / "state.sqlite3") as ledger:
        with closing(Lists([feeds])) as lists:
            lists.begin(ledger, RunOptions(), lambda: NOON)  # enrols the list
        for turn in range(2):
            tracemalloc.start()
            try:
                with closing(Lists([feeds])) as lists:
                    plans = lists.begin(ledger, RunOptions(), lambda: NOON)
                    planned.append(0)
                    for plan in plans:
                        planned[turn] += plan.requests
                        plans.committed(Outcome(feed.job.key, "unchanged") for feed in plan.feeds)
                        if planned[turn] == 8_000:
                            break
                most.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
            with closing(sqlite3.connect(tmp_path / "state.sqlite3")) as connection:
                connection.execute("UPDATE listed SET due = ?", [NOON + 60])
                connection.commit()
    assert planned == [8_000, 0]
    assert most[0] < 12_000_000, most
    assert most[1] < 4_000_000, most


def test_a_poll_that_is_never_begun_leaves_no_file_open(tmp_path: Path, large: Callable[[bool], None]) -> None:
    large(True)
    feeds = tmp_path / "feeds.txt"
    feeds.write_text("\n".join(LINES))
    condget.poll(feeds, state=tmp_path / "state.sqlite3")


def test_d9_a_list_that_is_gone_when_the_run_begins_is_said(tmp_path: Path, large: Callable[[bool], None]) -> None:
    """D9"""
    large(True)
    feeds = tmp_path / "feeds.txt"
    feeds.write_text("\n".join(LINES))
    outcomes = condget.poll(feeds, state=tmp_path / "state.sqlite3")
    feeds.unlink()
    with pytest.raises(condget.SubscriptionError, match="cannot be read"):
        next(outcomes)
