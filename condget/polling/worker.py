"""Polls a batch: each host's feeds one after another, hosts at once, over asyncio; `turns` says when (C6, C12).

A 304 that nobody asked for, or that comes from elsewhere than the validators, is not believed: asked once more
without them (B10, B11). What answers is read by `parsing` outside the event loop. Nothing is raised for a feed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b
from http import HTTPStatus

from condget import settings
from condget.errors import DocumentError, FetchError
from condget.feeds.values import NO_RECALL, Document
from condget.fetching.direct import Wire
from condget.fetching.failures import redacted, secrets_of, snippet
from condget.fetching.fetch import Fetched, fetch
from condget.fetching.host_limits import HostLimits, HostSilent, Sleep
from condget.fetching.request import FetchRequest
from condget.polling.batch import Batch, Job, Polled, for_good
from condget.polling.parser_process import Parser
from condget.shown import LONGEST, address

#: Statuses whose content is a feed: all of it, or what was added to it (226, RFC 3229).
_WITH_FEED = (200, 203, 226)

#: Bytes of documents that may wait to be read before no further feed is asked.
_UNREAD = 20_000_000

#: Hosts that are begun before any of them has its turn, which is when it takes its slot.
_BEGUN_TOGETHER = 16

_CUT_OFF = "the document is cut off: its last end tag is missing; it will be asked again"

_ADVICE = {
    401: "it wants a user name and password: put user:password@ before the host in the list",
    403: "it refuses this request: see in a browser whether it still is public",
    404: "correct the URL if that goes on",
    410: "it is gone for good: take it off the list",
    429: "it asks for fewer requests: raise every=",
}


async def poll_batch(
    batch: Batch,
    tell: Callable[[Polled], None],
    *,
    clock: settings.Clock,
    sleep: Sleep,
    wire: Wire,
    parser: Parser,
) -> None:
    """Poll every job of a batch and tell each result as soon as it is there; the parser is the caller's to close."""
    turns = HostLimits(
        clock,
        concurrency=batch.run_options.concurrency,
        gap=batch.run_options.gap,
        pace=batch.run_options.pace,
        holds=batch.holds,
        hosts=len(batch.hosts),
        sleep=sleep,
    )
    worker = _Worker(tell, clock, wire, parser, turns)
    async with asyncio.TaskGroup() as group:
        for number, jobs in enumerate(batch.hosts):
            # Hosts beyond those that can be asked are not begun, for each takes memory from there on.
            await worker.room()
            group.create_task(worker.host(jobs))
            if number % _BEGUN_TOGETHER == 0:
                await asyncio.sleep(0)


class _Worker:
    def __init__(
        self,
        tell: Callable[[Polled], None],
        clock: settings.Clock,
        wire: Wire,
        parser: Parser,
        turns: HostLimits,
    ) -> None:
        self._tell = tell
        self._clock = clock
        self._wire = wire
        self._parser = parser
        self._turns = turns
        #: Bytes of documents that wait to be read, and whether there is room for more.
        self._unread = 0
        self._room = asyncio.Event()
        self._room.set()

    async def room(self) -> None:
        """Wait until another feed can be asked."""
        await self._room.wait()
        await self._turns.room()

    async def host(self, jobs: tuple[Job, ...]) -> None:
        """FetchRequest the feeds of one host, one after another."""
        for job in jobs:
            await self._room.wait()
            self._tell(await self._poll(job, again=job is not jobs[-1]))

    async def _poll(self, job: Job, again: bool) -> Polled:
        request, polled = job.request, None
        try:
            fetched = await self._fetch(job, again)
            response = fetched.response
            polled = Polled(
                job.key,
                self._clock(),
                response=response,
                chain=fetched.chain,
                permanent_to=fetched.permanent_to,
                sent=fetched.sent,
                received=fetched.received,
            )
            if response.status == 304:
                if _believed(request, fetched):
                    return polled
                raise DocumentError("a 304 for content that was never received; no-cache did not help")
            if response.status not in _WITH_FEED:
                raise DocumentError(_refusal(request, fetched))
            digest = blake2b(fetched.content, digest_size=16).hexdigest()
            document: Document | None = None
            if digest != job.digest:
                document = await self._read(job, fetched)
            polled = replace(polled, digest=digest)
            if document is not None and document.cut_off and digest != job.cut_off:
                raise DocumentError(_CUT_OFF)
            return replace(polled, document=document, now=self._clock())
        except HostSilent as held:
            led = f"{address(request.url, LONGEST)} leads to {held.hold.host}: " if held.chain else ""
            return Polled(job.key, self._clock(), f"{led}{held.hold.reason}", held.hold.until, chain=held.chain)
        except FetchError as error:
            words, connected = str(error), error.connected
        except DocumentError as error:
            url, connected = address(polled.chain[-1] if polled else request.url, LONGEST), True
            if polled and len(polled.chain) > 1:
                # By a Location, which a server may have made of anything that it was sent.
                url = redacted(url, secrets_of(request.userinfo, request.fields))
            words = f"{url}: {error}"
        except Exception as error:
            # F4: a fault of condget in one feed stops no other.
            logging.getLogger(__name__).exception("while polling %s", address(request.url, LONGEST))
            fault = f"an internal error of condget ({type(error).__name__}: {error}); please report it"
            words, connected = f"{address(request.url, LONGEST)}: {fault}", True
        polled = polled or Polled(job.key, 0, chain=(request.url,))
        return replace(polled, now=self._clock(), error=words, connected=connected)

    async def _read(self, job: Job, fetched: Fetched) -> Document:
        response = fetched.response
        # The content of a 226 is not a later state of the last document, nor does the next one follow it.
        whole = response.status != 226
        self._unread += len(fetched.content)
        if self._unread > _UNREAD:
            self._room.clear()
        try:
            document = await self._parser.parse(
                fetched.content,
                response.fields.get("content-type"),
                fetched.chain[-1],
                job.recall if whole else NO_RECALL,
            )
        finally:
            self._unread -= len(fetched.content)
            if self._unread <= _UNREAD:
                self._room.set()
        return document if whole else replace(document, recall=NO_RECALL)

    async def _fetch(self, job: Job, again: bool) -> Fetched:
        request = job.request
        fetched = await fetch(self._wire, request, self._clock, self._turns, again=again)
        if fetched.response.status == 410 and request.moved_from is not None:
            # Gone is final, so the configured URL has a say: the feed may have moved on from there (C8, E1).
            request = replace(request, url=request.moved_from, moved_from=None)
            fetched = await self._again(request, fetched)
        if fetched.response.status == 304 and not _believed(job.request, fetched):
            request = replace(request, preconditions=(), no_cache=not fetched.sent)
            fetched = await self._again(request, fetched)
        return fetched

    async def _again(self, request: FetchRequest, before: Fetched) -> Fetched:
        try:
            return await fetch(self._wire, request, self._clock, self._turns)
        except HostSilent as held:
            held.chain = (*before.chain, *held.chain)
            raise


def _believed(request: FetchRequest, fetched: Fetched) -> bool:
    """Whether a 304 was asked for, and comes from whom the validators are."""
    return bool(fetched.sent) and fetched.chain[-1] == (request.preconditions_for or (request.url,))[-1]


def _refusal(request: FetchRequest, fetched: Fetched) -> str:
    """Say what an answer is that is neither a feed nor a 304 (F9)."""
    response = fetched.response
    status = response.status
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    said = snippet(fetched.content, response.fields.get("content-type"), secrets_of(request.userinfo, request.fields))
    advice = _ADVICE.get(status, "it will be asked again" if status >= 500 else "see in a browser what is wrong")
    if status == 410 and not for_good(fetched.chain, fetched.permanent_to):
        advice = "a temporary redirect led there: it will be asked again"
    return f"{status} {phrase}".rstrip() + (f' ("{said}")' if said else "") + f"; {advice}"
