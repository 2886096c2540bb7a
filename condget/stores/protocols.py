"""The protocols of persistence: `Store` and `Ledger`. Contract tests to inherit stand in tests/stores/."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

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


class EnrolledFeed(NamedTuple):
    """A feed of a large list: the place of its line, and nothing of the line that may be secret (F12)."""

    #: `Subscription.key`.
    key: str
    #: The host of its URL in the list.
    host: str
    #: The number of its line, and the position of the line in the file, in bytes.
    line: int
    position: int
    #: Whether it is requested without credentials: then no redirect of another feed is followed to it (B9).
    is_open: bool = True


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

    def moves(self, urls: Sequence[str]) -> Mapping[str, str]:
        """Return the URLs of feeds that moved, by those of these URLs where they are requested now."""

    def spellings(self) -> Mapping[str, str]:
        """Return the URLs that are remembered in another form than the canonical one, by that one (D9).

        Old versions of condget wrote some; there are few, or none.
        """

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

    def release_hosts(self, hosts: Iterable[str]) -> None:
        """Let other runs have these hosts from now on, which this run holds and has done with."""

    def take_notices(self) -> Sequence[str]:
        """Return what was mended since the last call, such as a corrupt file that was set aside, a sentence each."""


@runtime_checkable
class EnrollingLedger(Ledger, Protocol):
    """A ledger that also remembers the lines of large lists, so that a run needs memory for a portion of them only."""

    def enrolment(self, digest: str) -> str | None:
        """Return the remark about a list that is enrolled, by the digest of its content; None: it is not enrolled."""

    def enrol(self, digest: str, source: str, feeds: Iterable[EnrolledFeed], remark: Callable[[], str]) -> int:
        """Remember the lines of a list, in one transaction, in place of what was remembered of that source.

        Args:
            digest: of the content.
            source: where the content stands, such as the path of the file.
            feeds: in the order of the list, taken one by one; of the same feed, the first line counts (B9).
            remark: called when all feeds were taken, for the text that `enrolment` returns.

        Returns:
            The number of feeds, each counted once.
        """

    def portions(
        self, digest: str, feeds: int, not_due: tuple[float, float] | None = None
    ) -> Iterator[Sequence[EnrolledFeed]]:
        """Yield the feeds of an enrolled list, so many at a time, or a few more: a host is in one portion only.

        The hosts come in the order of the feed of theirs that is due first, then of the list; a feed that was never
        polled is due first of all. The feeds of a host come in the order of the list. Commits between two portions
        change neither the hosts nor their order. Where another run is about the same list, either nothing is yielded,
        or hosts that no other run holds; this run then holds them.

        Args:
            digest: of the content of the list.
            feeds: how many feeds make a portion.
            not_due: Leave out the feeds whose next poll lies behind the first instant and not behind the second, and
                feeds that are gone; None: all feeds of the list. More may be yielded, but never less.
        """

    def overdue(self, digest: str, feeds: int, not_due: tuple[float, float]) -> Iterator[Sequence[EnrolledFeed]]:
        """Yield the same feeds, so many at a time, whatever their hosts: those that are overdue longest come first.

        Feeds that are due at the same time come in the order of the list. Nothing is committed meanwhile.
        """

    def enrolled(self, digest: str, keys: Iterable[str]) -> Mapping[str, bool]:
        """Return which of these keys are in an enrolled list, and whether each is requested without credentials."""

    def enrolled_at(self, digest: str, hosts: Iterable[str]) -> Iterator[str]:
        """Yield the keys of the feeds of an enrolled list at these hosts that are requested without credentials."""
