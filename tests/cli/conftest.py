"""`condget` with a home of its own, as a subprocess and, where that says no less, in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from condget.stores.ledger_reader import SqliteLedgerReader
from tests.origin import Origin, conditional
from tests.polling.support import rss
from tests.watchdog import watched

Run = Callable[..., "subprocess.CompletedProcess[str]"]

#: A run that prints nothing.
SILENCE = (0, "", "")


def said(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr


def state_of(home: Path) -> SqliteLedgerReader:
    return SqliteLedgerReader(home / "state" / "feeds.sqlite3")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The directory that stands for the user's home; the cache and the state are in it."""
    return tmp_path / "home"


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """The environment of a user who has that home and set nothing."""
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV")}
    return kept | {
        "HOME": str(home),
        "CONDGET_CACHE_DIR": str(home / "cache"),
        "CONDGET_STATE_DIR": str(home / "state"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHONWARNINGS": "error",
        "COLUMNS": "80",
    }


@pytest.fixture
def condget(environment: dict[str, str], tmp_path: Path) -> Run:
    """Run `condget` with these arguments in `tmp_path` and return what came of it."""

    def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        env = environment | options.pop("env", {})  # type: ignore[operator]
        given = {
            "capture_output": True,
            "text": True,
            "timeout": 60,
            "cwd": tmp_path,
            "check": False,
        } | options
        return subprocess.run([sys.executable, "-m", "condget", *map(str, arguments)], env=env, **given)  # type: ignore[call-overload, no-any-return]

    return run


@pytest.fixture(scope="session")
def _warm() -> None:
    """Modules that are loaded once take no time of a stranger."""
    import h11  # noqa: F401

    import condget.fetching.h11_response
    import condget.polling.coordinator
    import condget.polling.worker  # noqa: F401


@pytest.fixture
def invoke(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _warm: None) -> Run:
    """Run `condget` in this process, which takes a tenth of the time; no stranger may hold its event loop (F1)."""
    from typer.testing import CliRunner

    from condget.cli.shell import app

    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        with watched():
            done = CliRunner(env=environment).invoke(app, [str(a) for a in arguments], prog_name="condget")
        return subprocess.CompletedProcess([], done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture
def feeds(origin: Origin, tmp_path: Path) -> Path:
    """A list of one feed that answers conditionally."""
    origin.script("/feed", conditional(rss(1, 2), etag='"1"'))
    file = tmp_path / "feeds.txt"
    file.write_text(origin.url("/feed") + "\n")
    return file
