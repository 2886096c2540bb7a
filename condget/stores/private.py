"""Files that only their owner may read (F12), whatever the umask says."""

from __future__ import annotations

import errno
import os
import stat
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
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path)) from None
        if mode & 0o077 and path.stat().st_uid == os.geteuid():
            path.chmod(mode & 0o700)
        return
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
