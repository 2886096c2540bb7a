"""News that were not delivered are not marked as seen (B7): full disks, readers that go away, signals."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from condget.cli.delivery import Delivery
from condget.cli.destinations import Destinations
from condget.feeds.values import Entry, Outcome
from condget.reports import ReportOptions, Selection, format_of
from tests.cli.conftest import SILENCE, Run, said
from tests.origin import Answer, Origin, conditional, ok
from tests.polling.support import rss


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_b7_what_could_not_be_written_is_not_marked_as_seen(condget: Run, feeds: Path, home: Path) -> None:
    """B7: a full disk behind stdout."""
    with Path("/dev/full").open("w") as full:
        done = condget("poll", feeds, stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "stdout" in done.stderr
    assert "first seen" in condget("poll", feeds).stdout


def test_b7_a_reader_that_goes_away_gets_it_again(condget: Run, feeds: Path) -> None:
    """B7: `| head -0`; the exit code is that of SIGPIPE, and nothing is said."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        done = condget("poll", feeds, stdout=gone, stderr=subprocess.PIPE, capture_output=False)
    assert (done.returncode, done.stderr) == (141, "")
    assert "first seen" in condget("poll", feeds).stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_b7_an_interrupted_run_keeps_what_it_reported(
    environment: dict[str, str], condget: Run, origin: Origin, number: signal.Signals, code: int
) -> None:
    """B7: finished feeds are reported and committed."""
    origin.script("/fast", conditional(rss(1), etag='"1"'))
    origin.script("/slow", Answer(200, body=rss(2), delay=20))
    feeds = [origin.url("/fast"), origin.url("/slow")]
    run = subprocess.Popen(
        [sys.executable, "-m", "condget", "poll", *feeds],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    origin.wait_for(2, timeout=20)
    run.send_signal(number)
    out, err = run.communicate(timeout=20)
    assert (run.returncode, err) == (code, "")
    assert out.count("first seen") == 1
    assert said(condget("poll", feeds[0])) == SILENCE


def test_unfinished_output_of_a_slow_reader_stops_no_request(environment: dict[str, str], origin: Origin) -> None:
    """F1: while the report waits for its reader, the feeds under way do not run into their deadline."""
    origin.script("/big", ok(rss(*range(2000))))
    origin.script("/late", Answer(200, body=rss(1), delay=0.3))
    feeds = [origin.url("/big"), origin.url("/late")]
    run = subprocess.Popen(
        [sys.executable, "-m", "condget", "poll", "--timeout", "1", "-f", "jsonl", *feeds],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    origin.wait_for(2, timeout=20)
    time.sleep(1.5)
    out, _ = run.communicate(timeout=20)
    assert [json.loads(line)["status"] for line in out.splitlines()] == ["new", "new"]


def test_what_was_reported_is_not_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """The memory of a long run does not grow with what it has reported."""
    delivery = Delivery(Destinations(format_of("text")), ReportOptions(), 0.0, quiet=True, verbose=0)
    entry = Entry("k", "k", "Tea", None, None, "f" * 32)
    outcomes = (Outcome(f"https://{n}.example/", "changed", entries=(entry,)) for n in range(20))
    assert all(len(delivery.deliver([outcome])) == 1 for outcome in outcomes)
    assert capsys.readouterr().out.count("Tea") == 20
    assert not any(isinstance(value, Selection) for value in gc.get_objects())
