"""The values of a poll: what is remembered of a feed (`FeedState`, `SeenEntry`) and what one poll found (`Outcome`).

All are frozen, of builtins only, and picklable, so that a batch can be polled in another process.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NewType

from condget.cache.messages import Hop, StoredResponse

Status = Literal["new", "changed", "unchanged", "moved", "gone", "error", "skipped"]

#: Lets the next poll of a feed skip known items; `feeds.incremental` alone makes and reads it.
Recall = NewType("Recall", str)

#: The next document is read whole.
NO_RECALL = Recall("")


#: Most entries of one document that are read, and most categories of one entry.
MOST_ENTRIES, MOST_CATEGORIES = 100_000, 1_000
#: Characters that are kept of an entry's content, and of every other text of an entry or a feed. Real ones are shorter
#: by far; a text of 50 MB would hold the event loop for 0.1 s when it comes from the child process that read it.
LONGEST_CONTENT, LONGEST_TEXT = 2_000_000, 50_000
TOO_MANY = f"it has more than {MOST_ENTRIES:,} entries; the others were left out"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a feed document, as a report shows it and as identity needs it.

    `id` is the guid/id exactly as written in the document, before any resolution against a base; None if there is none.
    `link` is resolved, and only for people. `fingerprint` is a digest of the text that a reader would see (title,
    summary, content), with white space folded and stamps left out: an edit is a new fingerprint. The members
    below it are for reports alone, and never written to disk.
    """

    key: str
    id: str | None
    title: str | None
    link: str | None
    published: str | None
    fingerprint: str
    #: The beginning of the text as a reader sees it, without markup and on one line.
    summary: str | None = None
    author: str | None = None
    categories: tuple[str, ...] = ()
    #: The fullest text that the document has, as written there; its media type says whether it is markup.
    content: str | None = field(default=None, repr=False)
    content_type: str | None = None
    #: The URL of the first enclosure without its query, which is often signed anew for each request; for identity.
    enclosure: str | None = None


@dataclass(frozen=True, slots=True)
class SeenEntry:
    """The memory of an entry: instants are POSIX seconds."""

    key: str
    fingerprint: str
    first_seen: float
    last_seen: float


@dataclass(frozen=True, slots=True)
class Hints:
    """The schedule that the document states (RSS ttl in seconds, skipHours in GMT, skipDays in English,
    Syndication module's update period in seconds)."""

    ttl: float | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[str, ...] = ()
    update_period: float | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A feed document that was read (`documents.parse`)."""

    #: None: the document has no title, or nothing was read.
    title: str | None
    version: str
    entries: tuple[Entry, ...]
    #: None: nothing was read, and the hints of the last document hold.
    hints: Hints | None = Hints()
    #: Why the document is not well-formed, if it is not; it was read as far as possible.
    defect: str | None = None
    #: The root element does not end: the document may be only the beginning of one (B5).
    cut_off: bool = False
    #: Keys of the entries that were not read, because their items are those of the last document.
    known: tuple[str, ...] = ()
    recall: Recall = NO_RECALL

    @property
    def window(self) -> int:
        """How many entries the document holds."""
        return len(self.entries) + len(self.known)


@dataclass(frozen=True, slots=True)
class Trouble:
    """The memory of a feed's failures in a row: instants are POSIX seconds."""

    since: float | None = None
    #: When it was reported last that the feed fails; None: never.
    reported: float | None = None
    #: The kinds of failure that were reported.
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedState:
    """The memory of a feed between polls.

    `stored` is head only (RFC 9111): the pair of validators and the fields that freshness needs, with the times when
    they first came. `chain` holds the URLs of the redirect chain of the pair, first to last; the last URL owns the pair
    (B10).
    """

    url: str
    #: The URL to request, after a permanent redirect led to a readable feed (E1); None: `url`.
    moved_to: str | None = None
    stored: StoredResponse | None = None
    chain: tuple[str, ...] = ()
    title: str | None = None
    #: Digest of the last accepted content as decoded; the same bytes need not be parsed again.
    digest: str | None = None
    #: Digest of the entries of a document that was not accepted because its end is missing; if they come again, they
    #: are all there is (B5).
    cut_off: str | None = None
    #: Length of the last accepted content as received: what a 304 saves.
    content_bytes: int = 0
    #: How many entries the last accepted document held.
    window: int = 0
    recall: Recall = NO_RECALL
    hints: Hints = Hints()
    first_polled: float | None = None
    last_polled: float | None = None
    last_changed: float | None = None
    #: Responses in a row that held the same content once more, though validators were sent (C2).
    ignored: int = 0
    #: Adaptive interval in seconds (C10); 0: not yet known.
    interval: float = 0
    failures: int = 0
    #: None: the last poll succeeded.
    trouble: Trouble | None = None
    error: str | None = None
    #: When it was requested last, if no connection came about; a run that reached nobody is not a poll (C13).
    unreached: float | None = None
    #: How often in a row the news of the feed were not delivered, because a hook failed.
    undelivered: int = 0
    gone: bool = False
    next_poll: float = 0
    #: Why `next_poll` is what it is, in words, with its source.
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HostHold:
    """No request to that host until then (429 with Retry-After, C6)."""

    host: str
    until: float
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one poll of one feed; a failure is an outcome, not a raise.

    `state` and `seen` are what the ledger is to remember once this outcome was reported. `seen` holds only the
    entries to insert or update; `forget` the keys to drop (memory is bounded).
    """

    url: str
    status: Status
    state: FeedState | None = None
    name: str | None = None
    http_status: int | None = None
    title: str | None = None
    entries: tuple[Entry, ...] = ()
    edited: tuple[Entry, ...] = ()
    #: True: all ids were re-issued at once (a host rename); said once instead of a flood (F7).
    reissued: bool = False
    #: Why the document is not well-formed, if it is not; it was read as far as possible.
    defect: str | None = None
    #: False for a 304, identical bytes, stamps, comments, order; True for new or edited entries (F5).
    changed: bool = False
    error: str | None = None
    moved_to: str | None = None
    reason: str | None = None
    next_poll: float | None = None
    validators_sent: tuple[tuple[str, str], ...] = ()
    validators_received: tuple[tuple[str, str], ...] = ()
    #: Bytes of content received over the wire, and bytes that a 304 saved.
    bytes: int = 0
    bytes_saved: int = 0
    seen: tuple[SeenEntry, ...] = ()
    forget: tuple[str, ...] = ()
    #: The requests and responses of this poll, if the run is traced.
    hops: tuple[Hop, ...] = ()
    #: Failures in a row up to this one, and when they began; with a success: those that are over now.
    failures: int = 0
    failing_since: float | None = None
    #: Whether the failure, or its end, deserves words: False for one of many, of which a report would be noise.
    is_notable: bool = True
    hold: HostHold | None = None
    #: False where no connection came about (C13).
    connected: bool = True
