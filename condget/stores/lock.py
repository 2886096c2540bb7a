"""One run at a time: an exclusive transaction on a small SQLite file of its own beside the state.

The lock dies with the process that holds it, so that no stale one is ever to be removed. Who holds it, and since
when, stands in a text file beside it. Readers of the state need no lock.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from condget.errors import StateLocked
from condget.settings import Clock
from condget.stores.faults import store_error
from condget.stores.files import make_directory, make_file

_PAUSE = 0.05


@contextlib.contextmanager
def lock(path: Path, wait: float = 0, *, clock: Clock = time.time) -> Iterator[None]:
    """Hold the state file `path` for writing until the block ends.

    Args:
        path: the state file; the lock is a file of the same name with `.lock` behind it.
        wait: how many seconds to wait for another run to end.
        clock: what the instant is taken from that a second run is told.

    Raises:
        StateLocked: another run still holds it; the text says which pid and since when.
        StoreError: the directory cannot be written.
    """
    path = path.resolve()  # one file, one lock, by whatever links it is reached
    file, holder = path.with_name(path.name + ".lock"), path.with_name(path.name + ".holder")
    try:
        make_directory(path.parent)
        make_file(file)
        connection = sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise store_error(error, file) from error
    with contextlib.closing(connection):
        _acquire(connection, path, file, holder, time.monotonic() + wait)
        try:
            make_file(holder)
            holder.write_text(f"{os.getpid()} {clock():.0f}\n", encoding="ascii")
        except OSError as error:
            raise store_error(error, holder) from error
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                holder.unlink()


def _acquire(connection: sqlite3.Connection, path: Path, file: Path, holder: Path, deadline: float) -> None:
    # SQLite's own busy wait cannot be interrupted by Ctrl-C.
    while True:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise store_error(error, file) from error
        else:
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise StateLocked(
                f"The state {path} is held by another run{_words(holder)}; try again later, or wait with --wait."
            )
        time.sleep(min(_PAUSE, left))


def _words(holder: Path) -> str:
    """Return who holds the lock, or nothing in the moment before that is written."""
    try:
        pid, since = holder.read_text(encoding="ascii").split()
        when = datetime.fromtimestamp(float(since), UTC)
    except (OSError, ValueError, OverflowError):
        return ""
    return f" (pid {int(pid)}, since {when:%Y-%m-%d %H:%M:%SZ})"
