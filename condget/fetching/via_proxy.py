"""Connections through the proxies of the environment: httpcore's, which speaks to them as httpx does."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from condget.fetching.failures import AGAIN, Failure, reason
from condget.fetching.response_head import Head, RawFields, fields_of
from condget.fetching.targets import Target

if TYPE_CHECKING:
    import httpcore


class Proxied:
    """A connection through a proxy."""

    def __init__(self, pool: httpcore.AsyncConnectionPool, *, public: bool) -> None:
        self._public = public
        self._pool = pool
        self._response: httpcore.Response | None = None
        self._chunks: AsyncGenerator[bytes] | None = None

    @property
    def public(self) -> bool:
        return self._public

    async def exchange(self, target: Target, fields: RawFields) -> Head:
        import httpcore

        port = None if b":%d" % target.port not in target.host_field else target.port
        url = httpcore.URL(scheme=target.scheme.encode(), host=target.host.encode(), port=port, target=target.path)
        with _failures():
            self._response = response = await self._pool.handle_async_request(
                httpcore.Request(b"GET", url, headers=fields)
            )
        self._chunks = cast("AsyncGenerator[bytes]", response.aiter_stream())
        return Head(
            response.status,
            fields_of(response.headers),
            response.extensions.get("reason_phrase", b"").decode("latin-1"),
            response.extensions.get("http_version", b"HTTP/1.1").decode("ascii"),
        )

    async def read(self) -> bytes:
        assert self._chunks is not None
        with _failures():
            return await anext(self._chunks, b"")

    async def aclose(self) -> None:
        if self._chunks is not None:
            await self._chunks.aclose()
        if self._response is not None:
            await self._response.aclose()
        await self._pool.aclose()


def proxy_pool(proxy: str, tls: ssl.SSLContext | None) -> httpcore.AsyncConnectionPool:
    """Return a pool whose connections go through a proxy."""
    import httpcore
    import httpx

    try:
        parsed = httpx.Proxy(proxy)
    except (ValueError, httpx.InvalidURL):  # whose words would show its password
        raise Failure("the proxy of the environment is no valid URL", "check HTTP_PROXY and HTTPS_PROXY") from None
    url = httpcore.URL(
        scheme=parsed.url.raw_scheme,
        host=parsed.url.raw_host,
        port=parsed.url.port,
        target=parsed.url.raw_path,
    )
    if parsed.url.scheme.startswith("socks"):
        try:
            return httpcore.AsyncSOCKSProxy(url, proxy_auth=parsed.raw_auth, ssl_context=tls)
        except (ImportError, RuntimeError) as error:
            raise Failure("a SOCKS proxy needs the package socksio", "install httpx[socks]") from error
    return httpcore.AsyncHTTPProxy(url, proxy_auth=parsed.raw_auth, ssl_context=tls)


@contextmanager
def _failures() -> Iterator[None]:
    import httpcore

    try:
        yield
    except httpcore.ProxyError as error:
        raise Failure(f"the proxy refuses ({error})", "check the proxy of the environment") from error
    except (httpcore.ConnectError, httpcore.ConnectTimeout, OSError) as error:
        raise Failure(
            f"no connection through the proxy ({reason(error)})",
            "check HTTP_PROXY and HTTPS_PROXY",
            connected=False,
        ) from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise Failure(f"the connection through the proxy broke off ({reason(error)})", AGAIN) from error


def environment_proxies() -> dict[str, str]:
    """Return the proxies of the environment, by scheme."""
    # urllib.request is what httpx asks too; its import takes 50 ms, and hardly any environment has proxies.
    if sys.platform == "linux" and not any(name.lower().endswith("_proxy") for name in os.environ):
        return {}
    from urllib.request import getproxies

    return {scheme: proxy for scheme, proxy in getproxies().items() if scheme in ("http", "https", "all")}
