"""CacheTransport and AsyncCacheTransport: a private RFC 9111 cache over any httpx transport.

Each is one straight line: load, decide, send, settle, write. The two stand side by side in the same order; what they
share stands in `exchange`, and the wait for identical requests in `flights`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import TypeVar

import httpx

from condget.cache.actions import Forward
from condget.cache.policy import Policy
from condget.settings import Clock
from condget.stores.protocols import Store
from condget.transports.exchange import Exchange, Setup
from condget.transports.flights import Flight, Flights, landing_on_error
from condget.transports.guarded_store import CacheArgument, guarded_store
from condget.transports.in_thread import in_thread_if
from condget.transports.leases import Leases
from condget.transports.saving import AsyncSavingStream, SavingStream
from condget.transports.trust import is_local_socket, trust_of

log = logging.getLogger("condget")

T = TypeVar("T")

#: Seconds that closing waits for background requests (stale-while-revalidate) before it says that it cuts them off.
_PATIENCE = 5.0


class CacheTransport(httpx.BaseTransport):
    """An httpx transport that answers from a cache where RFC 9111 allows it.

    Args:
        inner: The transport that makes the requests; None: `httpx.HTTPTransport()`.
        cache: A `Cache`, `MemoryCache` or another store, which stays open for others; a directory or a URL such as
            redis://host/0, whose store is closed with the transport; ":memory:" for one in memory; False for none.
            None: the user's own cache, or one in memory where `inner` is a mock, an application or a Unix socket,
            which must not answer for others.
        policy: The choices of the cache.
        clock: Gives the present instant in POSIX seconds.
        partition: Parts the stored responses of this transport from those of others in the same cache. Needed where
            `inner` authenticates the user in a way that cannot be seen, such as a certificate in an `ssl.SSLContext`.

    `cache` and `policy` are attributes, too.

    Raises:
        TypeError: `inner` or `cache` is of another type.
        UsageError: `cache` is a URL of an unknown scheme, or its store needs a package that is missing.

    >>> import httpx, condget
    >>> with httpx.Client(transport=condget.CacheTransport(cache="/tmp/example")) as client:  # doctest: +SKIP
    ...     client.get("https://example.org/").extensions["condget"].hit
    """

    cache: Store | None
    policy: Policy

    def __init__(
        self,
        inner: httpx.BaseTransport | None = None,
        *,
        cache: CacheArgument = None,
        policy: Policy | None = None,
        clock: Clock = time.time,
        partition: str = "",
    ) -> None:
        self.inner = httpx.HTTPTransport() if inner is None else _checked(inner, httpx.BaseTransport)
        self.store, self._owns_store = guarded_store(cache, is_network(self.inner), clock)
        self.cache = self.store.store if cache is not False else None
        self.policy = policy or Policy()
        self._setup = Setup(
            self.store,
            self.store.limited(self.policy),
            clock,
            partition,
            partial(trust_of, self.inner),
            self.cache is not None,
        )
        self._clock = clock
        self._flights = Flights(leases=None if self.store.leases is None else Leases(self.store))
        self._background: set[threading.Thread] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        exchange = Exchange(request, self._setup)
        landings = self._flights.landings
        decision = exchange.decide()
        flight: Flight | None = None
        # An identical request is under way: wait for its response. Or this one is the first, for which others wait.
        if exchange.may_coalesce(decision):
            flight = self._flights.lead_or_wait(exchange.key(), exchange.deadline())
            if flight is None or flight.has_waited:
                exchange.waited()
            if self._flights.landings != landings:  # the store knows more than it did
                decision = exchange.decide_after_waiting()
        # The origin is needed.
        if decision.forward is not None:
            return self._forward(exchange, decision.forward, flight)
        if flight is not None:
            flight.land()
        # A stored response answers while the origin is asked whether it is still current.
        if decision.refresh is not None:
            self._refresh(exchange, decision.refresh)
        assert decision.response is not None
        return decision.response

    def _forward(self, exchange: Exchange, forward: Forward, flight: Flight | None) -> httpx.Response:
        try:
            while True:
                sent = self._clock()
                try:
                    response = self.inner.handle_request(exchange.outgoing(forward))
                except httpx.TransportError as error:
                    # The origin cannot be reached: a stale response stands in, where one may.
                    stale = exchange.failed(forward, error)
                    if stale is None:
                        raise
                    return stale
                settlement = exchange.settle(forward, response, sent)
                # The caller gets the origin's response.
                passed = exchange.passed_on(forward, settlement, response, flight, SavingStream)
                if passed is not None:
                    flight = None  # it lands with the content
                    return passed
                _discard(response)
                # The caller gets a stored response, which the origin's confirms or cannot replace.
                stored = exchange.stored(forward, settlement, response.status_code)
                if stored is not None:
                    return stored
                # Neither is of use: send the request as the caller made it.
                forward = exchange.retry(forward, settlement)
        finally:
            if flight is not None:
                flight.land()

    def _refresh(self, exchange: Exchange, forward: Forward) -> None:
        """Validate in the background what was served stale (RFC 5861 §3): once at a time."""
        flight = self._flights.lead(exchange.key())
        if flight is None:
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
        self._end_background()
        self.inner.close()
        if self._owns_store:
            self.store.close()

    def _end_background(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        for thread in list(self._background):
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                log.warning("A background validation is cut off, since its client closes.")

    def __enter__(self) -> CacheTransport:
        self.inner.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._end_background()
        self.inner.__exit__(exc_type, exc_value, traceback)
        if self._owns_store:
            self.store.close()


class AsyncCacheTransport(httpx.AsyncBaseTransport):
    """The async twin of `CacheTransport`: same arguments, same behaviour.

    A store on this machine is called directly: a look-up takes microseconds, less than handing it to a thread would.
    Calls of a store behind a network go to a thread, except for steps of a lease.
    """

    cache: Store | None
    policy: Policy

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport | None = None,
        *,
        cache: CacheArgument = None,
        policy: Policy | None = None,
        clock: Clock = time.time,
        partition: str = "",
    ) -> None:
        self.inner = httpx.AsyncHTTPTransport() if inner is None else _checked(inner, httpx.AsyncBaseTransport)
        self.store, self._owns_store = guarded_store(cache, is_network(self.inner), clock)
        self.cache = self.store.store if cache is not False else None
        self.policy = policy or Policy()
        self._setup = Setup(
            self.store,
            self.store.limited(self.policy),
            clock,
            partition,
            partial(trust_of, self.inner),
            self.cache is not None,
        )
        self._clock = clock
        self._flights = Flights(leases=None if self.store.leases is None else Leases(self.store))
        self._background: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        exchange = Exchange(request, self._setup)
        landings = self._flights.landings
        decision = await in_thread_if(self.store.is_remote, exchange.decide)
        flight: Flight | None = None
        # An identical request is under way: wait for its response. Or this one is the first, for which others wait.
        if exchange.may_coalesce(decision):
            flight = await self._flights.alead_or_wait(exchange.key(), exchange.deadline())
            if flight is None or flight.has_waited:
                exchange.waited()
            if self._flights.landings != landings:  # the store knows more than it did
                with landing_on_error(flight):
                    decision = await in_thread_if(self.store.is_remote, exchange.decide_after_waiting)
        # The origin is needed.
        if decision.forward is not None:
            return await self._forward(exchange, decision.forward, flight)
        if flight is not None:
            flight.land()
        # A stored response answers while the origin is asked whether it is still current.
        if decision.refresh is not None:
            if not _asyncio_is_running():  # trio has no background without a nursery: validate now
                return await self._forward(exchange, decision.refresh, None)
            self._refresh(exchange, decision.refresh)
        assert decision.response is not None
        return decision.response

    async def _forward(self, exchange: Exchange, forward: Forward, flight: Flight | None) -> httpx.Response:
        try:
            while True:
                sent = self._clock()
                try:
                    response = await self.inner.handle_async_request(exchange.outgoing(forward))
                except httpx.TransportError as error:
                    # The origin cannot be reached: a stale response stands in, where one may.
                    stale = await in_thread_if(self.store.is_remote, exchange.failed, forward, error)
                    if stale is None:
                        raise
                    return stale
                try:
                    settlement = await in_thread_if(self.store.is_remote, exchange.settle, forward, response, sent)
                except BaseException:  # cancelled
                    await response.aclose()
                    raise
                # The caller gets the origin's response.
                passed = exchange.passed_on(forward, settlement, response, flight, AsyncSavingStream)
                if passed is not None:
                    flight = None  # it lands with the content
                    return passed
                await _adiscard(response)
                # The caller gets a stored response, which the origin's confirms or cannot replace.
                code = response.status_code
                stored = await in_thread_if(self.store.is_remote, exchange.stored, forward, settlement, code)
                if stored is not None:
                    return stored
                # Neither is of use: send the request as the caller made it.
                forward = exchange.retry(forward, settlement)
        finally:
            if flight is not None:
                flight.land()

    def _refresh(self, exchange: Exchange, forward: Forward) -> None:
        """Validate in the background what was served stale (RFC 5861 §3): once at a time."""
        flight = self._flights.lead(exchange.key())
        if flight is None:
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
        await self._end_background()
        await self.inner.aclose()
        if self._owns_store:
            self.store.close()

    async def _end_background(self) -> None:
        if self._background:
            _, cut_off = await asyncio.wait(self._background, timeout=_PATIENCE)
            for task in cut_off:
                log.warning("A background validation is cut off, since its client closes.")
                task.cancel()
            await asyncio.gather(*cut_off, return_exceptions=True)

    async def __aenter__(self) -> AsyncCacheTransport:
        await self.inner.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._end_background()
        await self.inner.__aexit__(exc_type, exc_value, traceback)
        if self._owns_store:
            self.store.close()


def is_network(inner: object) -> bool:
    """Whether a transport reaches the one network that all share. A program in its place answers for itself alone."""
    local = (httpx.MockTransport, httpx.WSGITransport, httpx.ASGITransport)
    return not isinstance(inner, local) and not is_local_socket(inner)


def _checked(inner: T, base: type[T]) -> T:
    """Return an inner transport that is of this httpx and of this flavour.

    Raises:
        TypeError: it is not.
    """
    if isinstance(inner, base):
        return inner
    own, other = f"{base.__module__}.{base.__name__}", f"{type(inner).__module__}.{type(inner).__name__}"
    raise TypeError(f"this transport is for {httpx.__name__}: its inner transport is an {own}, not an {other}")


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
