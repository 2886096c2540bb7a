"""Shared by the tests of an exchange: names that resolve as a test says, an exchange in a loop of its own, origins."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from condget.errors import FetchError
from condget.fetching.direct import DirectWire
from condget.fetching.fetch import Fetched, fetch
from condget.fetching.host_limits import HostLimits
from condget.fetching.request import FetchRequest
from condget.fetching.sockets import connect as connect_socket
from condget.fetching.wire import Wire
from tests.origin import RawRequest

FEED = b"<?xml version='1.0'?><rss><channel><title>A feed</title></channel></rss>"
#: Addresses of names that tests use; those that count as public are connected to on loopback.
NAMES = {
    "public.test": "93.184.216.34",
    "other.test": "93.184.216.35",
    "private.test": "127.0.0.1",
    "six.test": "2606:2800:220:1::1",
}


def town(**names: str) -> DirectWire:
    """A wire on which public addresses lead to loopback, and names resolve as in `NAMES`."""
    known = {**NAMES, **{name.replace("_", "."): address for name, address in names.items()}}

    async def resolve(host: str, port: int) -> Sequence[str]:
        if host not in known:
            raise OSError(-2, "Name or service not known")
        return known[host].split()

    async def connect(address: str, port: int) -> Any:
        return await connect_socket("127.0.0.1" if not address.startswith("127.") else address, port)

    return DirectWire(resolve=resolve, connect=connect)


def get(url: str, on: Wire | None = None, clock: Callable[[], float] = lambda: 1000.0, **options: Any) -> Fetched:
    """Do one exchange in a loop of its own; afterwards no task is left."""

    async def once() -> Fetched:
        try:
            return await fetch(on or town(), FetchRequest(url, **options), clock, HostLimits(clock, gap=0))
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}

    return asyncio.run(once())


def refused(url: str, on: Wire | None = None, **options: Any) -> FetchError:
    with pytest.raises(FetchError) as raised:
        get(url, on, **options)
    text = str(raised.value)
    assert "\n" not in text
    assert "; " in text, "a cause and what to do"
    return raised.value


def names(request: RawRequest) -> list[str]:
    return [name.lower() for name, _ in request.fields]


#: A certificate for secure.test and 127.0.0.1 that signs itself, and its key; they guard nothing.
CERTIFICATE = Path(__file__).with_name("secure.test.pem")

SHORT_FEED = b"<rss/>"


class SecureOrigin:
    """An origin behind TLS that answers each connection with one feed; a CONNECT before it is granted."""

    def __init__(self) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(CERTIFICATE)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.heads: list[bytes] = []
        self.resumed: list[bool | None] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                beginning = connection.recv(7, socket.MSG_PEEK)
                if not beginning:
                    return
                if beginning == b"CONNECT":
                    self.heads.append(connection.recv(65536))
                    connection.sendall(b"HTTP/1.1 200 Fine\r\n\r\n")
                try:
                    with self.context.wrap_socket(connection, server_side=True) as secured:
                        self.heads.append(secured.recv(65536))
                        self.resumed.append(secured.session_reused)
                        secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n" + SHORT_FEED)
                except OSError:
                    continue  # the client did not trust the certificate


def get_here(url: str, **options: Any) -> Fetched:
    """Do one exchange over the wire of the environment, on which every name leads to this machine."""

    async def once() -> Fetched:
        async def resolve(host: str, port: int) -> list[str]:
            return ["127.0.0.1"]

        try:
            return await fetch(DirectWire(resolve=resolve), FetchRequest(url, **options), time.time)
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}

    return asyncio.run(once())


def refused_here(url: str, **options: Any) -> FetchError:
    with pytest.raises(FetchError) as raised:
        get_here(url, **options)
    return raised.value
