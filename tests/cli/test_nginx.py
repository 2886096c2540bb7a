"""The story of the first release, with a server that nobody here wrote: ten feeds served by nginx, polled by cron."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

DAY = 86400
T = 1_700_000_000


def feed(number: int, entries: int) -> str:
    items = "".join(
        f"<item><guid isPermaLink='false'>{number}-{entry}</guid><title>Entry {entry}</title></item>"
        for entry in range(entries, 0, -1)
    )
    return f"<rss version='2.0'><channel><title>Feed {number}</title>{items}</channel></rss>"


class Nginx:
    """nginx on a free loopback port, with its own ETag and Last-Modified, and its log."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "www"
        self.root.mkdir()
        self.log = directory / "access.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = directory / "nginx.conf"
        config.write_text(
            # As root nginx would hand over to a user who may not read our directory.
            ("user root;\n" if os.geteuid() == 0 else "")
            + f"""daemon off; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/error.log;
            events {{}}
            http {{
              log_format seen '$status $request_uri "$http_if_none_match" "$http_if_modified_since"';
              access_log {self.log} seen;
              client_body_temp_path {directory}/a; proxy_temp_path {directory}/b; fastcgi_temp_path {directory}/c;
              uwsgi_temp_path {directory}/d; scgi_temp_path {directory}/e;
              types {{ application/rss+xml xml; }}
              server {{ listen 127.0.0.1:{self.port}; root {self.root}; }}
            }}"""
        )
        assert NGINX is not None
        self.process = subprocess.Popen([NGINX, "-p", str(directory), "-c", str(config)], stderr=subprocess.DEVNULL)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            time.sleep(0.05)
        else:
            raise RuntimeError("nginx did not start")

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def seen(self) -> list[list[str]]:
        """Return the lines of its log so far, and forget them."""
        lines = [line.split(" ", 2) for line in self.log.read_text().splitlines()]
        self.log.write_text("")
        return lines

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Nginx]:
    directory = tmp_path / "nginx"
    directory.mkdir()
    server = Nginx(directory)
    for number in range(10):
        (server.root / f"{number}.xml").write_text(feed(number, 3))
    yield server
    server.stop()


class Cron:
    """`condget` in processes of their own, with a private home and a clock that we set."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.now = T
        home.mkdir()

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        return {
            **kept,
            "HOME": str(self.home),
            "CONDGET_STATE_DIR": str(self.home / "state"),
            "CONDGET_CACHE_DIR": str(self.home / "cache"),
            "CONDGET_NOW": str(self.now),
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "condget", *arguments],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def poll(self, feeds: Path, *options: str) -> tuple[int, dict[str, dict[str, object]]]:
        code, out, err = self.run("poll", str(feeds), "--format", "jsonl", *options)
        assert err == ""
        return code, {record["url"]: record for record in map(json.loads, out.splitlines())}


@pytest.fixture
def cron(tmp_path: Path) -> Cron:
    return Cron(tmp_path / "home")


@pytest.fixture
def feeds(nginx: Nginx, tmp_path: Path) -> Path:
    path = tmp_path / "feeds.txt"
    path.write_text("".join(nginx.url(f"/{number}.xml") + "\n" for number in range(10)))
    return path


def test_ten_feeds_are_new_then_unchanged_then_one_has_changed(nginx: Nginx, cron: Cron, feeds: Path) -> None:
    """A1, A2, B7, C1, F5, F8: nginx's own log is the judge."""
    code, records = cron.poll(feeds)
    assert (code, len(records), {record["status"] for record in records.values()}) == (0, 10, {"new"})
    assert [len(record["entries"]) for record in records.values()] == [3] * 10  # type: ignore[arg-type]
    assert {(status, rest) for status, _, rest in nginx.seen()} == {("200", '"-" "-"')}

    cron.now += 60
    assert cron.poll(feeds) == (0, {})
    assert nginx.seen() == []

    cron.now += DAY
    assert cron.run("poll", str(feeds)) == (0, "", "")
    log = nginx.seen()
    assert sorted(path for _, path, _ in log) == sorted(f"/{number}.xml" for number in range(10))
    assert {status for status, _, _ in log} == {"304"}
    assert all('"-"' not in rest for _, _, rest in log)

    touched = nginx.root / "4.xml"
    touched.write_text(feed(4, 5))
    cron.now += DAY
    code, records = cron.poll(feeds)
    assert code == 0
    assert list(records) == [nginx.url("/4.xml")]
    (record,) = records.values()
    assert record["status"] == "changed"
    assert [entry["id"] for entry in record["entries"]] == ["4-5", "4-4"]  # type: ignore[attr-defined]
    assert sorted(status for status, _, _ in nginx.seen()) == ["200"] + ["304"] * 9


def test_a_touched_file_replaces_the_pair_and_is_no_news(nginx: Nginx, cron: Cron, feeds: Path) -> None:
    """B1: nginx gives the same bytes a new pair after `touch`."""
    cron.poll(feeds)
    os.utime(nginx.root / "7.xml", (T, T))
    nginx.seen()
    cron.now += DAY
    assert cron.run("poll", str(feeds)) == (0, "", "")
    assert sorted(status for status, _, _ in nginx.seen()) == ["200"] + ["304"] * 9
    cron.now += DAY
    assert cron.run("poll", str(feeds)) == (0, "", "")
    assert {status for status, _, _ in nginx.seen()} == {"304"}


def test_kill_between_two_polls_loses_nothing(nginx: Nginx, cron: Cron, feeds: Path) -> None:
    """B7: whatever was not printed before SIGKILL is printed by the next poll."""
    printed: set[str] = set()
    for delay in (0.3, 0.5, 0.7):
        process = cron.start("poll", str(feeds), "--format", "jsonl", "--force")
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        out, _ = process.communicate(timeout=10)
        whole = out[: out.rfind("\n") + 1]
        printed |= {entry["id"] for line in whole.splitlines() for entry in json.loads(line)["entries"]}
        cron.now += DAY
    _, records = cron.poll(feeds)
    printed |= {entry["id"] for record in records.values() for entry in record["entries"]}  # type: ignore[attr-defined]
    assert printed == {f"{number}-{entry}" for number in range(10) for entry in (1, 2, 3)}


def test_two_fresh_processes_share_the_cache(nginx: Nginx, cron: Cron) -> None:
    """G8: the second `condget get` needs no body, and one within the freshness lifetime needs no request."""
    url = nginx.url("/1.xml")
    first = cron.run("get", url)
    second = cron.run("get", "--mode", "no-cache", url)
    assert first == second == (0, feed(1, 3), "")
    assert [status for status, _, _ in nginx.seen()] == ["200", "304"]
