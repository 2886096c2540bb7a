"""Client and AsyncClient: httpx's clients on a caching transport. Every argument of httpx works as in httpx."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

import httpx

from condget.cache.policy import Policy
from condget.settings import Clock
from condget.stores.protocols import Store
from condget.transports.caching import AsyncCacheTransport, CacheTransport, is_network
from condget.transports.guarded_store import CacheArgument, GuardedStore
from condget.transports.trust import client_certificate

if TYPE_CHECKING:
    from httpx._types import (
        AuthTypes,
        CertTypes,
        CookieTypes,
        HeaderTypes,
        ProxyTypes,
        QueryParamTypes,
        TimeoutTypes,
    )


class Arguments(TypedDict, total=False):
    """The arguments that both of httpx's clients take."""

    auth: AuthTypes | None
    params: QueryParamTypes | None
    headers: HeaderTypes | None
    cookies: CookieTypes | None
    verify: ssl.SSLContext | str | bool
    cert: CertTypes | None
    trust_env: bool
    http1: bool
    http2: bool
    proxy: ProxyTypes | None
    timeout: TimeoutTypes
    follow_redirects: bool
    limits: httpx.Limits
    max_redirects: int
    event_hooks: Mapping[str, list[Callable[..., Any]]] | None
    base_url: httpx.URL | str
    default_encoding: str | Callable[[bytes], str]


class ClientArguments(Arguments, total=False):
    """The arguments of `httpx.Client`."""

    mounts: Mapping[str, httpx.BaseTransport | None] | None
    transport: httpx.BaseTransport | None


class AsyncClientArguments(Arguments, total=False):
    """The arguments of `httpx.AsyncClient`."""

    mounts: Mapping[str, httpx.AsyncBaseTransport | None] | None
    transport: httpx.AsyncBaseTransport | None


class GetArguments(TypedDict, total=False):
    """The arguments of `httpx.get`."""

    params: QueryParamTypes | None
    headers: HeaderTypes | None
    cookies: CookieTypes | None
    auth: AuthTypes | None
    proxy: ProxyTypes | None
    follow_redirects: bool
    verify: ssl.SSLContext | str | bool
    timeout: TimeoutTypes
    trust_env: bool


# httpx makes the transports of proxies itself, from its arguments and the environment, so both clients wrap them where
# httpx keeps them. A mount that is None stays None: in httpx it means "no proxy for these URLs".


class Client(httpx.Client):
    """An `httpx.Client` with a private HTTP cache (RFC 9111).

    Args:
        cache: A `Cache`, `MemoryCache` or another store, which stays open when the client closes; a directory or a URL
            such as redis://host/0 for one; ":memory:" for one in memory; False for none. None: the user's own, or one
            in memory where `transport` is a mock, an application or a Unix socket.
        policy: The choices of the cache.
        clock: Gives the present instant in POSIX seconds.
        partition: Parts the stored responses of this client from those of others in the same cache.
        **arguments: Those of `httpx.Client`. Responses through `transport=`, `mounts=` and proxies are cached too.

    `condget.status(response)` is a `CacheStatus`: what happened and why. Exceptions are httpx's own.

    Raises:
        TypeError: an argument is of another type.
        UsageError: `cache` is a URL of an unknown scheme, or its store needs a package that is missing.
    """

    cache: Store | None
    policy: Policy

    def __init__(
        self,
        *,
        cache: CacheArgument = None,
        policy: Policy | None = None,
        clock: Clock = time.time,
        partition: str = "",
        **arguments: Unpack[ClientArguments],
    ) -> None:
        super().__init__(**arguments)
        partition += client_certificate(arguments.get("cert"))
        main = CacheTransport(self._transport, cache=cache, policy=policy, clock=clock, partition=partition)

        def cached(mount: httpx.BaseTransport) -> CacheTransport:
            store = _store_beside(main, mount, cache)
            return CacheTransport(mount, cache=store, policy=policy, clock=clock, partition=partition)

        self.cache = main.cache
        self.policy = main.policy
        self._transport = main
        self._mounts = {pattern: mount and cached(mount) for pattern, mount in self._mounts.items()}


class AsyncClient(httpx.AsyncClient):
    """The async twin of `Client`: same arguments, same behaviour."""

    cache: Store | None
    policy: Policy

    def __init__(
        self,
        *,
        cache: CacheArgument = None,
        policy: Policy | None = None,
        clock: Clock = time.time,
        partition: str = "",
        **arguments: Unpack[AsyncClientArguments],
    ) -> None:
        super().__init__(**arguments)
        partition += client_certificate(arguments.get("cert"))
        main = AsyncCacheTransport(self._transport, cache=cache, policy=policy, clock=clock, partition=partition)

        def cached(mount: httpx.AsyncBaseTransport) -> AsyncCacheTransport:
            store = _store_beside(main, mount, cache)
            return AsyncCacheTransport(mount, cache=store, policy=policy, clock=clock, partition=partition)

        self.cache = main.cache
        self.policy = main.policy
        self._transport = main
        self._mounts = {pattern: mount and cached(mount) for pattern, mount in self._mounts.items()}


def get(
    url: httpx.URL | str,
    *,
    cache: CacheArgument = None,
    policy: Policy | None = None,
    **arguments: Unpack[GetArguments],
) -> httpx.Response:
    """Send one GET through a cache, and return the response.

    Args:
        url: The URL to get.
        cache: As for `Client`.
        policy: The choices of the cache.
        **arguments: Those of `httpx.get`.
    """
    options: dict[str, Any] = dict(arguments)
    of_client = {name: options.pop(name) for name in _OF_CLIENT if name in options}
    with Client(cache=cache, policy=policy, **of_client) as client:
        return client.get(url, **options)


_OF_CLIENT = ("cookies", "proxy", "verify", "timeout", "trust_env")


def _store_beside(
    main: CacheTransport | AsyncCacheTransport, mount: object, cache: CacheArgument
) -> GuardedStore | Literal[False] | None:
    """Return the store of a mount: that of the main transport, unless either is not a network and has its own."""
    if cache is False:
        return False
    both_reach_the_network = is_network(mount) and is_network(main.inner)
    return main.store if cache is not None or both_reach_the_network else None
