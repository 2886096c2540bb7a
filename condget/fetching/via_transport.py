"""A wire over any httpx transport: proxies, SOCKS, client certificates, HTTP/2, and mocks in tests.

The transport resolves names and connects, so only addresses that stand in the URL itself can be checked (E4). The
target is sent byte for byte (D2): httpx takes it from `URL.raw_path`. The `target` extension would not do, because
httpcore applies that to what it sends to a proxy, too. The deadline of `fetch` bounds the exchange; the transport is
given no time-outs of its own.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx

from condget.fetching.addresses import is_known_private
from condget.fetching.failures import AGAIN, Failure, reason
from condget.fetching.response_head import Head, RawFields, fields_of
from condget.fetching.targets import Target, forbidden
from condget.fetching.wire import KeptConnections


class TransportWire:
    """Exchanges over an httpx transport, which belongs to the caller: the wire does not close it.

    Args:
        transport: any asynchronous transport.
        is_proxy: the transport leads to a proxy, which errors name.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, *, is_proxy: bool = False) -> None:
        self._transport = transport
        self._is_proxy = is_proxy

    async def connect(
        self, target: Target, *, guarded: bool = False, kept: KeptConnections | None = None, longest: int = 0
    ) -> _Connection:
        private = is_known_private(target.host)
        if guarded and private:
            raise forbidden(target.host)
        return _Connection(self._transport, public=not private, is_proxy=self._is_proxy)

    async def is_public(self, target: Target) -> bool:
        return not is_known_private(target.host)


class _Connection:
    def __init__(self, transport: httpx.AsyncBaseTransport, *, public: bool, is_proxy: bool) -> None:
        self.public = public
        self._transport = transport
        self._is_proxy = is_proxy
        self._stream: httpx.AsyncByteStream | None = None
        self._pieces: AsyncIterator[bytes] | None = None

    async def exchange(self, target: Target, fields: RawFields) -> Head:
        with self._failures():
            request = httpx.Request("GET", _origin_url(target), headers=fields)
            request.url = _ExactURL(target)
            response = await self._transport.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._stream = response.stream
        self._pieces = aiter(response.stream)
        return Head(
            response.status_code,
            fields_of(response.headers.raw),
            response.extensions.get("reason_phrase", b"").decode("latin-1"),
            response.extensions.get("http_version", b"HTTP/1.1").decode("ascii"),
        )

    async def read(self) -> bytes:
        assert self._pieces is not None
        with self._failures():
            async for piece in self._pieces:
                if piece:
                    return piece
        return b""

    async def aclose(self) -> None:
        if self._stream is not None:
            with self._failures():
                await self._stream.aclose()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what a transport raises into a `Failure`."""
        through, advice = (" through the proxy", _PROXY_ADVICE) if self._is_proxy else ("", "check the address")
        try:
            yield
        except httpx.ProxyError as error:
            raise Failure(f"the proxy refuses ({error})", _PROXY_ADVICE) from error
        except (httpx.ConnectError, httpx.ConnectTimeout, OSError) as error:
            raise Failure(f"no connection{through} ({reason(error)})", advice, connected=False) from error
        except httpx.TransportError as error:
            raise Failure(f"the connection{through} broke off ({reason(error)})", AGAIN) from error


_PROXY_ADVICE = "check HTTP_PROXY and HTTPS_PROXY"


class _ExactURL(httpx.URL):
    """A URL whose request target is not normalized."""

    def __init__(self, target: Target) -> None:
        try:
            super().__init__(target.url)
        except httpx.InvalidURL:  # too long, say
            super().__init__(_origin_url(target))
        self._target = target.path

    @property
    def raw_path(self) -> bytes:
        return self._target


def _origin_url(target: Target) -> httpx.URL:
    return httpx.URL(scheme=target.scheme, host=target.host, port=target.port)


def proxy_wire(proxy: str, tls: ssl.SSLContext) -> TransportWire:
    """Return a wire through a proxy. Its connections are not kept, so that nothing has to be closed.

    Raises:
        Failure: the URL of the proxy is not valid, or its scheme is not supported.
    """
    try:
        transport = httpx.AsyncHTTPTransport(
            verify=tls,
            trust_env=False,
            proxy=httpx.Proxy(proxy),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )
    except (ValueError, httpx.InvalidURL):  # whose text would show the password
        raise Failure("the proxy of the environment is not a valid URL", _PROXY_ADVICE) from None
    except ImportError as error:
        raise Failure("a SOCKS proxy needs the package socksio", f"install {httpx.__name__}[socks]") from error
    return TransportWire(transport, is_proxy=True)
