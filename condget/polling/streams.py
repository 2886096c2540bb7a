"""A connected socket as a stream of bytes, plain or over TLS, without transports, protocols and buffers of asyncio:
one exchange needs to send once and to receive a few times, and thousands of them should cost little.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

_READ = 65_536


class Stream(Protocol):
    """Bytes to and from a peer; what goes wrong is an OSError."""

    async def send(self, data: bytes) -> None: ...

    async def receive(self) -> bytes:
        """Return what has come, empty at the end."""

    def close(self) -> None:
        """Close at once, without a farewell that would have to be waited for."""


class Plain:
    """A socket, connected and non-blocking."""

    __slots__ = ("_loop", "_socket")

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._loop = asyncio.get_running_loop()

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._socket, data)

    async def receive(self) -> bytes:
        return await self._loop.sock_recv(self._socket, _READ)

    def close(self) -> None:
        self._socket.close()


class Secured:
    """TLS on a socket. Whether the peer is who it should be is for the context to check, in the handshake.

    A `session` of an earlier connection to the same name and port spares both sides most of the handshake, where the
    server agrees (RFC 8446 §2.2); `keep` is given that of this connection when it closes.
    """

    __slots__ = ("_agreed", "_incoming", "_keep", "_loop", "_outgoing", "_socket", "_tls")

    def __init__(
        self,
        sock: socket.socket,
        context: ssl.SSLContext,
        name: str,
        *,
        session: ssl.SSLSession | None = None,
        keep: Callable[[ssl.SSLSession], None] | None = None,
    ) -> None:
        self._socket = sock
        self._loop = asyncio.get_running_loop()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name, session=session)
        self._keep = keep
        self._agreed = False

    async def handshake(self) -> None:
        """Agree on keys.

        Raises:
            OSError: also as ssl.SSLError, above all ssl.SSLCertVerificationError.
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLError:
                with suppress(OSError):  # tell the peer why, if that needs no waiting
                    self._socket.send(self._outgoing.read())
                raise
            else:
                self._agreed = True
                return  # our last message goes along with what is sent next

    async def send(self, data: bytes) -> None:
        self._tls.write(data)
        await self._flush()

    async def receive(self) -> bytes:
        while True:
            try:
                return self._tls.read(_READ)
            except ssl.SSLWantReadError:
                await self._flush()  # an answer to a renewal of keys
                await self._fill()
            except ssl.SSLEOFError:
                return b""  # without a farewell, as many servers end; framing tells whether all has come

    def close(self) -> None:
        # With TLS 1.3 it is behind the handshake that the server gives what a session can be resumed by.
        if self._keep is not None and self._agreed and (session := self._tls.session) is not None:
            self._keep(session)
        self._socket.close()

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._loop.sock_sendall(self._socket, self._outgoing.read())

    async def _fill(self) -> None:
        if data := await self._loop.sock_recv(self._socket, _READ):
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
