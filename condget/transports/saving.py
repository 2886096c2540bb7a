"""Saving: content goes to the store while its reader gets it, chunk by chunk.

A chunk passes one `Saver`, held by a stream that wraps the origin's. Content becomes visible in the cache when it
is read to its end; nothing is stored of content that is not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import httpx

from condget.cache.messages import StoredResponse
from condget.errors import StoreError
from condget.stores.protocols import Writer
from condget.transports.flights import Flight
from condget.transports.guarded_store import GuardedStore
from condget.transports.in_thread import in_thread_if


class Saver:
    """Stores content as it passes by, and lands the flight of its request at the end.

    Args:
        store: The store that `writer` belongs to.
        writer: Takes the content; None: it is not stored.
        limit: Most bytes that are stored; None: any number.
        declared: Content-Length as the response gives it.
        flight: The flight that others wait for.
        prefix: Stored content that the reader gets before the origin's.
        not_stored: Called at most once, with the reason, where nothing is stored in the end.
    """

    __slots__ = ("_declared", "_flight", "_length", "_limit", "_not_stored", "_prefix", "_store", "_writer", "waits")

    def __init__(
        self,
        store: GuardedStore,
        writer: Writer | None,
        *,
        limit: int | None,
        declared: str | None,
        flight: Flight | None,
        prefix: Iterator[bytes] | None,
        not_stored: Callable[[str], None],
    ) -> None:
        self._store = store
        #: Whether to store is to wait for a network.
        self.waits = store.is_remote and writer is not None
        self._writer = writer
        self._limit = limit
        self._declared = declared
        self._flight = flight
        self._prefix = prefix
        self._not_stored = not_stored
        self._length = 0
        if flight is not None:
            flight.moves()

    def put_before(self, part: StoredResponse) -> None:
        """Store a part that is stored already once more, before the content that its reader gets."""
        chunks = self._store.content(part, 0, part.content_length or 0)
        if chunks is None:
            self._give_up("the stored part is gone")
            return
        try:
            for chunk in chunks:
                self.take(chunk)
        except StoreError:
            self._give_up("the stored part is gone")
        self._length = 0

    def prefix(self) -> Iterator[bytes]:
        try:
            for chunk in self._prefix or ():
                self.take(chunk)
                yield chunk
        except StoreError as error:  # too late for the origin: let nobody take a part for the whole
            raise httpx.ReadError(str(error)) from error

    def take(self, chunk: bytes) -> None:
        if self._writer is not None:
            self._length += len(chunk)
            if self._limit is not None and self._length > self._limit:
                self._give_up(f"longer than {self._limit} bytes")
            elif (reason := self._store.write(self._writer, chunk)) is not None:
                self._give_up(reason)
        if self._flight is not None:
            self._flight.moves()

    def complete(self) -> None:
        """Make the content visible, and land the flight."""
        self.land(self.commit())

    def commit(self) -> bool:
        """Make the content visible: it has come to its end. Return whether it is."""
        declared = self._declared
        if self._writer is not None and declared is not None and declared.isdigit() and int(declared) != self._length:
            self._give_up(f"{self._length} bytes came of {declared} that Content-Length promised")
        writer, self._writer = self._writer, None
        reason = None if writer is None else self._store.commit(writer)
        if reason is not None:
            self._not_stored(reason)
        return writer is not None and reason is None

    def land(self, stored: bool) -> None:
        if self._flight is not None:
            self._flight.land(stored=stored)

    def abort(self) -> None:
        """Store nothing, unless the content is complete already."""
        self._give_up("its content was not read to the end")
        if self._flight is not None:
            self._flight.land()

    def _give_up(self, reason: str) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            self._store.abort(writer)
            self._not_stored(reason)


class SavingStream(httpx.SyncByteStream):
    """Hands content on and stores it."""

    def __init__(self, stream: httpx.SyncByteStream, saver: Saver) -> None:
        self._stream = stream
        self._saver = saver

    def __iter__(self) -> Iterator[bytes]:
        yield from self._saver.prefix()
        for chunk in self._stream:
            self._saver.take(chunk)
            yield chunk
        self._saver.complete()

    def close(self) -> None:
        try:
            self._saver.abort()
        finally:
            self._stream.close()


class AsyncSavingStream(httpx.AsyncByteStream):
    """The async twin of `SavingStream`."""

    def __init__(self, stream: httpx.AsyncByteStream, saver: Saver) -> None:
        self._stream = stream
        self._saver = saver

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._saver.prefix():
            yield chunk
        async for chunk in self._stream:
            await in_thread_if(self._saver.waits, self._saver.take, chunk)
            yield chunk
        self._saver.land(await in_thread_if(self._saver.waits, self._saver.commit))

    async def aclose(self) -> None:
        try:
            self._saver.abort()
        finally:
            await self._stream.aclose()


def save_content(
    response: httpx.Response, saver: Saver, stream_class: type[SavingStream] | type[AsyncSavingStream]
) -> None:
    """Have the content of a response saved while it is read, at once where a mock has it already."""
    if response.is_stream_consumed:
        for chunk in response.stream:  # type: ignore[union-attr]
            saver.take(chunk)
        saver.complete()
    else:
        response.stream = stream_class(response.stream, saver)  # type: ignore[arg-type]
