"""One run at a time: the second is told who holds the state and since when, or waits; a lock dies with its process."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from condget.errors import StateLocked, StoreError
from condget.stores.ledger_reader import SqliteLedgerReader
from condget.stores.lock import lock


@contextlib.contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until it is killed, since 2 March 2026, 02:05 UTC."""
    code = (
        "import sys; from pathlib import Path; from condget.stores.lock import lock\n"
        "with lock(Path(sys.argv[1]), clock=lambda: 1772417100.0): print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "feeds.sqlite3"


def test_a_second_run_is_told_who_holds_the_state_and_since_when(path: Path) -> None:
    """B9"""
    with another_process(path) as process:
        words = rf"feeds.sqlite3 is held by another run \(pid {process.pid}, since 2026-03-02 02:05:00Z\)"
        for _ in range(2):
            with pytest.raises(StateLocked, match=words), lock(path):
                pass
        # Readers need no lock.
        with SqliteLedgerReader(path) as ledger:
            assert ledger.urls() == []


def test_a_lock_dies_with_its_process(path: Path) -> None:
    with another_process(path) as process:
        process.kill()
        process.wait()
        with lock(path):
            pass


def test_waiting_is_bounded(path: Path) -> None:
    with another_process(path):
        began = time.monotonic()
        with pytest.raises(StateLocked), lock(path, wait=0.2):
            pass
        assert 0.2 <= time.monotonic() - began < 5


def test_waiting_ends_when_the_other_run_does(path: Path) -> None:
    with another_process(path) as process:
        timer = threading.Timer(0.1, process.kill)
        timer.start()
        with lock(path, wait=30):
            assert process.wait() != 0
        timer.join()


def test_a_lock_can_be_taken_again_and_nobody_is_named_in_vain(path: Path) -> None:
    for _ in range(2):
        with lock(path), pytest.raises(StateLocked, match="pid"), lock(path):
            pass
    assert sorted(file.name for file in path.parent.iterdir()) == ["feeds.sqlite3.lock"]


def test_a_failed_second_attempt_in_one_process_does_not_open_the_lock_to_others(path: Path) -> None:
    """Closing any descriptor of a file drops the POSIX locks that a process has on it."""
    code = (
        "import sys; from pathlib import Path; from condget.stores.lock import lock\n"
        "from condget.errors import StateLocked\n"
        "try:\n with lock(Path(sys.argv[1])): print('taken')\n"
        "except StateLocked: print('held')"
    )
    with lock(path):
        with pytest.raises(StateLocked), lock(path):
            pass
        run = subprocess.run(
            [sys.executable, "-c", code, str(path)],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
    assert run.stdout == "held\n"


def test_the_lock_is_private_and_survives_an_error_in_the_block(path: Path) -> None:
    """F12"""
    modes = set()
    with contextlib.suppress(RuntimeError), lock(path):
        modes = {oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()}
        raise RuntimeError
    assert modes == {"0o600"}
    with lock(path):
        pass


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """F11"""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"), lock(tmp_path / "file" / "feeds.sqlite3"):
        pass


def test_a_lock_file_with_junk_in_it_is_said(path: Path) -> None:
    """F11"""
    path.parent.mkdir()
    path.with_name("feeds.sqlite3.lock").write_bytes(b"junk" * 1000)
    with pytest.raises(StoreError, match=r"feeds.sqlite3.lock"), lock(path):
        pass
