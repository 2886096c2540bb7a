"""What passes the executor seam: `Batch` and its `Job`s go to a worker, `Polled` comes back. Builtins only, picklable.

A worker gets all it needs and returns all it learned; it never sees the state file. What entries are known stays
with the coordinator, which compares: to send them along would cost every poll what only a changed feed needs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from condget.cache.messages import Response
from condget.feeds.values import NO_RECALL, Document, HostHold, Recall
from condget.fetching.request import FetchRequest
from condget.polling.run_options import RunOptions

_PLAIN = re.compile(r"https?://([a-z0-9_.-]+)(?::[0-9]*)?(?:[/?#]|\Z)")


@dataclass(frozen=True, slots=True)
class Job:
    """One feed to ask, and by what its answer is known again."""

    key: str
    #: Where to ask is the configured URL, or where it moved to.
    request: FetchRequest
    #: Digest of the content that was accepted last; the same is not parsed again.
    digest: str | None = None
    #: Digest of content that came last without its end: the same once more is accepted (B5).
    cut_off: str | None = None
    #: What the accepted content left, for the parser.
    recall: Recall = NO_RECALL


@dataclass(frozen=True, slots=True)
class Batch:
    """Jobs by host: a host is never split, and its jobs are done one after another."""

    hosts: tuple[tuple[Job, ...], ...]
    run_options: RunOptions = field(default_factory=RunOptions)
    #: Hosts that asked for silence, in runs before: they are not asked by way of a redirect either (C6).
    holds: tuple[HostHold, ...] = ()


@dataclass(frozen=True, slots=True)
class Polled:
    """What asking one feed brought; the coordinator makes an outcome of it."""

    key: str
    #: When it was over.
    now: float
    #: Why the feed was not asked after all: its host, or one that it redirects to, asked for silence (C6).
    skipped: str | None = None
    #: Until when that silence lasts.
    until: float | None = None
    #: The head of the last response; None where no complete one came.
    response: Response | None = None
    #: The URLs that were asked, first to last; none where the feed was not asked at all.
    chain: tuple[str, ...] = ()
    #: Where an unbroken run of permanent redirects led (E1).
    permanent_to: str | None = None
    sent: tuple[tuple[str, str], ...] = ()
    received: int = 0
    #: None with a 304, an error, or the same content as last time.
    document: Document | None = None
    #: With an error: of content whose end is missing.
    digest: str | None = None
    #: What went wrong, in a sentence; None: the answer is accepted.
    error: str | None = None
    connected: bool = True


def for_good(chain: tuple[str, ...], permanent_to: str | None) -> bool:
    """Whether the last URL of a chain speaks for the first: it is that one, or permanent redirects alone led there."""
    return chain[-1] == (permanent_to or chain[0])


def host_of(url: str) -> str:
    """Return the host that is asked for a URL, whatever the port: what gaps and holds apply to (C6, C12).

    >>> host_of("https://Example.org.:8080/feed"), host_of("http://b\u00fccher.example")
    ('example.org', 'xn--bcher-kva.example')
    """
    if plain := _PLAIN.match(url):
        return plain[1].rstrip(".")
    from condget.fetching.failures import Failure
    from condget.fetching.targets import parse

    try:
        return parse(url).name
    except Failure:
        return (urlsplit(url).hostname or "").rstrip(".")
