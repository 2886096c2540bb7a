"""Locks of hosts: several runs write to one state at once, each for hosts of its own (B9, C12).

A lock is one byte of a small file beside the state, by the hash of the host. It dies with the process that holds it, so
none is ever stale. Two hosts may share a byte; then one of them waits for the next run, which is harmless. The locks
belong to the open file where the system can do that (Linux), so that runs in two threads of one process keep each other
out, too.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from zlib import crc32

from condget.after_fork import renew_after_fork
from condget.stores.files import open_private

_BYTES = 1 << 20
#: The byte that every run shares that holds hosts, also while it holds none at all.
_ANY = _BYTES
_SET = getattr(fcntl, "F_OFD_SETLK", None)
_TYPES = {fcntl.LOCK_EX: fcntl.F_WRLCK, fcntl.LOCK_SH: fcntl.F_RDLCK, fcntl.LOCK_UN: fcntl.F_UNLCK}


class HostLocks:
    """The hosts that one run holds."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor: int | None = None
        #: The hosts that are held, by their bytes.
        self._held: dict[int, set[str]] = {}
        renew_after_fork(self)

    def take(self, hosts: Iterable[str]) -> frozenset[str]:
        """Hold these hosts; return those that no other run holds."""
        if self._descriptor is None:
            self._descriptor = open_private(self._file)
        self._lock(_ANY, 1, fcntl.LOCK_SH)
        # From the last byte to the first: the system finds the place of each lock at once then.
        return frozenset(host for host in sorted(hosts, key=_byte, reverse=True) if self._take(host))

    def release(self, hosts: Iterable[str]) -> None:
        """Let other runs have these hosts."""
        for host in sorted(hosts, key=_byte, reverse=True):
            of_byte = self._held.get(_byte(host))
            if of_byte is not None and host in of_byte:
                of_byte.remove(host)
                if not of_byte:
                    del self._held[_byte(host)]
                    self._lock(_byte(host), 1, fcntl.LOCK_UN)

    def take_all(self) -> bool:
        """Hold every host; return whether no other run holds any.

        To be called under the lock of the state, so that a file that is not there is not needed.
        """
        if not self._file.exists():
            return True
        if self._descriptor is None:
            self._descriptor = open_private(self._file)
        return self._lock(0, _ANY + 1)

    def any_taken(self) -> bool:
        """Whether another run holds hosts; to be called under the lock of the state, by a run that holds none."""
        if not self.take_all():
            return True
        if self._descriptor is not None:
            self._lock(0, _ANY + 1, fcntl.LOCK_UN)
        return False

    def close(self) -> None:
        """Let other runs have all hosts."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def after_fork(self) -> None:
        self.close()

    def _take(self, host: str) -> bool:
        byte = _byte(host)
        if byte not in self._held and not self._lock(byte, 1):
            return False
        self._held.setdefault(byte, set()).add(host)
        return True

    def _lock(self, start: int, length: int, kind: int = fcntl.LOCK_EX) -> bool:
        if self._descriptor is None:
            return False
        try:
            if _SET is None:
                fcntl.lockf(self._descriptor, kind | fcntl.LOCK_NB, length, start)
            else:
                # struct flock: type, whence, start, length, and the process, which is 0 for a lock of an open file.
                flock = struct.pack("@hhqqi0q", _TYPES[kind], os.SEEK_SET, start, length, 0)
                fcntl.fcntl(self._descriptor, _SET, flock)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise
        return True


def _byte(host: str) -> int:
    return crc32(host.encode("utf-8", "surrogatepass")) % _BYTES
