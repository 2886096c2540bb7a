"""Standard streams that are closed, and signals that come while modules are still loaded."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from tests.origin import Origin, ok

FEED = b"<rss version='2.0'><channel><title>F</title><item><guid>1</guid><title>One</title></item></channel></rss>"


def sh(command: str, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", command, sys.executable, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_b7_news_for_a_closed_stdout_is_not_marked_as_seen(origin: Origin, environment: dict[str, str]) -> None:
    """B7, and no descriptor of the state file becomes stdout."""
    origin.script("/feed", ok(FEED))
    done = sh('"$0" -m condget poll "$1" >&-', environment, origin.url("/feed"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    again = sh('"$0" -m condget poll --force --format jsonl "$1"', environment, origin.url("/feed"))
    assert json.loads(again.stdout)["status"] == "new"


def test_a_closed_stderr_is_no_failure(origin: Origin, environment: dict[str, str]) -> None:
    origin.script("/feed", ok(FEED))
    done = sh('"$0" -m condget poll "$1" 2>&-', environment, origin.url("/feed"))
    assert (done.returncode, done.stdout.count("first seen")) == (0, 1)


# Sends itself a signal when the given module begins to be imported.
SIGNALLING = """
import os, sys
module, signal = sys.argv[1], int(sys.argv[2])
del sys.argv[1:3]
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), signal)
sys.meta_path.insert(0, Finder())
from condget.cli import main
main()
"""


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("module", ["typer", "condget.feeds.schedule", "asyncio"])
def test_b7_a_signal_while_modules_are_loaded_ends_it_without_a_traceback(
    sent: signal.Signals, code: int, module: str, origin: Origin, environment: dict[str, str]
) -> None:
    """B7: the exit code says what happened."""
    origin.script("/feed", ok(FEED))
    done = subprocess.run(
        [sys.executable, "-c", SIGNALLING, module, str(int(sent)), "poll", origin.url("/feed")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
