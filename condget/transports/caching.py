"""CacheTransport and AsyncCacheTransport: a private RFC 9111 cache over any httpx transport.

Each is one straight line: load, decide, send, settle, write. The two stand side by side in the same order; whatever
they share stands in `exchange`. Content is streamed through and becomes visible in the cache when it is complete.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from types import TracebackType

import httpx

from condget.cache.actions import Forward, Settlement
from condget.cache.policy import Policy
from condget.settings import Clock
from condget.stores.disk_cache import Cache
from condget.stores.protocols import Store
from condget.transports.exchange import Exchange, Saver
from condget.transports.flights import Flight, Flights, Key
from condget.transports.guarded_store import GuardedStore

log = logging.getLogger("condget")

#: What `cache=` takes: a cache, a directory for one, or None for the user's own.
CacheArgument = Store | str | os.PathLike[str] | None

#: Seconds that closing waits for background requests (stale-while-revalidate) before it says that it cuts them off.
_PATIENCE = 5.0


class CacheTransport(httpx.BaseTransport):
    """An httpx transport that answers from a cache where RFC 9111 allows it.

    Args:
        inner: The transport that makes the requests; None: `httpx.HTTPTransport()`.
        cache: A `Cache`, which stays open for others, or a directory, whose cache is closed with the transport.
        policy: What the cache may choose.
        clock: Gives the present instant in POSIX seconds.

    >>> import httpx, condget
    >>> with httpx.Client(transport=condget.CacheTransport(cache="/tmp/example")) as client:  # doctest: +SKIP
    ...     client.get("https://example.org/").extensions["condget"].hit
    """

    def __init__(
        self,
        inner: httpx.BaseTransport | None = None,
        *,
        cache: CacheArgument | GuardedStore = None,
        policy: Policy | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._inner = httpx.HTTPTransport() if inner is None else inner
        self.store, self._owns_store = _store(cache, clock)
        self._policy = self.store.limited(policy or Policy())
        self._clock = clock
        self._flights = Flights()
        self._background: set[threading.Thread] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        exchange = Exchange(request, self.store, self._policy, self._clock)
        landings = self._flights.landings
        decision = exchange.decide()
        flight: Flight | None = None
        if isinstance(decision, Forward) and exchange.may_coalesce(decision):
            flight, ours = self._flights.join(_key(exchange), threading.get_ident())
            if not ours:
                if flight.owner != threading.get_ident():
                    landed = threading.Event()
                    self._flights.await_landing(flight, landed.set)
                    patience, until = exchange.patience()
                    while flight.is_worth_waiting_for(until) and not landed.wait(patience):
                        pass
                flight = None
            if self._flights.landings != landings:  # the store knows more than it did
                decision = exchange.collapsed() or exchange.decide()
        if isinstance(decision, Forward):
            return self._forward(exchange, decision, flight)
        if flight is not None:
            flight.land()
        if isinstance(decision, tuple):
            decision, forward = decision
            self._refresh(exchange, forward)
        return decision

    def _forward(self, exchange: Exchange, forward: Forward, flight: Flight | None) -> httpx.Response:
        try:
            while True:
                sent = self._clock()
                try:
                    response = self._inner.handle_request(exchange.outgoing(forward))
                except httpx.TransportError as error:
                    stale = exchange.failed(forward, error)
                    if stale is None:
                        raise
                    return stale
                settlement = exchange.settle(forward, response, sent)
                if settlement.reuse is not None:
                    _discard(response)
                    stored = exchange.reused(settlement.reuse)
                    if stored is not None:
                        return stored
                    forward = exchange.unconditional(forward)
                elif settlement.again is not None:
                    _discard(response)
                    forward = settlement.again
                else:
                    passed = _passed_on(exchange, settlement, response, flight, SavingStream)
                    if passed is not None:
                        flight = None  # it lands with the content
                        return passed
                    response.close()
                    forward = exchange.unconditional(forward)
        finally:
            if flight is not None:
                flight.land()

    def _refresh(self, exchange: Exchange, forward: Forward) -> None:
        """Validate in the background what was served stale (RFC 5861 §3): once at a time."""
        flight, ours = self._flights.join(_key(exchange), None)
        if not ours:
            return

        def run() -> None:
            try:
                _drain(self._forward(exchange, forward, flight))
            except httpx.HTTPError as error:
                log.info("Validating %s in the background failed: %s", exchange.pure.url, error)
            finally:
                self._background.discard(threading.current_thread())

        thread = threading.Thread(target=run, name="condget-validate")
        self._background.add(thread)
        thread.start()

    def close(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        for thread in list(self._background):
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                log.warning("A background validation is cut off, since its client closes.")
        self._inner.close()
        if self._owns_store:
            self.store.close()

    def __enter__(self) -> CacheTransport:
        self._inner.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()


class AsyncCacheTransport(httpx.AsyncBaseTransport):
    """The async twin of `CacheTransport`: same arguments, same behaviour.

    The store is called directly: a look-up takes microseconds, less than handing it to a thread would.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport | None = None,
        *,
        cache: CacheArgument | GuardedStore = None,
        policy: Policy | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._inner = httpx.AsyncHTTPTransport() if inner is None else inner
        self.store, self._owns_store = _store(cache, clock)
        self._policy = self.store.limited(policy or Policy())
        self._clock = clock
        self._flights = Flights()
        self._background: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        exchange = Exchange(request, self.store, self._policy, self._clock)
        landings = self._flights.landings
        decision = exchange.decide()
        flight: Flight | None = None
        if isinstance(decision, Forward) and exchange.may_coalesce(decision):
            import anyio

            owner = anyio.get_current_task().id
            flight, ours = self._flights.join(_key(exchange), owner)
            if not ours:
                landed = anyio.Event()
                self._flights.await_landing(flight, landed.set)
                patience, until = exchange.patience()
                while flight.owner != owner and not landed.is_set() and flight.is_worth_waiting_for(until):
                    with anyio.move_on_after(patience):
                        await landed.wait()
                flight = None
            if self._flights.landings != landings:  # the store knows more than it did
                decision = exchange.collapsed() or exchange.decide()
        if isinstance(decision, tuple) and not _asyncio_is_running():
            decision = decision[1]  # trio has no background without a nursery: validate now
        if isinstance(decision, Forward):
            return await self._forward(exchange, decision, flight)
        if flight is not None:
            flight.land()
        if isinstance(decision, tuple):
            decision, forward = decision
            self._refresh(exchange, forward)
        return decision

    async def _forward(self, exchange: Exchange, forward: Forward, flight: Flight | None) -> httpx.Response:
        try:
            while True:
                sent = self._clock()
                try:
                    response = await self._inner.handle_async_request(exchange.outgoing(forward))
                except httpx.TransportError as error:
                    stale = exchange.failed(forward, error)
                    if stale is None:
                        raise
                    return stale
                settlement = exchange.settle(forward, response, sent)
                if settlement.reuse is not None:
                    await _adiscard(response)
                    stored = exchange.reused(settlement.reuse)
                    if stored is not None:
                        return stored
                    forward = exchange.unconditional(forward)
                elif settlement.again is not None:
                    await _adiscard(response)
                    forward = settlement.again
                else:
                    passed = _passed_on(exchange, settlement, response, flight, AsyncSavingStream)
                    if passed is not None:
                        flight = None  # it lands with the content
                        return passed
                    await response.aclose()
                    forward = exchange.unconditional(forward)
        finally:
            if flight is not None:
                flight.land()

    def _refresh(self, exchange: Exchange, forward: Forward) -> None:
        """Validate in the background what was served stale (RFC 5861 §3): once at a time."""
        flight, ours = self._flights.join(_key(exchange), None)
        if not ours:
            return

        async def run() -> None:
            try:
                await _adrain(await self._forward(exchange, forward, flight))
            except httpx.HTTPError as error:
                log.info("Validating %s in the background failed: %s", exchange.pure.url, error)
            finally:
                flight.land()

        task = asyncio.get_running_loop().create_task(run(), name="condget-validate")
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def aclose(self) -> None:
        if self._background:
            _, cut_off = await asyncio.wait(self._background, timeout=_PATIENCE)
            for task in cut_off:
                log.warning("A background validation is cut off, since its client closes.")
                task.cancel()
            await asyncio.gather(*cut_off, return_exceptions=True)
        await self._inner.aclose()
        if self._owns_store:
            self.store.close()

    async def __aenter__(self) -> AsyncCacheTransport:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()


class Saving:
    """What the two streams share: where content goes on its way to the reader, and how it ends."""

    __slots__ = ("_flight", "_prefix", "_saver")

    def __init__(self, saver: Saver | None, prefix: Iterator[bytes] | None, flight: Flight | None) -> None:
        self._saver = saver
        self._prefix = prefix
        self._flight = flight
        if flight is not None:
            flight.moves()

    def passes(self, chunk: bytes) -> bytes:
        if self._saver is not None:
            self._saver.write(chunk)
        if self._flight is not None:
            self._flight.moves()
        return chunk

    def prefix(self) -> Iterator[bytes]:
        for chunk in self._prefix or ():
            yield self.passes(chunk)

    def ends(self, *, complete: bool) -> None:
        if self._saver is not None:
            if complete:
                self._saver.complete()
            else:
                self._saver.abort("its content was not read to the end")
        if self._flight is not None:
            self._flight.land()


class SavingStream(httpx.SyncByteStream):
    """Hands content on and stores it; only what was read to its end becomes visible."""

    def __init__(self, stream: httpx.SyncByteStream, saving: Saving) -> None:
        self._stream = stream
        self._saving = saving

    def __iter__(self) -> Iterator[bytes]:
        yield from self._saving.prefix()
        for chunk in self._stream:
            yield self._saving.passes(chunk)
        self._saving.ends(complete=True)

    def close(self) -> None:
        try:
            self._saving.ends(complete=False)
        finally:
            self._stream.close()


class AsyncSavingStream(httpx.AsyncByteStream):
    """The async twin of `SavingStream`."""

    def __init__(self, stream: httpx.AsyncByteStream, saving: Saving) -> None:
        self._stream = stream
        self._saving = saving

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._saving.prefix():
            yield chunk
        async for chunk in self._stream:
            yield self._saving.passes(chunk)
        self._saving.ends(complete=True)

    async def aclose(self) -> None:
        try:
            self._saving.ends(complete=False)
        finally:
            await self._stream.aclose()


def _store(cache: CacheArgument | GuardedStore, clock: Clock) -> tuple[GuardedStore, bool]:
    """Return the store, and whether it is the transport's own to close."""
    if isinstance(cache, GuardedStore):
        return cache, False
    if cache is None or isinstance(cache, (str, os.PathLike)):
        return GuardedStore(Cache(cache, clock=clock)), True
    return GuardedStore(cache), False


def _key(exchange: Exchange) -> Key:
    pure = exchange.pure
    return pure.url, pure.partition, (("", pure.method), *pure.fields.pairs)


def _passed_on(
    exchange: Exchange,
    settlement: Settlement,
    response: httpx.Response,
    flight: Flight | None,
    stream_class: type[SavingStream] | type[AsyncSavingStream],
) -> httpx.Response | None:
    """Return the origin's response, its stream wrapped where it is to be stored; None: a stored part of it is gone."""
    prefix: Iterator[bytes] | None = None
    if settlement.completed is not None:
        prefix = exchange.completed(response, settlement.completed)
        if prefix is None:
            return None
        if response.is_stream_consumed:  # a mock, which has the rest as its whole content already
            response = httpx.Response(
                response.status_code, headers=response.headers, stream=response.stream, extensions=response.extensions
            )
    saver = exchange.saver(settlement, response.headers.get("content-length"))
    exchange.passed_on(response, settlement.status)
    if saver is None and prefix is None:
        if flight is not None:
            flight.land()
    elif response.is_stream_consumed:  # a mock, which has its content already
        saving = Saving(saver, None, flight)
        for chunk in response.stream:  # type: ignore[union-attr]
            saving.passes(chunk)
        saving.ends(complete=True)
    else:
        response.stream = stream_class(response.stream, Saving(saver, prefix, flight))  # type: ignore[arg-type]
    return response


def _discard(response: httpx.Response) -> None:
    """Give up a response. A 304 is read to its (empty) end, so that its connection can be used again."""
    with suppress(httpx.TransportError):
        if response.status_code == 304:
            _drain(response)
    response.close()


async def _adiscard(response: httpx.Response) -> None:
    with suppress(httpx.TransportError):
        if response.status_code == 304:
            await _adrain(response)
    await response.aclose()


def _drain(response: httpx.Response) -> None:
    try:
        if not response.is_stream_consumed:
            for _ in response.stream:  # type: ignore[union-attr]
                pass
    finally:
        response.close()


async def _adrain(response: httpx.Response) -> None:
    try:
        if not response.is_stream_consumed:
            async for _ in response.stream:  # type: ignore[union-attr]
                pass
    finally:
        await response.aclose()


def _asyncio_is_running() -> bool:
    with suppress(RuntimeError):
        asyncio.get_running_loop()
        return True
    return False
