"""Files of condget's own: private to their owner, and set aside, never deleted, when they are corrupt."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path


def make_private(path: Path) -> None:
    """Make sure that a file and its directory exist, 0600 in 0700, before anybody writes secrets into it.

    Directories that exist already keep their mode: they may be shared on purpose.

    Raises:
        OSError: the file or a directory cannot be made.
    """
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.chmod(0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_size == 0:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


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
