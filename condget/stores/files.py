"""Files of condget's own: readable by their owner alone (F12) whatever the umask says, and never reached by a link.

A damaged file is set aside under another name, never silently deleted (F11); only the last few of them are kept.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

#: The files that SQLite keeps beside a database.
_SUFFIXES = ("-wal", "-shm", "-journal")

#: How many files that were set aside are kept.
_KEPT = 3


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
    """Create an empty database file of mode 0600 where there is none; take others' rights from one that exists.

    Raises:
        OSError: it, or a file that SQLite keeps beside it, is not a regular file.
    """
    check_regular(path)
    try:
        os.close(open_private(path, os.O_EXCL))
    except FileExistsError:
        # Not opened here: to close it would drop the locks that SQLite holds on it in this process.
        status = path.stat()
        if status.st_mode & 0o077 and status.st_uid == os.geteuid():
            path.chmod(status.st_mode & 0o700)


def open_private(path: Path, flags: int = 0) -> int:
    """Open a file of mode 0600 for reading and writing, and return its descriptor; create it where there is none.

    Raises:
        OSError: it cannot be opened, or is a link, a directory, a FIFO or the like.
    """
    flags |= os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _not_regular(path)
        if stat.S_IMODE(status.st_mode) != 0o600 and status.st_uid == os.geteuid():
            os.fchmod(descriptor, 0o600)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def allocate(path: Path, size: int) -> int:
    """Take so many bytes of the disk for a file that has no name, and return its descriptor: to close it frees them.

    Raises:
        OSError: there is no such space.
    """
    descriptor = open_private(path)
    try:
        path.unlink()
        if sys.platform == "darwin":
            os.pwrite(descriptor, bytes(size), 0)
        else:
            os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        os.close(descriptor)
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # a file system that cannot tell
            raise
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    return descriptor


def check_regular(path: Path) -> None:
    """Make sure that a database, and what SQLite keeps beside it, are regular files where they exist.

    To open a FIFO would hang, and a link beside the database could lead to anybody's file.

    Raises:
        OSError: one of them is a link, a directory, a device or the like.
    """
    if path.exists() and not path.is_file():
        raise _not_regular(path)
    for part in _parts(Path(os.path.realpath(path))):
        if part.is_symlink() or (part.exists() and not part.is_file()):
            raise _not_regular(part)


def next_aside(path: Path, now: float) -> Path:
    """Return the name under which a damaged file is to be set aside; it is free, and later than all others."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    numbers = [number for at, number, _ in _set_aside(path) if at == stamp]
    return path.with_name(f"{path.name}.corrupt-{stamp}" + (f"-{max(numbers) + 1}" if numbers else ""))


def set_aside(path: Path, now: float) -> Path:
    """Rename a damaged database, with what SQLite keeps beside it; return the new path."""
    target = next_aside(path, now)
    for part in (*_parts(path), path):
        if os.path.lexists(part):
            part.rename(target.with_name(target.name + part.name.removeprefix(path.name)))
    _delete_oldest_aside(path)
    return target


def put_in_place(fresh: Path, path: Path, now: float) -> Path:
    """Put a new database in the place of a damaged one, which is set aside; return the path of that.

    Killed at any instant, there is a database at `path`: the damaged one, or the new one.
    """
    target = next_aside(path, now)
    for part in (path, *_parts(path)):
        if os.path.lexists(part):
            _link(part, target.with_name(target.name + part.name.removeprefix(path.name)))
    for part in _parts(path):
        part.unlink(missing_ok=True)  # or the new database would be taken for its owner
    fresh.replace(path)
    _delete_oldest_aside(path)
    return target


def _delete_oldest_aside(path: Path) -> None:
    """Delete all but the last few of the files that were set aside: each fault may leave one."""
    for _, _, file in sorted(_set_aside(path))[:-_KEPT]:
        for part in (*_parts(file), file):
            part.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)
        target.chmod(0o600)


def _parts(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in _SUFFIXES]


def _set_aside(path: Path) -> list[tuple[str, int, Path]]:
    """Return (stamp, number among those of that stamp, file) of every file that was set aside."""
    names = re.compile(rf"{re.escape(path.name)}\.corrupt-(\d{{8}}T\d{{6}}Z)(?:-(\d+))?")
    found = ((names.fullmatch(file.name), file) for file in path.parent.iterdir())
    return [(match[1], int(match[2] or 1), file) for match, file in found if match is not None]


def _not_regular(path: Path) -> OSError:
    return OSError(errno.EINVAL, "it is not a regular file", str(path))
