"""A server that answers late, run as a program: `python -m tests.bench.late_origin PORT HOSTS LOG`.

`/MS/N.xml` is answered after that many milliseconds, `/never/N.xml` never.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from tests.bench.poller_origins import addresses, document


class Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        *requests, self.rest = (self.rest + data).split(b"\r\n\r\n")
        for head in map(bytes.lower, requests):
            _, delay, name = head.split(b" ", 2)[1].split(b"/")
            if delay != b"never":
                known, close = b"\r\nif-none-match:" in head, b"\r\nconnection: close" in head
                asyncio.get_running_loop().call_later(int(delay) / 1000, self.answer, name, known, close)

    def answer(self, name: bytes, known: bool, close: bool) -> None:
        line, length, body = b"304 Not Modified", b"", b""
        if not known:
            line, body = b"200 OK", document(int(name.split(b".")[0]), 0, large=False).encode()
            length = b"Content-Type: application/rss+xml\r\nContent-Length: %d\r\n" % len(body)
        connection = b"Connection: close\r\n" if close else b""
        self.transport.write(b'HTTP/1.1 %s\r\nETag: "1"\r\n%s%s\r\n%s' % (line, length, connection, body))
        log.write(f"{line[:3].decode()} {time.time()}\n")
        if close:
            self.transport.close()


async def serve(port: int, hosts: int) -> None:
    await asyncio.get_running_loop().create_server(Connection, addresses(hosts), port, backlog=512)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with Path(sys.argv[3]).open("a", buffering=1) as log:
        asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
