"""A synchronous httpx transport as an asynchronous one: each of its calls runs in a thread."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio.to_thread
import httpx


def asynchronous(transport: httpx.AsyncBaseTransport | httpx.BaseTransport) -> httpx.AsyncBaseTransport:
    """Return a transport for an event loop; one that is for both, such as `httpx.MockTransport`, stays as it is.

    Raises:
        TypeError: it is not a transport of httpx.
    """
    if isinstance(transport, httpx.AsyncBaseTransport):
        return transport
    if isinstance(transport, httpx.BaseTransport):
        return _ThreadedTransport(transport)
    raise TypeError(f"transport= takes a transport of httpx, not {type(transport).__name__}")


class _ThreadedTransport(httpx.AsyncBaseTransport):
    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await anyio.to_thread.run_sync(self._transport.handle_request, request)
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _ThreadedStream(response.stream)
        return response


class _ThreadedStream(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(self._stream)
        while (piece := await anyio.to_thread.run_sync(next, pieces, None)) is not None:
            yield piece

    async def aclose(self) -> None:
        await anyio.to_thread.run_sync(self._stream.close)
