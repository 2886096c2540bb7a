"""One writer at a time, or one for each host: locks on small files of their own beside the state.

A run holds an exclusive lock. A long run gives it up for locks of the hosts that it requests, so that it does not keep
other runs from their feeds (`StateLock.hold_hosts`). While one does, every other run holds its hosts, too.

The lock dies with the process that holds it, so there is never a stale one to remove. The file's content is a remark
for people: who holds the lock, and since when. Readers of the state need no lock.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from condget.after_fork import renew_after_fork
from condget.errors import ForeignFile, StateLocked
from condget.settings import Clock
from condget.stores.faults import store_error
from condget.stores.files import make_directory, open_private
from condget.stores.host_locks import HostLocks

_PAUSE = 0.05
_LONGEST_REMARK = 100


@contextlib.contextmanager
def lock(path: Path, wait: float = 0, *, alone: bool = True, clock: Clock = time.time) -> Iterator[StateLock]:
    """Hold the state file `path` for writing until the block ends.

    Args:
        path: The state file; the lock is a file of the same name with `.lock` behind it.
        wait: How many seconds to wait for another run to end.
        alone: Wait also for runs that hold hosts only.
        clock: Gives the instant that a second run is told.

    Raises:
        StateLocked: another run still holds it; the text says which pid and since when.
        StoreError: the directory cannot be written.

    A block that raises `ForeignFile` leaves no lock behind.
    """
    path = Path(os.path.realpath(path))  # one file, one lock, by whatever links it is reached
    file = path.with_name(path.name + ".lock")
    deadline = time.monotonic() + wait
    is_new = not file.exists()
    try:
        make_directory(path.parent)
        held = _acquired(file, deadline)
        hosts = HostLocks(path.with_name(path.name + ".hosts"))
        while alone and not hosts.take_all():
            held.release()
            if time.monotonic() >= deadline:
                raise _Busy(file, " for some hosts")
            time.sleep(_PAUSE)
            held = _acquired(file, deadline)
        held.remark(f"{os.getpid()} {clock():.0f}\n")
    except _Busy as busy:
        raise StateLocked(
            f"The state {path} is held by another run{busy.holder}; try again later, or wait with --wait."
        ) from None
    except OSError as error:
        raise store_error(error, file) from error
    try:
        yield StateLock(held, hosts, alone=alone)
    except ForeignFile:
        if is_new:  # beside a file that is not a state nobody looks for a lock
            file.unlink(missing_ok=True)
        raise
    finally:
        held.release()
        hosts.close()


class StateLock:
    """The lock of a state, which a run may exchange for locks of hosts."""

    def __init__(self, held: _Held, hosts: HostLocks, *, alone: bool) -> None:
        self._held = held
        self._hosts = hosts
        self._alone = alone

    def is_shared(self) -> bool:
        """Whether other runs hold hosts, or may do so from now on."""
        return not self._alone and (self._held.is_released or self._hosts.any_taken())

    def hold_hosts(self, hosts: Iterable[str]) -> frozenset[str]:
        """Let others write, but for these hosts; return those of them that no other run holds."""
        if self._alone:
            return frozenset(hosts)
        held = self._hosts.take(hosts)
        self._held.release()
        return held

    def release_hosts(self, hosts: Iterable[str]) -> None:
        """Let others have these hosts."""
        self._hosts.release(hosts)


@contextlib.contextmanager
def exclusive(file: Path, wait: float) -> Iterator[None]:
    """Hold a lock file of that name until the block ends.

    Raises:
        OSError: another process holds it for longer than `wait` seconds, or it cannot be opened.
    """
    held = _acquired(file, time.monotonic() + wait)
    try:
        yield
    finally:
        held.release()


class _Busy(BlockingIOError):
    """Another process holds the lock; `holder` says in words which, where that is known."""

    def __init__(self, file: Path, holder: str) -> None:
        super().__init__(errno.EWOULDBLOCK, "another process holds it", str(file))
        self.holder = holder


class _Held:
    """A lock until it is released. A forked child lets go of it, and so cannot keep it alive."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        renew_after_fork(self)

    def remark(self, text: str) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):  # a full disk, say: it is only a remark
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, text.encode("ascii"), 0)

    @property
    def is_released(self) -> bool:
        return self._descriptor is None

    def release(self) -> None:
        self.remark("")
        self.after_fork()

    def after_fork(self) -> None:
        """Close the file: the parent's lock stays, the last one to close gives it up."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _acquired(file: Path, deadline: float) -> _Held:
    while True:
        with contextlib.ExitStack() as stack:
            descriptor = open_private(file)
            stack.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise _Busy(file, _words(os.pread(descriptor, _LONGEST_REMARK, 0))) from None
                time.sleep(min(_PAUSE, remaining))
            else:
                # Where the file was deleted meanwhile, a lock on it would keep nobody out.
                if _is_at(file, descriptor):
                    stack.pop_all()
                    return _Held(descriptor)


def _is_at(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _words(remark: bytes) -> str:
    """Return who holds the lock, or nothing in the moment before that is written."""
    try:
        pid, since = remark.decode("ascii").split()
        when = datetime.fromtimestamp(float(since), UTC)
        return f" (pid {int(pid)}, since {when:%Y-%m-%d %H:%M:%SZ})"
    except (ValueError, OverflowError, OSError):
        return ""
