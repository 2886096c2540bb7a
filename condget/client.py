"""Client and AsyncClient: httpx's clients on a caching transport. Every argument of httpx works as in httpx."""

from __future__ import annotations

import time
from typing import Any

import httpx

from condget.cache.policy import Policy
from condget.settings import Clock
from condget.transports.caching import AsyncCacheTransport, CacheArgument, CacheTransport

# httpx makes the transports of proxies itself, from its arguments and the environment, so both clients wrap them where
# httpx keeps them. A mount that is None stays None: in httpx it means "no proxy for these URLs".


class Client(httpx.Client):
    """An `httpx.Client` with a private HTTP cache on disk (RFC 9111).

    Args:
        cache: A `Cache`, which stays open when the client closes, or a directory for one; None: the user's own.
        policy: What the cache may choose.
        clock: Gives the present instant in POSIX seconds.
        **arguments: Those of `httpx.Client`. Responses through `transport=`, `mounts=` and proxies are cached too.

    `response.extensions["condget"]` is a `CacheStatus`: what happened and why. Exceptions are httpx's own.
    """

    def __init__(
        self, *, cache: CacheArgument = None, policy: Policy | None = None, clock: Clock = time.time, **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        main = CacheTransport(self._transport, cache=cache, policy=policy, clock=clock)
        self._transport = main
        self._mounts = {
            pattern: mount if mount is None else CacheTransport(mount, cache=main.store, policy=policy, clock=clock)
            for pattern, mount in self._mounts.items()
        }


class AsyncClient(httpx.AsyncClient):
    """The async twin of `Client`: same arguments, same behaviour."""

    def __init__(
        self, *, cache: CacheArgument = None, policy: Policy | None = None, clock: Clock = time.time, **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        main = AsyncCacheTransport(self._transport, cache=cache, policy=policy, clock=clock)
        self._transport = main
        self._mounts = {
            pattern: mount
            if mount is None
            else AsyncCacheTransport(mount, cache=main.store, policy=policy, clock=clock)
            for pattern, mount in self._mounts.items()
        }


def get(
    url: httpx.URL | str, *, cache: CacheArgument = None, policy: Policy | None = None, **arguments: Any
) -> httpx.Response:
    """Send one GET through a cache, and return the response.

    Args:
        url: The URL to get.
        cache: A `Cache` or a directory for one; None: the user's own.
        policy: What the cache may choose.
        **arguments: Those of `httpx.get`.
    """
    names = ("cookies", "proxy", "verify", "timeout", "trust_env")
    of_client = {name: arguments.pop(name) for name in names if name in arguments}
    with Client(cache=cache, policy=policy, **of_client) as client:
        return client.get(url, **arguments)
