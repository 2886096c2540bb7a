"""Polls a batch: each host's feeds one after another with a gap between starts (C12), hosts at once, over asyncio.

A 304 that nobody asked for, or that comes from elsewhere than the validators, is not believed: asked once more
without them (B10, B11). What answers is read by `parsing` outside the event loop. Nothing is raised for a feed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import blake2b
from http import HTTPStatus

from condget import settings
from condget.errors import DocumentError, FetchError
from condget.feeds.outcomes import Document
from condget.polling.batch import Batch, Job, Manners, Polled, for_good, host_of
from condget.polling.fetching import Ask, Fetched, fetch
from condget.polling.parsing import Parser
from condget.polling.wire import Wire
from condget.polling.words import shown, snippet

Sleep = Callable[[float], Awaitable[None]]

#: Statuses whose content is a feed: all of it, or what was added to it (226, RFC 3229).
_WITH_FEED = (200, 203, 226)

#: Bytes of a document that is compared with the last one right here; a longer one would hold up the other feeds.
_CUT_HERE = 1_000_000

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
    worker = _Worker(batch.manners, tell, clock, sleep, wire, parser)
    async with asyncio.TaskGroup() as group:
        for jobs in batch.hosts:
            group.create_task(worker.host(jobs))


class _Worker:
    def __init__(
        self,
        manners: Manners,
        tell: Callable[[Polled], None],
        clock: settings.Clock,
        sleep: Sleep,
        wire: Wire,
        parser: Parser,
    ) -> None:
        self._manners = manners
        self._tell = tell
        self._clock = clock
        self._sleep = sleep
        self._wire = wire
        self._parser = parser
        self._slots = asyncio.Semaphore(manners.concurrency)
        #: Hosts that asked for silence during this run (C6).
        self._silent: dict[str, str] = {}

    async def host(self, jobs: tuple[Job, ...]) -> None:
        """Ask the feeds of one host, one after another."""
        turns = _Turns(gap_of(jobs[0].url, self._manners), self._sleep)
        for job in jobs:
            if silence := self._silent.get(host_of(job.url)):
                self._tell(Polled(job.key, self._clock(), skipped=silence))
                continue
            # First the gap, then a slot: hosts that wait for their gap keep nobody else waiting.
            await turns.wait()
            async with self._slots:
                polled = await self._poll(job, turns)
            response = polled.response
            if (
                response is not None
                and response.status == 429
                and (value := response.fields.first("retry-after"))
            ):
                host = host_of(polled.chain[-1])
                self._silent[host] = f"{host} answered 429 with Retry-After: {value} in this run"
            self._tell(polled)

    async def _poll(self, job: Job, turns: _Turns) -> Polled:
        polled = Polled(job.key, 0, chain=(job.url,))
        try:
            fetched = await self._fetch(job, turns)
            response = fetched.response
            polled = replace(
                polled,
                response=response,
                chain=fetched.chain,
                permanent_to=fetched.permanent_to,
                sent=fetched.sent,
                received=fetched.received,
            )
            if response.status == 304:
                if not _believed(job, fetched):
                    raise DocumentError("a 304 for content that was never received; no-cache did not help")
            elif response.status not in _WITH_FEED:
                raise DocumentError(_refusal(job, fetched))
            else:
                digest = blake2b(fetched.content, digest_size=16).hexdigest()
                document: Document | None = None
                if digest != job.digest:
                    document = await self._read(job, fetched)
                polled = replace(polled, digest=digest)
                if document is not None and document.cut_off and digest != job.cut_off:
                    raise DocumentError(_CUT_OFF)
                polled = replace(polled, document=document)
        except FetchError as error:
            polled = replace(polled, error=str(error), connected=error.connected)
        except DocumentError as error:
            polled = replace(polled, error=f"{shown(polled.chain[-1])}: {error}")
        except Exception as error:
            # F4: a fault of condget in one feed stops no other.
            logging.getLogger(__name__).exception("while polling %s", shown(job.url))
            words = f"an internal error of condget ({type(error).__name__}: {error}); please report it"
            polled = replace(polled, error=f"{shown(job.url)}: {words}")
        return replace(polled, now=self._clock())

    async def _read(self, job: Job, fetched: Fetched) -> Document:
        response = fetched.response
        # What a 226 holds is no later state of the last document.
        items = job.items if response.status != 226 else ""
        task = fetched.content, response.fields.get("content-type"), fetched.chain[-1], items
        if items and len(fetched.content) <= _CUT_HERE:
            from condget.feeds.documents import unread  # only here: most runs bring no document at all

            if (document := unread(*task)) is not None:
                return document
        return await self._parser.parse(*task)

    async def _fetch(self, job: Job, turns: _Turns) -> Fetched:
        ask = Ask(
            job.url,
            preconditions=job.preconditions,
            preconditions_for=job.chain,
            fields=job.fields,
            userinfo=job.userinfo,
            user_agent=job.user_agent or settings.USER_AGENT,
            timeout=job.timeout or self._manners.timeout,
            private_network=job.private_network,
            moved_from=job.configured,
        )
        turns.started()
        fetched = await fetch(self._wire, ask, self._clock)
        if fetched.response.status == 410 and job.configured is not None:
            # Gone is final, so the configured URL has a say: the feed may have moved on from there (C8, E1).
            ask = replace(ask, url=job.configured, moved_from=None)
            fetched = await self._again(ask, turns)
        if fetched.response.status == 304 and not _believed(job, fetched):
            ask = replace(ask, preconditions=(), no_cache=not fetched.sent)
            fetched = await self._again(ask, turns)
        return fetched

    async def _again(self, ask: Ask, turns: _Turns) -> Fetched:
        await turns.wait()
        turns.started()
        return await fetch(self._wire, ask, self._clock)


class _Turns:
    """Keeps the gap between the starts of two requests to one host."""

    def __init__(self, gap: float, sleep: Sleep) -> None:
        self._gap = gap
        self._sleep = sleep
        self._next = 0.0

    async def wait(self) -> None:
        left = self._next - asyncio.get_running_loop().time()
        if self._gap and left > 0:
            await self._sleep(left)

    def started(self) -> None:
        self._next = asyncio.get_running_loop().time() + self._gap


def gap_of(url: str, manners: Manners) -> float:
    """Return the seconds between the starts of two requests to the host of a URL (C12)."""
    if manners.gap is not None:
        return manners.gap
    host = host_of(url)
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost" or host.endswith(".localhost")
    return 0.0 if loopback else 1.0


def _believed(job: Job, fetched: Fetched) -> bool:
    """Whether a 304 was asked for, and comes from whom the validators are."""
    return bool(fetched.sent) and fetched.chain[-1] == (job.chain[-1] if job.chain else job.url)


def _refusal(job: Job, fetched: Fetched) -> str:
    """Say what an answer is that is neither a feed nor a 304 (F9)."""
    response = fetched.response
    status = response.status
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    secrets = [value for _, value in job.fields]
    if job.userinfo:
        secrets += [job.userinfo, *job.userinfo.split(":", 1)]
    said = snippet(fetched.content, response.fields.get("content-type"), secrets)
    advice = _ADVICE.get(
        status, "it will be asked again" if status >= 500 else "see in a browser what is wrong"
    )
    if status == 410 and not for_good(fetched.chain, fetched.permanent_to):
        advice = "a temporary redirect led there: it will be asked again"
    return f"{status} {phrase}".rstrip() + (f' ("{said}")' if said else "") + f"; {advice}"
