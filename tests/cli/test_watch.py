"""`condget watch`: rounds as feeds fall due, a list that changes, and a clean end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.origin import Origin, conditional, ok
from tests.polling.support import rss

Watch = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def watch(environment: dict[str, str], tmp_path: Path) -> Iterator[Watch]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "condget", "watch", *map(str, arguments)]
        started.append(
            subprocess.Popen(
                command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen within 30 s"
        time.sleep(0.05)


def _end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_feeds_are_polled_when_they_are_due_and_news_is_printed(
    watch: Watch, origin: Origin, tmp_path: Path, invoke: Run
) -> None:
    """B7: what was printed is remembered."""
    origin.script("/feed", ok(rss(1), etag='"1"'), ok(rss(2, 1), etag='"2"'), conditional(rss(2, 1), etag='"2"'))
    file = tmp_path / "feeds.txt"
    file.write_text(f"{origin.url('/feed')} every=1s\n")
    process = watch(file, "--pause", "1s")
    _until(lambda: len(origin.requests) >= 3)
    code, out, err = _end(process)
    url = origin.url("/feed")
    assert (code, err) == (0, "")
    assert out == f"Tea ({url}): first seen, with 1 entry\nTea ({url})\n  * Entry 2\n    https://example.org/2\n"
    assert invoke("poll", "--force", file).stdout == ""


def test_a_list_that_is_changed_is_read_again(watch: Watch, origin: Origin, tmp_path: Path) -> None:
    origin.script("*", ok(rss(1), etag='"1"'))
    file = tmp_path / "feeds.txt"
    file.write_text(f"{origin.url('/a')}\n")
    process = watch(file, "--pause", "1s")
    _until(lambda: len(origin.requests_for("/a")) == 1)
    file.write_text("not a feed\n")
    time.sleep(0.1)
    file.write_text(f"{origin.url('/a')}\n{origin.url('/b')}\n")
    _until(lambda: len(origin.requests_for("/b")) == 1)
    assert _end(process)[0] == 0
    assert len(origin.requests_for("/a")) == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_ends_at_once_and_cleanly(watch: Watch, origin: Origin, number: int, code: int) -> None:
    origin.script("*", ok(rss(1), etag='"1"'))
    process = watch(origin.url("/feed"))
    assert process.stdout is not None
    assert "first seen" in process.stdout.readline()
    time.sleep(0.2)
    started = time.monotonic()
    returned, _, err = _end(process, number)
    assert (returned, err) == (code, "")
    assert time.monotonic() - started < 10


def test_wrong_usage_ends_it_before_the_first_round(invoke: Run) -> None:
    assert invoke("watch", "nosuch.txt").returncode == 2
    assert invoke("watch", "--pause", "5", "https://example.org/").returncode == 2
