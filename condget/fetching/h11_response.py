"""A response with anything unusual in its head, chunked framing included: h11 reads it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import h11

from condget.fetching.failures import AGAIN, NO_TRUST, TELL_OWNER, Failure, reason
from condget.fetching.response_head import LONGEST_HEAD, Head, RawFields, fields_of
from condget.fetching.targets import Target

#: 1xx responses to one request.
_MOST_INTERIM = 100


class H11Response:
    """The response to a request that was sent. `data` is its beginning; `receive` returns more, empty at the end."""

    def __init__(self, target: Target, fields: RawFields, data: bytes, receive: Callable[[], Awaitable[bytes]]) -> None:
        self._receive = receive
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        self._connection.send(h11.Request(method=b"GET", target=target.path, headers=fields))
        self._connection.send(h11.EndOfMessage())
        if data:
            self._connection.receive_data(data)

    async def head(self) -> Head:
        """Return the head; 1xx responses are passed over."""
        for _ in range(_MOST_INTERIM):
            event = await self._event()
            if isinstance(event, h11.Response):
                return Head(
                    event.status_code,
                    fields_of(event.headers.raw_items()),
                    event.reason.decode("latin-1"),
                    f"HTTP/{event.http_version.decode('ascii')}",
                )

        raise Failure(f"the server sends more than {_MOST_INTERIM} interim responses", NO_TRUST)

    async def read(self) -> bytes:
        """Return the next piece of content, empty at its end."""
        event = await self._event()
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    @property
    def surplus(self) -> bytes:
        """The bytes behind the content."""
        return self._connection.trailing_data[0]

    async def _event(self) -> object:
        connection = self._connection
        while True:
            try:
                event = connection.next_event()
            except h11.RemoteProtocolError as error:
                raise self._failure(error) from error
            if event is not h11.NEED_DATA:
                return event
            data = await self._receive()
            if not data and connection.their_state is h11.SEND_RESPONSE:
                raise Failure("the server closed the connection without an answer", AGAIN)
            connection.receive_data(data)

    def _failure(self, error: h11.RemoteProtocolError) -> Failure:
        if error.error_status_hint == 431:
            return Failure(f"its header fields are longer than {LONGEST_HEAD:,} bytes", NO_TRUST)
        if self._connection.their_state is h11.ERROR and "peer closed" in str(error):
            return Failure("its content ends before it is complete", AGAIN)
        return Failure(f"its answer is not valid HTTP ({reason(error)})", TELL_OWNER)
