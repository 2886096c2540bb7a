"""Files of condget's own are set aside, never deleted, when they are corrupt."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path


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
