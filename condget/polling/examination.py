"""An examination of a feed's server: a few polite requests tell whether it honours the validators that it sends.

Requested are the feed itself; the feed with each validator alone, and with both; with validators that no server can
have sent, which must not be answered 304; and with the ETag less the `-gzip` that Apache adds and then does not know
(https://bz.apache.org/bugzilla/show_bug.cgi?id=45023). The state of the poller is neither read nor written.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from condget import settings
from condget.cache.messages import Request
from condget.cache.storing import to_stored
from condget.cache.validators import etag_of, last_modified_of
from condget.errors import DocumentError, FetchError
from condget.feeds.charsets import decode
from condget.feeds.discovery import FeedLink, feed_links
from condget.feeds.pace import Pace
from condget.feeds.schedule import after_success
from condget.feeds.values import Document, FeedState, Hints
from condget.fetching.fetch import Fetched, fetch
from condget.fetching.host_limits import HostLimits
from condget.fetching.request import FetchRequest
from condget.fetching.wire import Wire
from condget.polling.parser_process import Parser
from condget.polling.refusals import refusal
from condget.shown import LONGEST, address
from condget.urls import origin_of

FOREIGN_ETAG = '"condget-doctor-was-never-given-this"'
LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT"


@dataclass(frozen=True, slots=True)
class Findings:
    """The server's treatment of validators; None: not tried."""

    etag: str | None
    last_modified: str | None
    #: Whether each validator alone, or both, were answered 304.
    etag_works: bool | None = None
    last_modified_works: bool | None = None
    both_work: bool | None = None
    #: Whether a validator that the server never sent was answered 304.
    etag_lies: bool = False
    last_modified_lies: bool = False
    #: Whether the ETag less its `-gzip` was answered 304.
    etag_less_gzip_works: bool | None = None
    #: Whether the same content came twice with different ETags.
    rotates: bool = False

    @property
    def default_works(self) -> bool:
        """Whether what the poller sends by default is answered 304 where it should be, and only there."""
        return bool(self.both_work) and not self.etag_lies and not self.last_modified_lies


@dataclass(frozen=True, slots=True)
class Examination:
    """The facts about a feed and its server."""

    #: URLs that were requested for the feed, first to last.
    chain: tuple[str, ...]
    #: Where permanent redirects alone led.
    permanent_to: str | None
    #: Bytes of content as received, and as decoded.
    received: int
    decoded: int
    #: When and why the feed would be polled next.
    next_poll: str
    document: Document | None = None
    #: Why the content is not a feed, and the feeds that it names.
    no_feed: str | None = None
    links: tuple[FeedLink, ...] = ()
    findings: Findings | None = None


async def examine(request: FetchRequest, wire: Wire, pace: Pace, clock: settings.Clock) -> Examination:
    """Examine the server of a feed.

    Raises:
        FetchError: the feed cannot be had; the text says what `condget poll` says.
    """
    limits = HostLimits(clock)
    plain = await fetch(wire, replace(request, preconditions=()), clock, limits)
    url = plain.chain[-1]
    if plain.response.status != 200:
        for_good = url == (plain.permanent_to or plain.chain[0])
        raise FetchError(f"{address(url, LONGEST)}: {refusal(request, plain, for_good=for_good)}")
    examination = Examination(plain.chain, plain.permanent_to, plain.received, len(plain.content), "")
    parser = Parser()
    try:
        document = await parser.parse(plain.content, plain.response.fields.get("content-type"), url)
    except DocumentError as error:
        return replace(examination, no_feed=str(error), links=feed_links(decode(plain.content), url))
    finally:
        await parser.aclose()
    stored = to_stored(Request("GET", url), plain.response)
    due = after_success(
        FeedState(request.url), stored, document.hints or Hints(), status=200, changed=True, pace=pace, now=clock()
    )
    # The last URL itself, so that no redirect is followed again; secrets stay with their origin (E5).
    target = replace(request, url=url, preconditions_for=(), moved_from=None)
    if origin_of(url) != origin_of(request.url):
        target = replace(target, fields=(), userinfo=None)

    async def answer(*preconditions: tuple[str, str]) -> Fetched:
        return await fetch(wire, replace(target, preconditions=preconditions), clock, limits)

    findings = await _findings(plain, answer)
    return replace(examination, document=document, next_poll=due.reason, findings=findings)


async def _findings(plain: Fetched, answer: Callable[..., Awaitable[Fetched]]) -> Findings:
    """Send a request for each thing to find out; `plain` is the response to a request without preconditions."""

    async def is_304(*preconditions: tuple[str, str]) -> bool:
        return (await answer(*preconditions)).response.status == 304

    etag, modified = etag_of(plain.response.fields), last_modified_of(plain.response.fields)
    none_match, since = ("If-None-Match", etag or ""), ("If-Modified-Since", modified or "")
    less_gzip, rotates, etag_works = None, False, None
    if etag is not None:
        second = await answer(none_match)
        etag_works = second.response.status == 304
        if not etag_works:
            rotates = second.content == plain.content and etag_of(second.response.fields) != etag
            if "-gzip" in etag:
                less_gzip = await is_304((none_match[0], etag.replace("-gzip", "")))
    modified_works = await is_304(since) if modified is not None else None
    both = etag is not None and modified is not None
    return Findings(
        etag,
        modified,
        etag_works=etag_works,
        last_modified_works=modified_works,
        both_work=await is_304(none_match, since) if both else etag_works or modified_works,
        etag_lies=etag is not None and await is_304((none_match[0], FOREIGN_ETAG)),
        last_modified_lies=modified is not None and await is_304((since[0], LONG_AGO)),
        etag_less_gzip_works=less_gzip,
        rotates=rotates,
    )


def verdict(findings: Findings) -> tuple[list[str], str | None]:
    """Return the faults in words, and the option of the list that helps, if one does."""
    faults: list[str] = []
    if findings.etag is None and findings.last_modified is None:
        return ["it sends no validators"], None
    if findings.etag_lies:
        faults.append("it answers 304 to an ETag that it never sent: a change would never be seen")
    if findings.last_modified_lies:
        faults.append("it answers 304 to any date: a change would never be seen")
    etag_good = bool(findings.etag_works) and not findings.etag_lies
    date_good = bool(findings.last_modified_works) and not findings.last_modified_lies
    if findings.etag is not None and not findings.etag_works:
        if findings.etag_less_gzip_works:
            faults.append("it adds -gzip to its ETag and does not know it again (Apache bug 45023)")
        elif findings.rotates:
            faults.append("it sends another ETag with the same content each time")
        else:
            faults.append("it does not honour its own ETag")
    if findings.last_modified is not None and not findings.last_modified_works:
        faults.append("it does not honour its own Last-Modified")
    if findings.default_works:
        return faults, None
    if etag_good:
        return faults, None if findings.last_modified is None else "validators=etag"
    if date_good:
        return faults, "validators=last-modified"
    lies = findings.etag_lies or findings.last_modified_lies
    return faults, "validators=none" if lies else None
