"""The origin of the library's benchmark, as cheap as Python allows; run as a program, it prints its port and serves.

`/fresh/KIB/N` may be reused for an hour; `/valid/KIB/N` must be validated and is a 304 then. Both have both validators.
"""

from __future__ import annotations

import asyncio
import email.utils

STARTED = email.utils.formatdate(usegmt=True).encode()
ETAG = b'"v1"'
LAST_MODIFIED = b"Sat, 26 Apr 2025 10:00:00 GMT"


def head(status: bytes, cache_control: bytes, rest: bytes) -> bytes:
    return (
        b"HTTP/1.1 " + status + b"\r\nDate: " + STARTED + b"\r\nServer: bench\r\nETag: " + ETAG
        + b"\r\nLast-Modified: " + LAST_MODIFIED + b"\r\nCache-Control: " + cache_control + b"\r\n" + rest + b"\r\n"
    )  # fmt: skip


class Origin(asyncio.Protocol):
    answers: dict[tuple[bytes, bytes], bytes] = {}  # noqa: RUF012 - shared by all connections on purpose

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        *requests, self.rest = (self.rest + data).split(b"\r\n\r\n")
        for request in requests:
            _, kind, size, _ = request.split(b" ", 2)[1].split(b"/")
            cache_control = b"max-age=3600" if kind == b"fresh" else b"no-cache"
            if kind == b"valid" and b"if-none-match:" in request.lower():
                self.transport.write(head(b"304 Not Modified", cache_control, b""))  # type: ignore[attr-defined]
                continue
            if (kind, size) not in self.answers:
                body = b"0123456789abcdef" * (64 * int(size))
                length = b"Content-Type: text/plain\r\nContent-Length: %d\r\n" % len(body)
                self.answers[kind, size] = head(b"200 OK", cache_control, length) + body
            self.transport.write(self.answers[kind, size])  # type: ignore[attr-defined]


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Origin, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
