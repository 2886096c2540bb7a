"""A server whose answers come late: `python delaying.py PORT HOSTS`.

`/MS/N.xml` answers after that many milliseconds, `/never/N.xml` never; `/answers` tells what was answered since.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter

from origins import addresses, document

answered: Counter[int] = Counter()
last = 0.0


class Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        *requests, self.rest = (self.rest + data).split(b"\r\n\r\n")
        for head in map(bytes.lower, requests):
            _, kind, *name = head.split(b" ", 2)[1].split(b"/")
            close = b"\r\nconnection: close" in head
            if kind == b"answers":
                self.answer(0, json.dumps({"answers": answered, "last": last}).encode(), close)
                answered.clear()
            elif kind != b"never":
                known = b"\r\nif-none-match:" in head
                body = b"" if known else document(int(name[0].split(b".")[0]), 0, large=False).encode()
                loop = asyncio.get_running_loop()
                loop.call_later(int(kind) / 1000, self.answer, 304 if known else 200, body, close)

    def answer(self, status: int, body: bytes, close: bool) -> None:
        global last
        if status:
            answered[status] += 1
            last = time.monotonic()
        length = b"" if status == 304 else b"Content-Length: %d\r\nContent-Type: application/rss+xml\r\n" % len(body)
        connection = b"Connection: close\r\n" if close else b""
        line = b"HTTP/1.1 304 Not Modified" if status == 304 else b"HTTP/1.1 200 OK"
        self.transport.write(line + b'\r\nETag: "1"\r\n' + length + connection + b"\r\n" + body)
        if close:
            self.transport.close()


async def serve(port: int, hosts: int) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_server(Connection, addresses(hosts), port, backlog=512)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
