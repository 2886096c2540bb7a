"""Stepping aside: a store that fails never fails or hangs a request. It is logged once, and left alone for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import ParamSpec, TypeVar

from condget.cache.actions import Delete, Freshen, Invalidate, Save, Write
from condget.cache.messages import StoredResponse
from condget.cache.policy import Policy
from condget.stores.protocols import ContentTooLong, Store, Writer

log = logging.getLogger("condget")

#: Seconds without a store after it failed: a locked file must not cost every request its time-out.
_PAUSE = 2.0

_FAILED: str | None = "the cache failed"

T = TypeVar("T")
P = ParamSpec("P")


class GuardedStore:
    """A store as the transports use it: every call answers, if need be with nothing."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._paused_until = 0.0
        self._said: set[str] = set()
        #: URLs whose stored responses are invalid although the store could not be told so.
        self._invalid: set[str] = set()

    def limited(self, policy: Policy) -> Policy:
        """Return that policy, which stores nothing longer than the store may hold."""
        most = min(policy.max_content_length, getattr(self.store, "max_size", policy.max_content_length))
        return replace(policy, max_content_length=most)

    def _attempt(self, call: Callable[[], T], otherwise: T) -> T:
        if self._paused_until and time.monotonic() < self._paused_until:
            return otherwise
        try:
            result = call()
        except Exception as error:  # noqa: BLE001 - whatever a store raises, the request goes on
            self._paused_until = time.monotonic() + _PAUSE
            self._say(f"{error or type(error).__name__} Requests go on without the cache.")
            result = otherwise
        else:
            self._paused_until = 0.0
        for notice in getattr(self.store, "notices", ()):
            self._say(notice)
        return result

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            log.warning("%s", text)

    def load(self, url: str, partition: str) -> Sequence[StoredResponse]:
        if self._invalid:
            self._invalidate()
        return () if url in self._invalid else self._attempt(lambda: self.store.load(url, partition), ())

    def content(self, stored: StoredResponse, start: int, stop: int) -> Iterator[bytes] | None:
        """Return stored content, or None where it cannot be had."""
        return self._attempt(lambda: self.store.content(stored, start, stop), None)

    def touch(self, stored: StoredResponse, now: float) -> None:
        self._attempt(lambda: self.store.touch(stored, now), None)

    def apply(self, writes: Sequence[Write]) -> None:
        """Carry out all but `Save`, which needs the content first."""
        for write in writes:
            if isinstance(write, Freshen):
                self._attempt(lambda stored=write.stored: self.store.freshen(stored), None)  # type: ignore[misc]
            elif isinstance(write, Delete):
                self._attempt(lambda stored=write.stored: self.store.discard(stored), None)  # type: ignore[misc]
            elif isinstance(write, Invalidate):
                self._invalid.update(write.urls)
                self._invalidate()

    def _invalidate(self) -> None:
        urls = tuple(self._invalid)

        def attempt() -> bool:
            self.store.invalidate(urls)
            return True

        if self._attempt(attempt, False):
            self._invalid.difference_update(urls)

    def writer(self, save: Save) -> Writer | None:
        return self._attempt(lambda: self.store.writer(save.stored, save.replaces), None)

    def write(self, writer: Writer, chunk: bytes) -> str | None:
        """Return why the chunk was not taken, or None where it was."""
        return self._attempt(lambda: _why_not(writer.write, chunk), _FAILED)

    def commit(self, writer: Writer) -> str | None:
        """Return why the response is not stored, or None where it is."""
        return self._attempt(lambda: _why_not(writer.commit), _FAILED)

    def abort(self, writer: Writer) -> None:
        self._attempt(writer.abort, None)

    def close(self) -> None:
        self._attempt(self.store.close, None)


def _why_not(call: Callable[P, None], *arguments: P.args, **more: P.kwargs) -> str | None:
    try:
        call(*arguments, **more)
    except ContentTooLong:  # that is no reason to leave the store alone
        return "longer than the cache may be"
    return None
