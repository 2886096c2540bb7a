"""Failures that `condget poll` reports, and failures that it leaves out (C15)."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from condget.stores.lock import lock
from tests.cli.conftest import Run
from tests.origin import Answer, Origin, conditional, ok
from tests.polling.support import rss

NOON, HOUR = 1_767_268_800, 3600


@pytest.fixture
def failing(origin: Origin, tmp_path: Path, invoke: Run, environment: dict[str, str]) -> Path:
    """A list of a feed that worked until now."""
    origin.script("/feed", ok(rss(1), etag='"1"'))
    file = tmp_path / "feeds.txt"
    file.write_text(origin.url("/feed"))
    environment["CONDGET_NOW"] = str(NOON)
    invoke("poll", file)
    origin.script("/feed", Answer(503))
    return file


def test_c15_a_failure_is_reported_after_the_third_in_a_row_and_its_end_once(
    failing: Path, origin: Origin, invoke: Run, environment: dict[str, str]
) -> None:
    """C15: the exit code tells each of them."""
    words = []
    for hours in range(2, 7):
        environment["CONDGET_NOW"] = str(NOON + hours * HOUR)
        done = invoke("poll", "--force", failing)
        assert (done.returncode, done.stdout) == (1, "")
        words.append(done.stderr)
    assert words[:2] == ["", ""]
    assert words[2].endswith(
        "503 Service Unavailable; it will be requested again; 3 failures in a row since 2026-01-01T14:00:00Z\n"
    )
    assert words[3:] == ["", ""]
    origin.script("/feed", conditional(rss(1), etag='"1"'))
    done = invoke("poll", "--force", failing)
    assert (done.returncode, done.stdout) == (0, "")
    url = origin.url("/feed")
    assert done.stderr == f"Tea ({url}): works again, after 5 failures in a row since 2026-01-01T14:00:00Z\n"
    assert invoke("poll", "--force", failing).stderr == ""


@pytest.mark.parametrize("options", [["--strict"], ["--failures-after", "1"], ["--all"]])
def test_c15_each_failure_is_reported_on_request(failing: Path, invoke: Run, options: list[str]) -> None:
    """C15"""
    assert "503 Service Unavailable" in invoke("poll", "--force", *options, failing).stderr


def test_c15_programs_learn_of_each_failure(failing: Path, invoke: Run, environment: dict[str, str]) -> None:
    """C15"""
    for number in (1, 2):
        environment["CONDGET_NOW"] = str(NOON + number * HOUR)
        row = json.loads(invoke("poll", "--force", "-f", "jsonl", failing).stdout)
        assert (row["status"], row["failures"], row["failing_since"]) == ("error", number, "2026-01-01T13:00:00Z")


def test_c15_failures_can_be_reported_after_some_time(failing: Path, invoke: Run, environment: dict[str, str]) -> None:
    """C15"""
    assert invoke("poll", "--force", failing).stderr == ""
    environment["CONDGET_NOW"] = str(NOON + 2 * HOUR)
    assert "503" in invoke("poll", "--force", "--failing-for", "90m", failing).stderr
    done = invoke("poll", "--force", "--failing-for", "90", failing)
    assert done.returncode == 2
    assert done.stderr.startswith("condget: --failing-for: ")


def test_c13_c15_a_machine_that_stays_offline_says_so_once(
    origin: Origin, tmp_path: Path, invoke: Run, environment: dict[str, str]
) -> None:
    """C13, C15: and once more after it was online."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    file = tmp_path / "feeds.txt"
    file.write_text("".join(f"http://127.0.0.1:{port}/{n}\n" for n in range(5)))
    origin.script("/feed", ok(rss(1)))
    said = []
    for hours in (0, 1, 2):
        environment["CONDGET_NOW"] = str(NOON + hours * HOUR)
        done = invoke("poll", "--force", file)
        assert (done.returncode, done.stdout) == (1, "")
        said.append(done.stderr)
    assert said[0].startswith("condget: offline? None of 5 feeds could be reached; ")
    assert said[1:] == ["", ""]
    environment["CONDGET_NOW"] = str(NOON + 3 * HOUR)
    invoke("poll", origin.url("/feed"))
    environment["CONDGET_NOW"] = str(NOON + 4 * HOUR)
    assert "None of 5 feeds" in invoke("poll", "--force", file).stderr


def test_b9_a_run_that_finds_the_state_held_is_silent_where_that_is_wanted(
    failing: Path, home: Path, invoke: Run
) -> None:
    """B9, C15"""
    with lock(home / "state" / "feeds.sqlite3"):
        loud, quiet = invoke("poll", failing), invoke("poll", "-q", failing)
    assert (loud.returncode, quiet.returncode, quiet.stderr) == (75, 75, "")
    assert "held by another run" in loud.stderr
