"""The types of `condget.httpx2`; `python -m tests.httpx2_stub` derives them from those of `condget`."""

import ssl
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypedDict, Unpack

import httpx2
from httpx2._types import AuthTypes, CertTypes, CookieTypes, HeaderTypes, ProxyTypes, QueryParamTypes, TimeoutTypes

from condget.cache.policy import Policy
from condget.cache.status import status
from condget.settings import Clock
from condget.stores.protocols import Store
from condget.transports.guarded_store import CacheArgument

__all__ = ["AsyncCacheTransport", "AsyncClient", "CacheTransport", "Client", "get", "status"]

class Arguments(TypedDict, total=False):
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
    limits: httpx2.Limits
    max_redirects: int
    event_hooks: Mapping[str, list[Callable[..., Any]]] | None
    base_url: httpx2.URL | str
    default_encoding: str | Callable[[bytes], str]

class ClientArguments(Arguments, total=False):
    mounts: Mapping[str, httpx2.BaseTransport | None] | None
    transport: httpx2.BaseTransport | None

class AsyncClientArguments(Arguments, total=False):
    mounts: Mapping[str, httpx2.AsyncBaseTransport | None] | None
    transport: httpx2.AsyncBaseTransport | None

class GetArguments(TypedDict, total=False):
    params: QueryParamTypes | None
    headers: HeaderTypes | None
    cookies: CookieTypes | None
    auth: AuthTypes | None
    proxy: ProxyTypes | None
    follow_redirects: bool
    verify: ssl.SSLContext | str | bool
    timeout: TimeoutTypes
    trust_env: bool

class Client(httpx2.Client):
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
    ) -> None: ...

class AsyncClient(httpx2.AsyncClient):
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
    ) -> None: ...

def get(
    url: httpx2.URL | str,
    *,
    cache: CacheArgument = None,
    policy: Policy | None = None,
    **arguments: Unpack[GetArguments],
) -> httpx2.Response: ...

class CacheTransport(httpx2.BaseTransport):
    cache: Store | None
    policy: Policy

    def __init__(
        self,
        inner: httpx2.BaseTransport | None = None,
        *,
        cache: CacheArgument = None,
        policy: Policy | None = None,
        clock: Clock = time.time,
        partition: str = "",
    ) -> None: ...
    def handle_request(self, request: httpx2.Request) -> httpx2.Response: ...
    def close(self) -> None: ...
    def __enter__(self) -> CacheTransport: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None: ...

class AsyncCacheTransport(httpx2.AsyncBaseTransport):
    cache: Store | None
    policy: Policy

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport | None = None,
        *,
        cache: CacheArgument = None,
        policy: Policy | None = None,
        clock: Clock = time.time,
        partition: str = "",
    ) -> None: ...
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response: ...
    async def aclose(self) -> None: ...
    async def __aenter__(self) -> AsyncCacheTransport: ...
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None: ...
