"""One exchange, safe against hostile servers: a conditional GET and its redirects, within limits.

The request is exactly as configured (D1 to D8). Redirects are followed hop by hop, and secrets stay with their origin
(E1 to E5). Each hop waits for a slot of its host (C6, C12); one deadline covers all but that waiting (F1). Content is
decoded while it arrives (F2). A response that is cut off, of a wrong length or in a broken coding is a `FetchError`
(B5). A response with an HTTP error status is returned.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from condget import settings
from condget.cache.messages import Response
from condget.errors import FetchError
from condget.fetching import targets
from condget.fetching.codings import Content, applied, offered, too_long
from condget.fetching.failures import AGAIN, TELL_OWNER, Failure, basic_token, fetch_error, redacted, secrets_of
from condget.fetching.fair_share import FairShare
from condget.fetching.host_limits import HostLimits, HostSilent, Slot
from condget.fetching.memory import SMALL, Share
from condget.fetching.request import FetchRequest, Limits
from condget.fetching.response_head import Head, RawFields
from condget.fetching.targets import Target
from condget.fetching.trace import Hop, hop_of
from condget.fetching.wire import Connection, KeptConnections, Wire
from condget.field_names import RESERVED, TOKEN
from condget.shown import LONGEST, address

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.5"
)
#: Of an error page, what a snippet can show, and the seconds that it may take.
_ERROR_PAGE = Limits(received=65_536, decoded=65_536)
_ERROR_PAGE_TIMEOUT = 3.0

_UNSENDABLE = re.compile(r"[\x00\n\r\x0b\x0c]")


@dataclass(frozen=True, slots=True)
class Fetched:
    """The response of the last hop, and how it was reached."""

    response: Response
    #: Decoded content. With an HTTP error, the beginning of the content, as far as it can be read.
    content: bytes
    #: Bytes of content as received.
    received: int
    #: URLs that were requested, first to last, without userinfo and fragment.
    chain: tuple[str, ...]
    #: Where an unbroken run of 301 and 308 from the first URL leads, if there is one (E1).
    permanent_to: str | None
    #: The preconditions of the last request.
    sent: tuple[tuple[str, str], ...]
    #: False where only the end of the connection ended the content (RFC 9112 §8): the content may be cut off.
    delimited: bool = True
    #: The hops, where the request is traced.
    hops: tuple[Hop, ...] = ()


class TargetTaken(FetchError):
    """A redirect led to a URL that is requested for another feed (B9)."""

    def __init__(self, url: str) -> None:
        super().__init__(f"it leads to {address(url, LONGEST)}, which is requested for another feed")
        self.url = url
        #: The URLs that were requested before that URL was reached.
        self.chain: tuple[str, ...] = ()


async def fetch(
    wire: Wire,
    request: FetchRequest,
    clock: settings.Clock,
    limits: HostLimits | None = None,
    *,
    kept: KeptConnections | None = None,
    share: Share | None = None,
    claim: Callable[[str], None] | None = None,
) -> Fetched:
    """Do one exchange within the limits of the run.

    Args:
        limits: of the run that the exchange belongs to.
        kept: connections of earlier requests to the same host.
        share: of the memory of the run. The caller gives it up when the content is no longer in use.
        claim: called with the URL of each redirect before it is requested; raises `TargetTaken` to refuse that.

    Raises:
        FetchError: no complete, readable response was received; `ForbiddenTarget` where condget refused a request.
        HostSilent: a host is silent, the first one or one that it redirects to.
        TargetTaken: `claim` raised it.
    """
    loop = asyncio.get_running_loop()
    limits = limits or HostLimits(clock)
    seconds = request.timeout
    chain = [request.url]
    hops: list[Hop] = []
    secrets = secrets_of(request.userinfo, request.fields)
    reached = False  # whether a connection to any server came about (C13)
    try:
        first = target = targets.parse(request.url)
        chain[0] = target.url
        if first.userinfo:
            secrets = secrets_of(request.userinfo or first.userinfo, request.fields)
        permanent_to: str | None = None
        permanent = True
        public = False
        while True:
            fields, sent = _request(request, first, target, keep=kept is not None and kept.more_follow)
            async with limits.slot(target, seconds) as slot:
                began = loop.time()
                if request.moved_from is not None and target is first:
                    public = await wire.is_public(targets.parse(request.moved_from))
                connection = await wire.connect(
                    target,
                    guarded=public and not request.private_network,
                    kept=kept,
                    longest=request.limits.received,
                )
                reached = True
                try:
                    request_time = clock()
                    head = await connection.exchange(target, fields)
                    response_time = clock()
                    limits.note_response(first, target, head.status, head.fields)
                    if request.trace:
                        hops.append(hop_of(request, target, fields, head, secrets))
                    if head.status not in (301, 302, 303, 307, 308):
                        memory = None if share is None else _Memory(share, slot)
                        content, received = await _content(connection, head, request.limits, memory)
                        break
                finally:
                    await connection.aclose()
                # The time of waiting for a slot is nobody's fault.
                seconds -= loop.time() - began
            public = public or connection.public
            permanent = permanent and head.status in (301, 308)
            target = _next(request, target, head, chain)
            if claim is not None:
                claim(target.url)
            if permanent:
                permanent_to = target.url
    except (HostSilent, TargetTaken) as refusal:
        refusal.chain = tuple(chain[:-1])
        raise
    except TimeoutError as error:
        failure = Failure(
            f"the exchange was not complete after {request.timeout:g} seconds",
            f"{AGAIN}; a larger timeout= allows it more time",
            connected=reached,
        )
        raise fetch_error(failure, chain, secrets) from error
    except Failure as failure:
        raise fetch_error(failure, chain, secrets) from failure.__cause__
    phrase = redacted(head.reason_phrase, secrets)
    return Fetched(
        response=Response(head.status, head.fields, request_time, response_time, phrase, head.http_version),
        content=content,
        received=received,
        chain=tuple(chain),
        permanent_to=permanent_to,
        sent=sent,
        delimited=not content or _is_delimited(head),
        hops=tuple(hops),
    )


def _request(
    request: FetchRequest, first: Target, target: Target, *, keep: bool
) -> tuple[RawFields, tuple[tuple[str, str], ...]]:
    """Compose the fields of one hop; the preconditions among them are returned apart."""
    configured: tuple[tuple[str, str], ...] = ()
    authorization: tuple[tuple[str, str], ...] = ()
    if target.origin == first.origin:
        configured = request.fields
        userinfo = request.userinfo if request.userinfo is not None else first.userinfo
        if userinfo is not None:
            authorization = (("Authorization", "Basic " + basic_token(userinfo)),)
    sent = request.preconditions if target.url in (request.preconditions_for or (first.url,)) else ()
    raw = [(b"Host", target.host_field), *_own(request.user_agent, request.no_cache, keep)]
    raw += [_field(*pair) for pair in authorization]
    if configured:
        names = {name.lower() for name, _ in configured}
        if refused := names & (RESERVED - {"user-agent"}):
            raise Failure(f"the field {min(refused)} cannot be configured", "take it out of the list of feeds")
        raw = [pair for pair in raw if pair[0].decode("ascii").lower() not in names]
    raw += [_field(*pair) for pair in (*configured, *sent)]
    return raw, sent


@lru_cache(maxsize=16)
def _own(user_agent: str, no_cache: bool, keep: bool) -> RawFields:
    """Compose the fields that are the same in every request."""
    own = [("User-Agent", user_agent), ("Accept", ACCEPT), ("Accept-Encoding", ", ".join(offered()))]
    if no_cache:
        own.append(("Cache-Control", "no-cache"))
    if not keep:
        own.append(("Connection", "close"))
    return [_field(*pair) for pair in own]


def _field(name: str, value: str) -> tuple[bytes, bytes]:
    value = value.strip(" \t")  # blanks around a value are not part of it (RFC 9110 §5.5)
    if not TOKEN.fullmatch(name) or _UNSENDABLE.search(value):
        raise _unsendable(name)
    try:
        return name.encode("ascii"), value.encode("latin-1")
    except UnicodeError:
        raise _unsendable(name) from None


def _unsendable(name: str) -> Failure:
    # The value may be a secret and is not shown.
    return Failure(f"the field {name!r} has a character that cannot be sent", "correct it in the list of feeds")


def _next(request: FetchRequest, target: Target, head: Head, chain: list[str]) -> Target:
    """Return the target of a redirect, and put its URL at the end of the chain for errors to name (E3)."""
    locations = set(head.fields.all("Location"))
    if len(locations) > 1:
        raise Failure("it redirects to several addresses at once", TELL_OWNER)
    url = targets.resolve(target, locations.pop() if locations else "")
    if len(chain) > request.limits.redirects:
        raise Failure(f"it redirects more than {request.limits.redirects} times", "use the URL where the feed is")
    chain.append(url.partition("#")[0])
    next_target = targets.parse(url)
    chain[-1] = next_target.url
    if next_target.url in chain[:-1]:
        raise Failure("it redirects in a circle", "use the URL where the feed is, or tell the site's owner")
    return next_target


def _is_delimited(head: Head) -> bool:
    """Whether the framing or the content coding marks the end of the content (RFC 9112 §6.3)."""
    framed = "Content-Length" in head.fields or "Transfer-Encoding" in head.fields
    return framed or head.http_version.startswith("HTTP/2") or bool(applied(head.fields.get("Content-Encoding")))


class _Memory(NamedTuple):
    """A share of the memory of a run, and the slot whose deadline is put off while the exchange waits for memory."""

    share: Share
    slot: Slot


async def _content(connection: Connection, head: Head, limits: Limits, memory: _Memory | None) -> tuple[bytes, int]:
    """Read the content of a response; return it decoded, and the number of bytes as received."""
    if head.status in (204, 205, 304):
        return b"", 0
    if 200 <= head.status < 300:
        length = head.fields.first("Content-Length") or ""
        if length.isdecimal() and int(length[:20]) > limits.received:
            raise too_long(limits)
        content = Content(applied(head.fields.get("Content-Encoding")), limits)
        await _read_all(connection, content, memory)
        return content.finish(), content.received
    # An HTTP error is known by its status; its page is for a snippet, whatever may be wrong with it.
    content = Content((), _ERROR_PAGE)
    with suppress(Failure, TimeoutError):
        content = Content(applied(head.fields.get("Content-Encoding")), _ERROR_PAGE)
        async with asyncio.timeout(_ERROR_PAGE_TIMEOUT):
            await _read_all(connection, content, None)
    return content.so_far(), content.received


async def _read_all(connection: Connection, content: Content, memory: _Memory | None) -> None:
    loop_share = FairShare()
    while data := await connection.read():
        await loop_share.pause()
        for _ in content.feed(data):
            await loop_share.pause()
            if memory is not None and content.held > SMALL and not memory.share.large:
                await memory.slot.unhurried(memory.share.grow())
