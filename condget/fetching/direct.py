"""The wire below one exchange: a connection of its own for every request (RFC 9112).

A name is resolved once, its addresses are checked, and a checked address is connected to, so that DNS cannot be
rebound in between (E4). No connection is kept: a response that nobody asked for reaches no other feed. A head without
anything unusual is read at once; h11 gets the bytes of any other, and is the judge of it. What goes wrong is a
`Failure`.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol

from condget.errors import ForbiddenTarget
from condget.fetching.failures import AGAIN, TELL_OWNER, Failure, reason
from condget.fetching.response_head import LONGEST_HEAD, Head, RawFields, usual
from condget.fetching.sockets import Plain, Secured, Stream
from condget.fetching.sockets import connect as _connect
from condget.fetching.targets import Target, is_literal, is_private
from condget.fetching.via_proxy import Proxied, environment_proxies, proxy_pool

if TYPE_CHECKING:
    from condget.fetching.h11_response import H11Response

#: Addresses of a host, best first.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
#: A connected, non-blocking socket.
Connect = Callable[[str, int], Awaitable[socket.socket]]

#: A head that comes in more pieces than that is collected by h11, whose time does not grow with their number squared.
_MOST_PIECES = 8
#: Where a head ends (RFC 9112 §2.2 lets a bare LF end a line).
_BLANK = re.compile(rb"\n\r?\n")
#: What heads, chunk framing and 1xx responses may add to the content.
_OVERHEAD = 1_000_000
#: Seconds before the next address of a host is tried; the last one has until the deadline.
_ADDRESS_TIMEOUT = 5.0
_MOST_ADDRESSES = 6
_LOOKUPS_AT_ONCE = 100
#: Seconds that a server has to close after its response; most do at once.
_SURPLUS_TIMEOUT = 0.05


class Connection(Protocol):
    """A connection for one request."""

    @property
    def public(self) -> bool:
        """False where the peer is known to have a private address."""

    async def exchange(self, target: Target, fields: RawFields) -> Head:
        """Send a GET and return the head of its final response."""

    async def read(self) -> bytes:
        """Return the next piece of content, empty at its end."""

    async def aclose(self) -> None: ...


class Wire:
    """What exchanges share: the TLS context (made once, when first needed), proxies, name resolution.

    It holds nothing that must be closed. `resolve` and `connect` are seams for tests and for other resolvers.
    """

    def __init__(
        self,
        *,
        resolve: Resolve | None = None,
        connect: Connect | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._resolve = resolve or _look_up
        self._connect = connect or _connect
        self._tls = tls
        self._lookups = asyncio.Semaphore(_LOOKUPS_AT_ONCE)
        self._proxies = environment_proxies()
        #: Of hosts that will be asked again: each is used once, by that name and port, and certified by this context.
        self._sessions: dict[tuple[str, int], ssl.SSLSession] = {}

    async def connect(
        self, target: Target, *, guarded: bool = False, again: bool = False, most: int = 10_000_000
    ) -> Connection:
        """Connect to the origin of a target, or get ready to do so through a proxy.

        `guarded` refuses private addresses; `again` says that more connections will follow, so that the TLS session is
        worth remembering; `most` is the content that is expected at most, in bytes.

        Raises:
            Failure: `connected` is False where no connection came about.
        """
        if proxy := self._proxy(target):
            # Who resolves the name is the proxy: only what the URL itself says can be checked.
            local = target.host in ("localhost", "localhost.") or target.host.endswith(".localhost")
            private = local or (is_literal(target.host) and is_private(target.host))
            if guarded and private:
                raise _forbidden(target.host)
            return Proxied(proxy_pool(proxy, self._context(target)), public=not private)
        sock, address = await self._open(target, guarded)
        stream: Stream = Plain(sock)
        try:
            if tls := self._context(target):
                key = target.host, target.port
                stream = secured = Secured(
                    sock,
                    tls,
                    target.name,
                    session=self._sessions.pop(key, None),
                    keep=partial(self._sessions.__setitem__, key) if again else None,
                )
                await secured.handshake()
        except (OSError, ValueError) as error:  # a ValueError is what ssl makes of an odd name
            stream.close()
            raise _tls_failure(error) from error
        except BaseException:
            stream.close()
            raise
        return _Direct(stream, address, budget=most + _OVERHEAD)

    async def is_public(self, target: Target) -> bool:
        """Tell whether a host has public addresses only, as far as can be seen; one without any counts as such."""
        if is_literal(target.host):
            return not is_private(target.host)
        if target.name == "localhost":
            return False
        if self._proxy(target):  # it is the proxy that resolves the name
            return True
        try:
            async with self._lookups:
                addresses = await self._resolve(target.host, target.port)
        except (OSError, UnicodeError):
            return True
        return not any(is_private(address) for address in addresses)

    async def _open(self, target: Target, guarded: bool) -> tuple[socket.socket, str]:
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
            raise _forbidden(host)
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
        raise _no_connection(host, target.port, failure) from failure

    def _context(self, target: Target) -> ssl.SSLContext | None:
        if target.scheme == "http":
            return None
        if self._tls is None:
            self._tls = _tls_context()
        return self._tls

    def _proxy(self, target: Target) -> str | None:
        if not self._proxies:
            return None
        from urllib.request import proxy_bypass

        proxy = self._proxies.get(target.scheme) or self._proxies.get("all")
        if not proxy or proxy_bypass(target.host_field.decode()):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"


class _Direct:
    """A connection to the origin itself."""

    def __init__(self, stream: Stream, address: str, *, budget: int) -> None:
        self._stream = stream
        self._address = address
        self._budget = budget
        self._ended = False
        #: Whether Content-Length says where the content ends.
        self._declared = False
        #: What came behind the head, and how much of the content is to come; None: all until the end.
        self._buffer = b""
        self._left: int | None = None
        #: What reads a response that has anything unusual.
        self._unusual: H11Response | None = None

    @property
    def public(self) -> bool:
        return not is_private(self._address)

    async def exchange(self, target: Target, fields: RawFields) -> Head:
        lines = b"".join([b"%b: %b\r\n" % field for field in fields])
        with suppress(OSError):  # the peer may have answered and closed already
            await self._stream.send(b"GET %b HTTP/1.1\r\n%b\r\n" % (target.path, lines))
        data = b""
        for _ in range(_MOST_PIECES):
            piece = await self._receive()
            data += piece
            if blank := _BLANK.search(data):
                if head := usual(data[: blank.end()]):
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
        if self._unusual is not None:
            if data := await self._unusual.read():
                return data
            await self._end(self._unusual.surplus)
            return b""
        if self._left == 0:
            await self._end(self._buffer)
            return b""
        data, self._buffer = self._buffer or await self._receive(), b""
        if self._left is not None:
            if not data:
                raise Failure("its content ends before it is complete", AGAIN)
            data, self._buffer = data[: self._left], data[self._left :]
            self._left -= len(data)
        return data

    async def _end(self, surplus: bytes) -> None:
        """Look at what came behind the content. The server was asked to close, so waiting for more is short.

        A second response belongs to nobody and is dropped with the connection. Anything else that follows means
        that the declared length was wrong and the content is cut off (B5).
        """
        if not self._declared:
            return
        if not surplus and not self._ended:
            with suppress(TimeoutError, OSError):
                async with asyncio.timeout(_SURPLUS_TIMEOUT):
                    surplus = await self._stream.receive()
        surplus = surplus.lstrip(b"\r\n")
        if surplus and not surplus.startswith(b"HTTP/"):
            raise Failure("its content is longer than its Content-Length says", TELL_OWNER)

    async def _receive(self) -> bytes:
        if self._ended:
            return b""
        try:
            data = await self._stream.receive()
        except OSError as error:  # ssl.SSLError is one
            raise Failure(f"the connection broke off ({reason(error)})", AGAIN) from error
        self._ended = not data
        self._budget -= len(data)
        if self._budget < 0:
            raise Failure("the server sends more than any feed needs", "do not trust this site")
        return data

    async def aclose(self) -> None:
        self._stream.close()


def _tls_context() -> ssl.SSLContext:
    # As httpx makes its own, whose import alone would cost more than the context.
    if (file := os.environ.get("SSL_CERT_FILE")) or (directory := os.environ.get("SSL_CERT_DIR")):
        context = ssl.create_default_context(cafile=file or None, capath=None if file else directory)
    else:
        import certifi

        context = ssl.create_default_context(cafile=certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


async def _look_up(host: str, port: int) -> list[str]:
    """FetchRequest the system's resolver, in a thread of its own.

    Not in an executor: its threads are joined at exit, and a silent name server would hold up the end.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[str]] = loop.create_future()

    def tell(addresses: list[str], error: Exception | None) -> None:
        if future.done():  # given up meanwhile
            return
        if error is None:
            future.set_result(addresses)
        else:
            future.set_exception(error)

    def ask() -> None:
        addresses: list[str] = []
        failure: Exception | None = None
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
        except (OSError, UnicodeError) as error:
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, addresses, failure)

    threading.Thread(target=ask, name=f"look up {host}", daemon=True).start()
    return await future


def _forbidden(host: str) -> Failure:
    return Failure(
        f"it is redirected from a public host to a private address ({host})",
        "allow that with private-network=yes if the site may look into your network",
        kind=ForbiddenTarget,
    )


def _no_connection(host: str, port: int, error: OSError | None) -> Failure:
    advice = "check the address, or whether the server is up"
    if error is None:
        cause = f"the name {host} has no address"
    elif isinstance(error, ConnectionRefusedError):
        cause = f"{host} refuses connections on port {port}"
    elif isinstance(error, TimeoutError):
        cause = f"{host} does not answer on port {port}"
    elif error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN):
        cause, advice = f"{host} cannot be reached ({reason(error)})", "check the network"
    elif error.errno in (errno.EMFILE, errno.ENFILE):
        cause, advice = "this process has no file descriptor left", "raise `ulimit -n` or poll fewer at once"
    else:
        cause = f"no connection to {host} came about ({reason(error)})"
    return Failure(cause, advice, connected=False)


def _tls_failure(error: Exception) -> Failure:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure(
            f"its certificate is not valid ({error.verify_message})",
            "check the host name and this machine's clock",
        )
    return Failure(f"TLS could not be agreed on ({reason(error)})", TELL_OWNER)
