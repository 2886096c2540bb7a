"""Files of condget's own: readable by their owner alone (F12), whatever the umask says, and set aside, never deleted,
when they are corrupt.
"""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path


def make_directory(path: Path) -> None:
    """Create a directory and its missing parents, each 0700; those that exist are left as they are."""
    missing = [directory for directory in (path, *path.parents) if not directory.exists()]
    for directory in reversed(missing):
        try:
            directory.mkdir(mode=0o700)
        except FileExistsError:
            continue  # another process was quicker
        directory.chmod(0o700)


def make_file(path: Path) -> None:
    """Create an empty file of mode 0600 where there is none; take others' rights from one that exists."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        # Not opened here: closing it would drop the locks that SQLite holds on it in this process.
        check_regular(path)
        mode = path.stat().st_mode
        if mode & 0o077 and path.stat().st_uid == os.geteuid():
            path.chmod(mode & 0o700)
        return
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def check_regular(path: Path) -> None:
    """Make sure that what stands at a path, if anything, is a regular file: to open a FIFO would hang.

    Raises:
        OSError: it is a directory, a device or the like.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no regular file", str(path))


def set_aside(path: Path, now: float) -> Path:
    """Rename a corrupt SQLite file, with its -wal and -shm, so that nothing is lost; return the new path."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    target = path.with_name(f"{path.name}.corrupt-{stamp}")
    counter = 1
    while target.exists():
        counter += 1
        target = path.with_name(f"{path.name}.corrupt-{stamp}-{counter}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(target.with_name(target.name + suffix))
    return target
