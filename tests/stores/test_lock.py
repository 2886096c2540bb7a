"""One run at a time: the second is told who holds the state and since when, or waits; a lock dies with its process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from condget.errors import ForeignFile, StateLocked, StoreError
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
    with another_process(path), pytest.raises(StateLocked), lock(path, wait=0.2):
        pass


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


@pytest.mark.parametrize("junk", [b"junk" * 1000, b"", b"1 2 3", b"x y", b"1 1e999", b"\xff \xff"])
def test_what_stands_in_the_lock_file_does_not_matter(path: Path, junk: bytes) -> None:
    """F11: it is a remark, and is overwritten."""
    path.parent.mkdir()
    file = path.with_name("feeds.sqlite3.lock")
    file.write_bytes(junk)
    with lock(path):
        assert file.read_text().split()[0] == str(os.getpid())
        file.write_bytes(junk)
        with pytest.raises(StateLocked, match="is held by another run; try again"), lock(path):
            pass
    assert file.read_bytes() == b""


@pytest.mark.parametrize("kind", ["link", "dangling link", "directory", "FIFO"])
def test_a_lock_file_that_is_no_file_is_refused_and_nothing_is_reached_through_it(path: Path, kind: str) -> None:
    """F11, F12: in a directory that others may write to, a link could lead to any file of the user."""
    path.parent.mkdir()
    file, precious = path.with_name("feeds.sqlite3.lock"), path.with_name("precious")
    if kind == "link":
        precious.write_text("precious")
        file.symlink_to(precious)
    elif kind == "dangling link":
        file.symlink_to(precious)
    elif kind == "directory":
        file.mkdir()
    else:
        os.mkfifo(file)
    with pytest.raises(StoreError, match=r"feeds.sqlite3.lock cannot be used"), lock(path):
        pass
    assert kind != "link" or precious.read_text() == "precious"
    assert kind != "dangling link" or not precious.exists()


def test_one_file_has_one_lock_by_whatever_link_it_is_reached(path: Path) -> None:
    """B9"""
    path.parent.mkdir()
    link = path.with_name("link.sqlite3")
    link.symlink_to(path)
    with lock(link), pytest.raises(StateLocked), lock(path):
        pass


def test_a_child_process_does_not_keep_the_lock_of_its_parent(path: Path) -> None:
    """B9: a pool's worker may outlive the run that forked it."""
    code = (
        "import os, sys; from pathlib import Path; from condget.stores.lock import lock\n"
        "with lock(Path(sys.argv[1])):\n"
        "    if os.fork() == 0: os.write(1, b'forked\\n'); sys.stdin.read(); os._exit(0)\n"
        "    os.write(1, b'held\\n')\n"
        "    os._exit(0)"
    )
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, str(path)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert {process.stdout.readline(), process.stdout.readline()} == {"held\n", "forked\n"}
        process.wait()
        with lock(path):
            pass


def test_a_lock_file_that_is_deleted_while_a_run_waits_for_it_is_no_lock(path: Path) -> None:
    """B9: the run that waited holds the file that the next run will find."""
    with another_process(path) as process:
        timer = threading.Timer(0.1, lambda: (path.with_name("feeds.sqlite3.lock").unlink(), process.kill()))
        timer.start()
        with lock(path, wait=30), pytest.raises(StateLocked, match=f"pid {os.getpid()}"), lock(path):
            pass
        timer.join()


def test_f11_a_file_that_is_no_state_gets_no_lock_beside_it(tmp_path: Path) -> None:
    """F11: but a lock that was there before may be of others, and stays."""
    path, file = tmp_path / "feeds.txt", tmp_path / "feeds.txt.lock"
    for before in (False, True):
        if before:
            file.touch()
        with pytest.raises(ForeignFile), lock(path):
            raise ForeignFile("not a state")
        assert file.exists() == before
    with lock(path):
        pass
    assert file.exists()
