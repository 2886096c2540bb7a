"""Leases: flights that other machines see, where they share a store that keeps leases.

A lease lasts as long as somebody in the same process would wait for its flight, and then ends by itself: with the
time-out of the request until its head has come, and after that unless its content moves. So others only look whether
it is still there, and a machine that dies holds up nobody for long.
"""

from __future__ import annotations

import hashlib

from condget.transports.guarded_store import GuardedStore

#: Longest lease of a request whose head has not come, in seconds.
_LONGEST = 30.0

#: URL, partition, and all else that identical requests have in common.
Key = tuple[str, str, tuple[tuple[str, str], ...]]


class Lease:
    """The right to request a target for all machines that share a store."""

    __slots__ = ("_ends", "_name", "_store", "_token")

    def __init__(self, store: GuardedStore, name: str, token: str, ends: float) -> None:
        self._store = store
        self._name = name
        self._token = token
        self._ends = ends

    def lasts(self, now: float, seconds: float) -> None:
        """Let it end in so many seconds, unless it does about then in any case."""
        if abs(now + seconds - self._ends) > seconds / 3:
            self._ends = now + seconds
            self._store.prolong(self._name, self._token, seconds)

    def release(self) -> None:
        """Give it back."""
        self._store.release(self._name, self._token)


class Leases:
    """The leases of one store."""

    def __init__(self, store: GuardedStore) -> None:
        self._store = store

    def take(self, key: Key, now: float, deadline: float) -> Lease | None:
        """Return the lease of a target, or None where another machine has it."""
        name, ends = _name(key), min(deadline, now + _LONGEST)
        token = self._store.lease(name, ends - now)
        return None if token is None else Lease(self._store, name, token, ends)

    def is_taken(self, key: Key) -> bool:
        return self._store.is_leased(_name(key))


def _name(key: Key) -> str:
    """Return a digest: fields of requests may be secrets."""
    return hashlib.sha256(repr(key).encode()).hexdigest()
