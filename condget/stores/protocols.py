"""The protocols of persistence: `Store` and `Ledger`. Contract tests to inherit stand in tests/stores/."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from condget.cache.messages import StoredResponse
from condget.errors import StoreError
from condget.feeds.pace import Due
from condget.feeds.values import FeedState, HostHold, Outcome, SeenEntry


class ContentTooLong(StoreError):
    """The store is in order, but this one response is longer than it may hold."""


class ContentGone(StoreError):
    """The store is in order, but this content is gone: another process evicted it, or it was damaged."""


class Writer(Protocol):
    """Takes the content of one response as it arrives. Nothing is visible to readers before `commit`."""

    def write(self, chunk: bytes) -> None: ...
    def commit(self) -> None:
        """Make head and content visible together, in place of what they replace."""

    def abort(self) -> None:
        """Forget what was written. Harmless after `commit`."""


@runtime_checkable
class Store(Protocol):
    """Stored responses by target URI. Every method may raise `StoreError`; the transport then steps aside.

    Safe to share between threads; several processes may use the same file.
    """

    def load(self, url: str, partition: str) -> Sequence[StoredResponse]:
        """Return the heads of all stored responses of that URL and partition, newest first."""

    def content(self, stored: StoredResponse, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Return the stored content, or the bytes from `start` up to `stop`, in chunks of bounded size.

        Raises `ContentGone` where the content is gone: at once, unless that happens while it is iterated.
        """

    def writer(self, stored: StoredResponse, replaces: Sequence[StoredResponse] = ()) -> Writer:
        """Begin to store a response; on commit it takes the place of `replaces`."""

    def freshen(self, stored: StoredResponse) -> None:
        """Replace the head of a stored response (found by its `id`) and keep its content."""

    def discard(self, stored: Iterable[StoredResponse]) -> None:
        """Delete these stored responses."""

    def invalidate(self, urls: Iterable[str]) -> None:
        """Delete every stored response of these URLs, in all partitions (RFC 9111 §4.4)."""

    def touch(self, stored: StoredResponse, now: float) -> None:
        """Note that a stored response was used, for LRU eviction."""

    def close(self) -> None: ...


class LedgerReader(Protocol):
    """Feed states between polls, for reading. Every method may raise `StoreError`."""

    def due(self, urls: Sequence[str]) -> Mapping[str, Due]:
        """Return when each known feed among those URLs is due; cheap for 50,000 of them."""

    def holds(self) -> Mapping[str, HostHold]:
        """Return the hosts that asked for silence, by host."""

    def load(self, urls: Sequence[str]) -> Mapping[str, FeedState]:
        """Return what is remembered of those feeds."""

    def seen(self, url: str) -> Mapping[str, SeenEntry]:
        """Return what is remembered of a feed's entries, by key."""

    def moves(self) -> Mapping[str, str]:
        """Return the URLs of feeds that moved, by the URL where they are requested now."""

    def urls(self) -> Sequence[str]:
        """Return the URLs of all feeds that are remembered."""

    def last_reached(self) -> float:
        """Return when any feed was polled last, 0 if none ever was: the machine was online then (C13)."""

    def close(self) -> None: ...


class Ledger(LedgerReader, Protocol):
    """Feed states between polls, for a run that writes. One run at a time opens it; others may read meanwhile."""

    def on_loss(self, stop: Callable[[], None]) -> None:
        """Call `stop`, from another thread, as soon as other runs may take the hosts that this run holds."""

    def reserve(self, feeds: int) -> None:
        """Make sure, before any request is sent, that what a poll of so many feeds learns can be written.

        A feed whose response could not be remembered would be requested in full again by the next run, and by each.
        """

    def commit(self, outcomes: Iterable[Outcome]) -> None:
        """Write the states, seen entries and holds of reported outcomes in one transaction."""

    def forget(self, urls: Iterable[str]) -> int:
        """Delete all that is remembered of these feeds; return how many of them were known."""

    def set_back(self, now: float) -> float:
        """Move what was planned by a clock that ran ahead of `now`; return by how many seconds (0: nothing was)."""

    def is_shared(self) -> bool:
        """Whether other runs may write meanwhile; then a run holds the hosts that it polls (`hold_hosts`)."""

    def hold_hosts(self, hosts: Iterable[str]) -> frozenset[str]:
        """Let other runs write from now on, but for these hosts; return those of them that no other run holds."""

    def take_notices(self) -> Sequence[str]:
        """Return what was mended since the last call, such as a corrupt file that was set aside, a sentence each."""
