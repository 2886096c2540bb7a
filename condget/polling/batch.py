"""The values that pass the executor seam: a `Batch` of `Job`s goes to a worker, `Polled` comes back.

All are picklable, of builtins only. A worker gets all that it needs and returns all that it learned; it never sees the
state file. The known entries stay with the coordinator, which compares: sending them along would cost every poll what
only a changed feed needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from condget.cache.messages import Hop, Response
from condget.feeds.values import NO_RECALL, Document, HostHold, Recall
from condget.fetching.request import FetchRequest
from condget.polling.run_options import RunOptions


@dataclass(frozen=True, slots=True)
class Job:
    """The request for one feed, and the digests by which a worker recognizes the content of the response."""

    key: str
    #: The request for the configured URL, or for the URL where the feed moved to.
    request: FetchRequest
    #: Digest of the content that was accepted last; the same content is not parsed again.
    digest: str | None = None
    #: Digest of the entries of a document that came last without its end; the same once more are accepted (B5).
    cut_off: str | None = None
    #: The digests that the accepted content left for the parser.
    recall: Recall = NO_RECALL
    #: Seconds for the parser; None: by the length of the content.
    parse_timeout: float | None = None
    #: Further hosts that the poll may lead to: those of the redirects that are known.
    leads_to: tuple[str, ...] = ()
    #: How many requests at a time the host allows, as far as this feed goes.
    parallel: int = 1


@dataclass(frozen=True, slots=True)
class Batch:
    """Jobs by host. The jobs of a host are done one after another, or as many at a time as the host allows."""

    hosts: tuple[tuple[Job, ...], ...]
    run_options: RunOptions = field(default_factory=RunOptions)
    #: Hosts that are silent since earlier runs: no redirect is followed to them either (C6).
    silences: tuple[HostHold, ...] = ()
    #: URLs that are feeds of the list themselves: no redirect of another feed is followed to them (B9).
    listed: frozenset[str] = frozenset()
    #: The only hosts that may be asked, since others poll elsewhere at the same time; None: any host.
    only: frozenset[str] | None = None
    #: Hosts that did not respond several times in a row and are given up in this run.
    given_up: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Polled:
    """The result of one job; the coordinator makes an outcome of it."""

    key: str
    #: When the job was done.
    now: float
    #: Why no complete request was sent: the feed's host, or a host that it redirects to, is silent (C6).
    skipped: str | None = None
    #: When that silence ends.
    until: float | None = None
    #: The head of the last response; None where no complete response was received.
    response: Response | None = None
    #: The URLs that were requested, first to last; empty where no request was sent.
    chain: tuple[str, ...] = ()
    #: Where an unbroken run of permanent redirects led (E1).
    permanent_to: str | None = None
    #: The preconditions of the last request.
    sent: tuple[tuple[str, str], ...] = ()
    #: Bytes of content as received.
    received: int = 0
    #: None with a 304, an error, or the same content as last time.
    document: Document | None = None
    #: Digest of the content.
    digest: str | None = None
    #: Digest of the entries of a document whose end is missing.
    cut_off: str | None = None
    #: The failure, in a sentence; None: the response is accepted.
    error: str | None = None
    connected: bool = True
    #: The hops of the exchange, where the run is traced.
    hops: tuple[Hop, ...] = ()
    #: The host of a redirect that was not followed, since the batch does not have that host: no result yet.
    leads_to: str | None = None

    @property
    def for_good(self) -> bool:
        """Whether the last URL speaks for the first: it is the same, or permanent redirects alone led there."""
        return self.chain[-1] == (self.permanent_to or self.chain[0])


def parallel(jobs: Iterable[Job]) -> int:
    """Return how many requests at a time a host allows: as many as each of its feeds says."""
    return min(job.parallel for job in jobs)
