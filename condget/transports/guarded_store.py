"""GuardedStore: a store that fails never fails or hangs a request. The failure is logged once, and the store is left
alone for a while. `guarded_store` makes one of the argument `cache` of clients and transports.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

from condget.cache.actions import Delete, Freshen, Invalidate, Save, Write
from condget.cache.messages import StoredResponse
from condget.cache.policy import Policy
from condget.settings import Clock
from condget.stores.abilities import Leases
from condget.stores.memory_cache import MemoryCache
from condget.stores.opening import open_store
from condget.stores.protocols import ContentGone, ContentTooLong, Store, Writer

log = logging.getLogger("condget")

#: Seconds without a store after it failed: a locked file must not cost every request its time-out.
_PAUSE = 2.0

#: One response takes at most this part of a cache, unless its policy says otherwise: it must not empty the cache.
_SHARE = 8

#: Why a response is not stored where the store failed.
FAILED = "the cache failed"
_FAILED: str | None = FAILED

T = TypeVar("T")


class GuardedStore:
    """A store as the transports use it: every call returns, if need be with nothing."""

    def __init__(self, store: Store) -> None:
        self.store = store
        #: Whether its calls wait for a network, so that an event loop hands them to a thread.
        self.is_remote = bool(getattr(store, "is_remote", False))
        #: The same store, where it keeps leases.
        self.leases = store if isinstance(store, Leases) else None
        self._paused_until = 0.0
        self._logged: set[str] = set()
        #: URLs whose stored responses are invalid although the store could not be told so.
        self._invalid: set[str] = set()

    def limited(self, policy: Policy) -> Policy:
        """Return that policy with a limit of content that leaves room for other responses, at least for itself."""
        size: int | None = getattr(self.store, "max_size", None)
        if size is None:
            return policy
        longest = policy.max_content_length
        return replace(policy, max_content_length=size // _SHARE if longest is None else min(longest, size))

    def load(self, url: str, partition: str) -> Sequence[StoredResponse]:
        if self._invalid:
            self._invalidate()
        return () if url in self._invalid else self._attempt((), self.store.load, url, partition)

    def content(self, stored: StoredResponse, start: int, stop: int) -> Iterator[bytes] | None:
        """Return stored content, or None where it cannot be had."""
        return self._attempt(None, self.store.content, stored, start, stop)

    def touch(self, stored: StoredResponse, now: float) -> None:
        self._attempt(None, self.store.touch, stored, now)

    def apply(self, writes: Sequence[Write]) -> None:
        """Carry out all but `Save`, which needs the content first."""
        for write in writes:
            if isinstance(write, Freshen):
                self._attempt(None, self.store.freshen, write.stored)
            elif isinstance(write, Delete):
                self._attempt(None, self.store.discard, write.stored)
            elif isinstance(write, Invalidate):
                self._invalid.update(write.urls)
                self._invalidate()

    def writer(self, save: Save) -> Writer | None:
        return self._attempt(None, self.store.writer, save.stored, save.replaces)

    def write(self, writer: Writer, chunk: bytes) -> str | None:
        """Return why the chunk was not taken, or None where it was."""
        return self._attempt(_FAILED, _refusal, writer.write, chunk)

    def commit(self, writer: Writer) -> str | None:
        """Return why the response is not stored, or None where it is."""
        return self._attempt(_FAILED, _refusal, writer.commit)

    def abort(self, writer: Writer) -> None:
        self._attempt(None, writer.abort)

    def lease(self, name: str, seconds: float) -> str | None:
        """Return the token of a lease, which is "" where there is none to be had; None: somebody else has it."""
        nobody: str | None = ""
        return nobody if self.leases is None else self._attempt(nobody, self.leases.lease, name, seconds)

    def is_leased(self, name: str) -> bool:
        return self.leases is not None and self._attempt(False, self.leases.is_leased, name)

    def prolong(self, name: str, token: str, seconds: float) -> None:
        if token and self.leases is not None:
            self._attempt(None, self.leases.prolong, name, token, seconds)

    def release(self, name: str, token: str) -> None:
        if token and self.leases is not None:
            self._attempt(None, self.leases.release, name, token)

    def close(self) -> None:
        self._paused_until = 0.0  # a store that failed is closed all the same
        self._attempt(None, self.store.close)

    def _invalidate(self) -> None:
        urls = tuple(self._invalid)

        def attempt() -> bool:
            self.store.invalidate(urls)
            return True

        if self._attempt(False, attempt):
            self._invalid.difference_update(urls)

    def _attempt(self, otherwise: T, call: Callable[..., T], *arguments: object) -> T:
        if self._paused_until and time.monotonic() < self._paused_until:
            return otherwise
        try:
            result = call(*arguments)
        except ContentGone:  # a miss: the store is in order
            result = otherwise
        except Exception as error:  # noqa: BLE001 - whatever a store raises, the request goes on
            self._paused_until = time.monotonic() + _PAUSE
            self._log(f"{error or type(error).__name__} Requests go on without the cache.")
            result = otherwise
        else:
            self._paused_until = 0.0
        for notice in getattr(self.store, "notices", ()):
            self._log(notice)
        return result

    def _log(self, text: str) -> None:
        if text not in self._logged:
            self._logged.add(text)
            log.warning("%s", text)


def _refusal(call: Callable[..., None], *arguments: object) -> str | None:
    try:
        call(*arguments)
    except ContentTooLong:  # which is not a reason to leave the store alone
        return "longer than the cache may be"
    except ContentGone:
        return "the cache was cleared meanwhile"
    return None


#: The values of `cache=`: a cache, what `open_store` takes, or False for none.
CacheArgument = Store | GuardedStore | str | os.PathLike[str] | Literal[False] | None


def guarded_store(cache: CacheArgument, is_network: bool, clock: Clock) -> tuple[GuardedStore, bool]:
    """Return the store that the argument `cache` of a transport means, and whether the transport closes it.

    `is_network` says whether the transport reaches the network that all share, and so may use the user's own cache.

    Raises:
        TypeError: the argument is neither a cache nor a location, nor None or False.
        UsageError: it is a URL of an unknown scheme, or its store needs a package that is missing.
    """
    if isinstance(cache, GuardedStore):
        return cache, False
    if cache is False or (cache is None and not is_network):
        return GuardedStore(MemoryCache()), True
    if cache is None or (isinstance(cache, (str, os.PathLike)) and os.fspath(cache)):
        return GuardedStore(open_store(cache, clock=clock)), True
    if isinstance(cache, Store):
        return GuardedStore(cache), False
    raise TypeError(
        "cache= is a condget.Cache or another store, a directory, a URL such as redis://host/0, "
        f'":memory:", None (the user\'s own cache) or False (no cache), not {cache!r}'
    )
