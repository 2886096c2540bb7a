"""Polls batches.

1. The feeds of one host are polled one after another, hosts concurrently; `HostLimits` says when (C6, C12).
2. Each job ends in one `Polled`, handed over as soon as it is there. No exception of a feed leaves the worker (F4).
3. A 304 to a request without conditions, or from another URL than the validators', is not accepted: the request is
   repeated once without validators (B10, B11).
4. Documents are read by `Parser`, outside the event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from hashlib import blake2b

from condget import settings
from condget.cache.fields import Fields
from condget.errors import DocumentError, FetchError
from condget.feeds.schedule import silence
from condget.feeds.values import NO_RECALL, Document, HostHold
from condget.fetching.failures import AGAIN, redacted, secrets_of
from condget.fetching.fair_share import FairShare
from condget.fetching.fetch import Fetched, TargetTaken, fetch
from condget.fetching.host_limits import HostLimits, HostSilent, Sleep
from condget.fetching.memory import Memory, Share
from condget.fetching.request import FetchRequest
from condget.fetching.targets import host_of
from condget.fetching.wire import KeptConnections, Wire
from condget.polling.batch import Batch, Job, Polled, parallel
from condget.polling.parser_process import Parser
from condget.polling.refusals import refusal
from condget.polling.run_options import LEFT, Budget, RunOptions
from condget.shown import LONGEST, address

#: Statuses whose content is a feed: all of it, or what was added to it (226, RFC 3229).
_WITH_FEED = (200, 203, 226)

#: Bytes of documents that may wait for the parser before no further feed is requested.
_WAITING = 20_000_000

#: Bytes that are digested at once.
_PIECE = 1_000_000

#: Hosts that are begun before the event loop gets a turn, in which they take their slots.
_BEGUN_TOGETHER = 16

#: Hosts that are begun and not over. Those that wait for a gap or for the parser have no request under way, and would
#: let ever more be begun.
MOST_HOSTS = 5_000

_CUT_OFF = f"the document is cut off: its last end tag is missing, and so is the end of its transfer; {AGAIN}"


def limits_of(run_options: RunOptions, hosts: int, clock: settings.Clock, sleep: Sleep = asyncio.sleep) -> HostLimits:
    """Return the limits of a run whose batches have so many hosts, about."""

    def silenced(status: int, fields: Fields, host: str, redirected: bool) -> HostHold | None:
        return silence(status, fields, host, run_options.pace, clock(), redirected=redirected)

    return HostLimits(
        clock,
        concurrency=run_options.concurrency,
        gap=run_options.gap,
        silence_rule=silenced,
        hosts=hosts,
        sleep=sleep,
    )


async def poll_batches(
    following: Callable[[], Awaitable[Batch | None]],
    hand_over: Callable[[Polled], None],
    limits: HostLimits,
    *,
    budget: Budget | None,
    clock: settings.Clock,
    wire: Wire,
    parser: Parser,
) -> None:
    """Poll every job of the batches of a run and hand over each result; the caller closes the parser.

    Args:
        following: returns the next batch, or None after the last. Called when all hosts of the batch before are begun,
            so that hosts that take long delay nobody.
        limits: of the run (`limits_of`).
    """
    budget = budget or Budget()
    run = _Run(hand_over, clock, wire, parser, limits, budget)
    # Exchanges under way when the time is up are given up, without an outcome, and come again with the next run.
    with suppress(TimeoutError):
        async with asyncio.timeout(budget.seconds), asyncio.TaskGroup() as group:
            while (batch := await following()) is not None:
                limits.add_silences(batch.silences)
                await _begin(batch, _Worker(run, batch), group)
                del batch  # while the next one is waited for


async def _begin(batch: Batch, worker: _Worker, group: asyncio.TaskGroup) -> None:
    for number, jobs in enumerate(batch.hosts):
        # A host is begun only when it can be requested, because each takes memory from then on.
        await worker.wait_for_place()
        group.create_task(worker.poll_host(jobs))
        if number % _BEGUN_TOGETHER == 0:
            await asyncio.sleep(0)


class _LeadsElsewhere(TargetTaken):
    """A redirect led to a host that the batch does not have."""

    def __init__(self, url: str, host: str) -> None:
        super().__init__(url)
        self.host = host


class _Run:
    """Shared by the batches of a run: limits, the parser, and the part of the budget that is spent."""

    def __init__(
        self,
        hand_over: Callable[[Polled], None],
        clock: settings.Clock,
        wire: Wire,
        parser: Parser,
        limits: HostLimits,
        budget: Budget,
    ) -> None:
        self.hand_over = hand_over
        self.clock = clock
        self.wire = wire
        self.parser = parser
        self.limits = limits
        self.memory = Memory()
        self._budget = budget
        self._requests = self._received = 0
        #: Places for hosts that are begun.
        self.hosts = asyncio.Semaphore(MOST_HOSTS)
        #: Bytes of documents that wait for the parser.
        self._waiting = 0
        self.few_wait = asyncio.Event()
        self.few_wait.set()

    def takes_request(self) -> bool:
        """Take one request from the budget; return whether there was one."""
        requests, size = self._budget.requests, self._budget.bytes
        if (requests is not None and self._requests >= requests) or (size is not None and self._received >= size):
            return False
        self._requests += 1
        return True

    def spend(self, polled: Polled) -> None:
        """Take from the budget what a poll took beside its first request."""
        self._requests += max(0, len(polled.chain) - 1)
        self._received += polled.received

    @contextmanager
    def waiting(self, size: int) -> Iterator[None]:
        """Count a document of that size among those that wait for the parser."""
        self._waiting += size
        if self._waiting > _WAITING:
            self.few_wait.clear()
        try:
            yield
        finally:
            self._waiting -= size
            if self._waiting <= _WAITING:
                self.few_wait.set()


class _Worker:
    """Polls the hosts of one batch."""

    def __init__(self, run: _Run, batch: Batch) -> None:
        self._run = run
        self._only, self._given_up = batch.only, batch.given_up
        self._clock = run.clock
        self._limits = run.limits
        self._listed = batch.listed
        #: The feeds that redirects were followed for, by the URL that they led to; and the errors that came of it.
        self._claims: dict[str, str] = {}
        self._errors: dict[str, str] = {}

    async def wait_for_place(self) -> None:
        """Wait until another host can be begun."""
        await self._run.hosts.acquire()
        await self._run.few_wait.wait()
        await self._limits.wait_for_place()

    async def poll_host(self, jobs: tuple[Job, ...]) -> None:
        """Poll the feeds of one host, one after another, or as many at a time as the host allows."""
        try:
            await self._poll_host(jobs)
        finally:
            self._run.hosts.release()

    async def _poll_host(self, jobs: tuple[Job, ...]) -> None:
        host, slots = host_of(jobs[0].request.url), parallel(jobs)
        with self._limits.remembered(host, slots, given_up=host in self._given_up):
            if slots == 1:
                await self._poll_in_order(host, jobs)
                return
            async with asyncio.TaskGroup() as group:
                for number in range(slots):
                    group.create_task(self._poll_in_order(host, jobs[number::slots]))

    async def _poll_in_order(self, host: str, jobs: tuple[Job, ...]) -> None:
        kept = KeptConnections(host) if len(jobs) > 1 else None
        try:
            for job in jobs:
                await self._run.few_wait.wait()
                if kept is not None:
                    kept.more_follow = job is not jobs[-1]
                self._run.hand_over(await self._poll_within_budget(job, kept))
        finally:
            if kept is not None:
                kept.close()

    async def _poll_within_budget(self, job: Job, kept: KeptConnections | None) -> Polled:
        if not self._run.takes_request():
            return Polled(job.key, self._clock(), LEFT)
        with self._run.memory.share() as share:
            polled = await self._poll(job, kept, share)
        self._run.spend(polled)
        return polled

    async def _poll(self, job: Job, kept: KeptConnections | None, share: Share) -> Polled:
        request, polled = job.request, None
        try:
            fetched = await self._fetch(job, kept, share)
            response = fetched.response
            polled = Polled(
                job.key,
                self._clock(),
                response=response,
                chain=fetched.chain,
                permanent_to=fetched.permanent_to,
                sent=fetched.sent,
                received=fetched.received,
                hops=fetched.hops,
            )
            if response.status == 304:
                if _is_accepted(request, fetched):
                    return polled
                raise DocumentError("a 304 for content that was never received; no-cache did not help")
            if response.status not in _WITH_FEED:
                raise DocumentError(refusal(request, fetched, for_good=polled.for_good))
            digest = await _digest(fetched.content)
            document: Document | None = None
            if digest != job.digest:
                document = await self._read(job, fetched)
            polled = replace(polled, digest=digest)
            # The framing tells what is truncated; without framing, the same entries once more are all there is (B5).
            if document is not None and document.cut_off and not fetched.delimited:
                polled = replace(polled, cut_off=await _entries_digest(document))
                if polled.cut_off != job.cut_off:
                    raise DocumentError(_CUT_OFF)
            return replace(polled, document=document, now=self._clock())
        except HostSilent as silent:
            silence_ = silent.silence
            led = f"{address(request.url, LONGEST)} leads to {silence_.host}: " if silent.chain else ""
            return Polled(job.key, self._clock(), f"{led}{silence_.reason}", silence_.until, chain=silent.chain)
        except _LeadsElsewhere as elsewhere:
            return Polled(job.key, self._clock(), leads_to=elsewhere.host, chain=elsewhere.chain)
        except TargetTaken as taken:
            if (error_there := self._errors.get(taken.url)) is None:
                words = f"{address(request.url, LONGEST)}: {taken}"
                return Polled(job.key, self._clock(), words, self._clock(), chain=taken.chain)
            words, connected = f"{address(request.url, LONGEST)}: {taken}: {error_there}", True
        except FetchError as error:
            words, connected = str(error), error.connected
        except DocumentError as error:
            url, connected = address(polled.chain[-1] if polled else request.url, LONGEST), True
            if polled and len(polled.chain) > 1:
                # From a Location, which a server may have made of anything that it was sent.
                url = redacted(url, secrets_of(request.userinfo, request.fields))
            words = f"{url}: {error}"
        except Exception as error:
            # F4: a fault of condget in one feed stops no other feed.
            logging.getLogger(__name__).exception("while polling %s", address(request.url, LONGEST))
            fault = f"an internal error of condget ({type(error).__name__}: {error}); please report it"
            words, connected = f"{address(request.url, LONGEST)}: {fault}", True
        polled = polled or Polled(job.key, 0, chain=(request.url,))
        self._errors[polled.chain[-1]] = words
        return replace(polled, now=self._clock(), error=words, connected=connected)

    async def _read(self, job: Job, fetched: Fetched) -> Document:
        response = fetched.response
        # The content of a 226 is not a later state of the last document, nor does the next document follow it.
        whole = response.status != 226
        with self._run.waiting(len(fetched.content)):
            document = await self._run.parser.parse(
                fetched.content,
                response.fields.get("content-type"),
                fetched.chain[-1],
                job.recall if whole else NO_RECALL,
                seconds=job.parse_timeout,
            )
        return document if whole else replace(document, recall=NO_RECALL)

    async def _fetch(self, job: Job, kept: KeptConnections | None, share: Share) -> Fetched:
        request = job.request
        claim = partial(self._claim, job)
        fetched = await fetch(self._run.wire, request, self._clock, self._limits, kept=kept, share=share, claim=claim)
        if fetched.response.status == 410 and request.moved_from is not None:
            # Gone is final, so the configured URL is requested, too: the feed may have moved on from there (C8, E1).
            request = replace(request, url=request.moved_from, moved_from=None)
            fetched = await self._fetch_after(request, fetched, share)
        if fetched.response.status == 304 and not _is_accepted(job.request, fetched):
            request = replace(request, preconditions=(), no_cache=not fetched.sent)
            fetched = await self._fetch_after(request, fetched, share)
        return fetched

    def _confine(self, url: str) -> None:
        """Let a redirect be followed, unless it leads to a host that is not this worker's (C12)."""
        if self._only is not None and (host := host_of(url)) not in self._only:
            raise _LeadsElsewhere(url, host)

    def _claim(self, job: Job, url: str) -> None:
        """Let a redirect be followed, unless it leads to another feed of the list, or where another feed led (B9)."""
        self._confine(url)
        if job.request.fields or job.request.userinfo is not None:
            return  # the response may be for these credentials only
        if self._claims.setdefault(url, job.key) != job.key or (url in self._listed and url != job.key):
            raise TargetTaken(url)

    async def _fetch_after(self, request: FetchRequest, before: Fetched, share: Share) -> Fetched:
        try:
            return await fetch(self._run.wire, request, self._clock, self._limits, share=share, claim=self._confine)
        except HostSilent as silent:
            silent.chain = (*before.chain, *silent.chain)
            raise


async def _entries_digest(document: Document) -> str:
    digest, share = blake2b(digest_size=16), FairShare()
    for entry in document.entries:
        digest.update(f"{entry.key} {entry.fingerprint}\n".encode("utf-8", "surrogatepass"))
        await share.pause()
    return digest.hexdigest()


async def _digest(content: bytes) -> str:
    digest, share = blake2b(digest_size=16), FairShare()
    with memoryview(content) as view:
        for start in range(0, len(content), _PIECE):
            digest.update(view[start : start + _PIECE])
            await share.pause()
    return digest.hexdigest()


def _is_accepted(request: FetchRequest, fetched: Fetched) -> bool:
    """Whether a 304 answers a condition, and comes from the URL that the validators belong to."""
    return bool(fetched.sent) and fetched.chain[-1] == (request.preconditions_for or (request.url,))[-1]
