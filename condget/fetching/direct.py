"""The poller's own wire: HTTP/1.1 over sockets (RFC 9112).

1. A name is resolved once, its addresses are checked, and one of those is connected to (E4).
2. A head without anything unusual is read at once; h11 gets the bytes of any other head, and judges them.
3. A connection is kept for the next request to the same origin only if its response was complete and nothing came
   behind it, not even until that request: a response that belongs to nobody reaches no other feed.
4. Requests that the environment sends through a proxy are left to `TransportWire`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from condget.fetching import sockets
from condget.fetching.addresses import is_literal, is_private
from condget.fetching.failures import AGAIN, NO_TRUST, TELL_OWNER, Failure, no_connection, reason, tls_failure
from condget.fetching.fair_share import FairShare
from condget.fetching.proxies import environment_proxies, proxy_for
from condget.fetching.response_head import END_OF_HEAD, LONGEST_HEAD, Head, RawFields, usual
from condget.fetching.sockets import Plain, Secured, Stream
from condget.fetching.targets import Target, forbidden
from condget.fetching.wire import Connection, KeptConnections, Link
from condget.own_httpx import bound_to_own

if TYPE_CHECKING:
    from condget.fetching.h11_response import H11Response
    from condget.fetching.via_transport import TransportWire

#: Addresses of a host, best first.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
#: A connected, non-blocking socket.
Connect = Callable[[str, int], Awaitable[socket.socket]]

#: A head in more pieces than that is left to h11, whose time does not grow with the square of their number.
_MOST_PIECES = 8
#: Bytes of heads, chunk framing and 1xx responses beyond the length of the content. Chunks of one byte have six bytes.
_OVERHEAD = 262_144
#: Fields of one head; each costs time wherever fields are looked up.
_MOST_FIELDS = 1_000
#: Seconds before the next address of a host is tried; the last one has until the deadline.
_ADDRESS_TIMEOUT = 5.0
_MOST_ADDRESSES = 6
_LOOKUPS_AT_ONCE = 100
#: Seconds that a server has to close after its response; most do at once.
_SURPLUS_TIMEOUT = 0.05


class DirectWire:
    """Connects to hosts themselves. Exchanges share the TLS context (made once, when first needed), proxies, look-ups.

    It holds nothing that must be closed. `resolve` and `connect` are seams for tests and for other resolvers.
    """

    def __init__(self, *, resolve: Resolve | None = None, connect: Connect | None = None) -> None:
        self._resolve = resolve or look_up
        self._connect = connect or sockets.connect
        self._tls: ssl.SSLContext | None = None
        self._lookups = asyncio.Semaphore(_LOOKUPS_AT_ONCE)
        self._proxies = environment_proxies()
        #: By the URL of the proxy.
        self._proxied: dict[str, TransportWire] = {}

    async def connect(
        self, target: Target, *, guarded: bool = False, kept: KeptConnections | None = None, longest: int = 10_000_000
    ) -> Connection:
        if proxy := proxy_for(target, self._proxies):
            return await self._via(proxy).connect(target, guarded=guarded)
        open_ = partial(self._open, target, guarded, kept)
        if kept is not None and (link := kept.take(target)) is not None:
            if link.stream.is_idle() and not (guarded and is_private(link.address)):
                return _Exchange(link, open_, target, kept, longest)
            link.stream.close()
        return _Exchange(await open_(), None, target, kept, longest)

    async def is_public(self, target: Target) -> bool:
        if proxy := proxy_for(target, self._proxies):
            return await self._via(proxy).is_public(target)
        if is_literal(target.host):
            return not is_private(target.host)
        if target.name == "localhost":
            return False
        try:
            async with self._lookups:
                addresses = await self._resolve(target.host, target.port)
        except (OSError, UnicodeError):
            return True
        return not any(is_private(address) for address in addresses)

    async def _open(self, target: Target, guarded: bool, kept: KeptConnections | None) -> Link:
        sock, address = await self._connected(target, guarded)
        share = FairShare()
        stream: Stream = Plain(sock, share)
        try:
            if tls := self.tls_for(target):
                stream = secured = Secured(
                    sock,
                    share,
                    tls,
                    target.name,
                    session=kept.sessions.pop(target.origin, None) if kept is not None else None,
                    keep=partial(kept.sessions.__setitem__, target.origin) if kept is not None else None,
                )
                await secured.handshake()
        except (OSError, ValueError) as error:  # a ValueError is what ssl makes of an odd name
            stream.close()
            raise tls_failure(error) from error
        except BaseException:
            stream.close()
            raise
        return Link(stream, address, share)

    async def _connected(self, target: Target, guarded: bool) -> tuple[socket.socket, str]:
        host = target.host
        if is_literal(host):
            addresses: Sequence[str] = [host]
        else:
            async with self._lookups:
                try:
                    addresses = await self._resolve(host, target.port)
                except (OSError, UnicodeError) as error:
                    raise Failure(
                        f"the name {host} cannot be resolved ({reason(error)})",
                        "check its spelling and the network",
                        connected=False,
                    ) from error
        if guarded and any(is_private(address) for address in addresses):
            raise forbidden(host)
        failure: OSError | None = None
        *firsts, last = addresses[:_MOST_ADDRESSES] or [""]
        for address in firsts:
            try:
                async with asyncio.timeout(_ADDRESS_TIMEOUT):
                    return await self._connect(address, target.port), address
            except OSError as error:  # a TimeoutError is one
                failure = error
        if last:
            try:
                return await self._connect(last, target.port), last
            except OSError as error:
                failure = error
        raise no_connection(host, target.port, failure) from failure

    def tls_for(self, target: Target) -> ssl.SSLContext | None:
        """Return the TLS context for a target; None: the target is requested without TLS."""
        return None if target.scheme == "http" else self._tls_context()

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = tls_context()
        return self._tls

    def _via(self, proxy: str) -> TransportWire:
        if proxy not in self._proxied:
            # httpx takes 80 ms, and few environments need it.
            via_transport = bound_to_own("condget.fetching.via_transport")
            self._proxied[proxy] = via_transport.proxy_wire(proxy, self._tls_context())
        return self._proxied[proxy]


class _Exchange:
    """One request and its response over a link.

    `reopen` replaces a link that was kept, if that turns out to be closed; a new link has none.
    """

    def __init__(
        self,
        link: Link,
        reopen: Callable[[], Awaitable[Link]] | None,
        target: Target,
        kept: KeptConnections | None,
        longest: int,
    ) -> None:
        self._link = link
        self._reopen = reopen
        self._target = target
        self._kept = kept
        self._longest = longest
        self._begin()

    def _begin(self) -> None:
        #: Bytes that were received, and bytes of content among them that were returned.
        self._received = self._returned = 0
        self._ended = False
        #: Whether Content-Length says where the content ends.
        self._declared = False
        #: Bytes behind the head, and how much of the content is missing; None: all until the end.
        self._buffer = b""
        self._left: int | None = None
        #: Reads a response that has anything unusual.
        self._unusual: H11Response | None = None
        #: Whether the response is complete with nothing behind it, and whether the server keeps the link open then.
        self._complete = self._persists = False

    @property
    def public(self) -> bool:
        return not is_private(self._link.address)

    async def exchange(self, target: Target, fields: RawFields) -> Head:
        try:
            return await self._exchange(target, fields)
        except Failure:
            if self._reopen is None or self._received:
                raise
        # The server closed the connection before it saw the request (RFC 9112 §9.3.1).
        self._link.stream.close()
        self._link, self._reopen = await self._reopen(), None
        self._begin()
        return await self._exchange(target, fields)

    async def _exchange(self, target: Target, fields: RawFields) -> Head:
        lines = b"".join([b"%b: %b\r\n" % field for field in fields])
        with suppress(OSError):  # the peer may have responded and closed already
            await self._link.stream.send(b"GET %b HTTP/1.1\r\n%b\r\n" % (target.path, lines))
        head = await self._head(target, fields)
        if len(head.fields) > _MOST_FIELDS:
            raise Failure(f"its header has more than {_MOST_FIELDS:,} fields", NO_TRUST)
        options = head.fields.get("Connection")
        self._persists = head.http_version == "HTTP/1.1" and (options is None or "close" not in options.lower())
        # A 204 and a 304 have no content; nor is that of a redirect read, unless it is here already.
        bare = head.status in (204, 304)
        self._complete = not self._buffer if bare else self._left == len(self._buffer)
        if self._unusual is not None:
            self._complete = bare and not self._unusual.surplus
        return head

    async def _head(self, target: Target, fields: RawFields) -> Head:
        data = b""
        for _ in range(_MOST_PIECES):
            piece = await self._receive()
            data += piece
            if blank := END_OF_HEAD.search(data):
                if data.count(b"\n", 0, blank.end()) <= _MOST_FIELDS and (head := usual(data[: blank.end()])):
                    self._buffer = data[blank.end() :]
                    length = head.fields.first("Content-Length")
                    self._declared = length is not None
                    self._left = None if length is None else int(length)
                    return head
                break
            if not piece or len(data) > LONGEST_HEAD:
                break
        from condget.fetching.h11_response import H11Response  # not before: many runs have no use for h11

        self._unusual = H11Response(target, fields, data, self._receive)
        head = await self._unusual.head()
        self._declared = "Content-Length" in head.fields and "Transfer-Encoding" not in head.fields
        return head

    async def read(self) -> bytes:
        self._complete = False
        data = await (self._piece() if self._unusual is None else self._unusual.read())
        self._returned += len(data)
        if not data:
            surplus = self._buffer if self._unusual is None else self._unusual.surplus
            self._complete = await self._ends_here(surplus)
        return data

    async def _piece(self) -> bytes:
        if self._left == 0:
            return b""
        data, self._buffer = self._buffer or await self._receive(), b""
        if self._left is not None:
            if not data:
                raise Failure("its content ends before it is complete", AGAIN)
            data, self._buffer = data[: self._left], data[self._left :]
            self._left -= len(data)
        return data

    async def _ends_here(self, surplus: bytes) -> bool:
        """Look at what came behind the content; return whether nothing did.

        A second response belongs to nobody and is dropped with the connection. Anything else that follows means
        that the declared length was wrong and the content is cut off (B5).
        """
        if self._declared and not surplus and not self._ended:
            with suppress(TimeoutError, OSError):
                async with asyncio.timeout(_SURPLUS_TIMEOUT):
                    surplus = await self._link.stream.receive()
                    self._ended = not surplus
        text = surplus.lstrip(b"\r\n")
        if self._declared and text and not text.startswith(b"HTTP/"):
            raise Failure("its content is longer than its Content-Length says", TELL_OWNER)
        return not surplus and not self._ended

    async def _receive(self) -> bytes:
        if self._ended:
            return b""
        try:
            data = await self._link.stream.receive()
        except OSError as error:  # ssl.SSLError is one
            raise Failure(f"the connection broke off ({reason(error)})", AGAIN) from error
        self._ended = not data
        self._received += len(data)
        overhead = self._received - self._returned
        if overhead > self._returned + _OVERHEAD or self._received > self._longest + _OVERHEAD + LONGEST_HEAD:
            raise Failure("the server sends more than any feed needs", NO_TRUST)
        return data

    async def aclose(self) -> None:
        if self._complete and self._persists and self._kept is not None and self._kept.put(self._target, self._link):
            return
        self._link.stream.close()


def tls_context() -> ssl.SSLContext:
    """Return a context that verifies as httpx does, without the import of httpx, which takes longer."""
    if (file := os.environ.get("SSL_CERT_FILE")) or (directory := os.environ.get("SSL_CERT_DIR")):
        context = ssl.create_default_context(cafile=file or None, capath=None if file else directory)
    else:
        import certifi

        context = ssl.create_default_context(cafile=certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


async def look_up(host: str, port: int) -> list[str]:
    """Ask the system's resolver for the addresses of a host, in a thread of its own.

    The threads of an executor are joined at exit, so that a silent name server would delay the end of the run.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[str]] = loop.create_future()

    def hand_over(addresses: list[str], error: Exception | None) -> None:
        if future.done():  # the exchange was given up meanwhile
            return
        if error is None:
            future.set_result(addresses)
        else:
            future.set_exception(error)

    def resolve() -> None:
        addresses: list[str] = []
        failure: Exception | None = None
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in answers))
        except (OSError, UnicodeError) as error:
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(hand_over, addresses, failure)

    threading.Thread(target=resolve, name=f"look up {host}", daemon=True).start()
    return await future
