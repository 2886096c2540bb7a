"""The two protocols below `fetch`.

A `Wire`

1. returns a connection for one request (`connect`), a new or a kept one, or raises `Failure`; `guarded` refuses private
   addresses, as far as the wire can see them;
2. tells whether a host is public (`is_public`), without sending anything to that host.

A `Connection`

1. sends one GET and returns the head of its final response (`exchange`); 1xx responses are passed over;
2. then returns the content as received, piece by piece (`read`), and `b""` at its end, after any number of calls;
3. is closed in any case (`aclose`), at once, without waiting for the peer.

Every error is a `Failure`. A wire neither retries nor redirects nor decodes; that is for `fetch`.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Protocol

from condget.fetching.fair_share import FairShare
from condget.fetching.response_head import Head, RawFields
from condget.fetching.sockets import Stream
from condget.fetching.targets import Target


@dataclass(frozen=True, slots=True)
class Link:
    """A connection to a host, between two requests."""

    stream: Stream
    address: str
    share: FairShare


class KeptConnections:
    """The connections and TLS sessions that successive requests to one host share, by origin.

    The sender of the requests owns it, and closes it after the last request.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._links: dict[tuple[str, str, int], Link] = {}
        #: Each TLS session is used once.
        self.sessions: dict[tuple[str, str, int], ssl.SSLSession] = {}
        #: Whether another request will follow.
        self.more_follow = True

    def take(self, target: Target) -> Link | None:
        """Return the connection to the origin of a target, if one is kept; it belongs to the caller then."""
        return self._links.pop(target.origin, None)

    def put(self, target: Target, link: Link) -> bool:
        """Keep a connection for the next request; return False if none will need it."""
        wanted = self.more_follow and target.name == self._host and target.origin not in self._links
        if wanted:
            self._links[target.origin] = link
        return wanted

    def close(self) -> None:
        """Close all connections."""
        while self._links:
            self._links.popitem()[1].stream.close()


class Connection(Protocol):
    """A connection for one request."""

    @property
    def public(self) -> bool:
        """False where the peer is known to have a private address."""

    async def exchange(self, target: Target, fields: RawFields) -> Head:
        """Send a GET and return the head of its final response."""

    async def read(self) -> bytes:
        """Return the next piece of content as received; empty at its end."""

    async def aclose(self) -> None:
        """Close the connection, whatever state it is in."""


class Wire(Protocol):
    """Connects to hosts."""

    async def connect(self, target: Target, *, guarded: bool, kept: KeptConnections | None, longest: int) -> Connection:
        """Return a connection for one request to a target.

        Args:
            guarded: refuse private addresses (E4).
            kept: connections of earlier requests, and a place for this one; None: close after the response.
            longest: bytes of content that are read at most.

        Raises:
            Failure: `connected` is False where no connection came about.
        """

    async def is_public(self, target: Target) -> bool:
        """Tell whether a host has public addresses only, as far as can be seen; a host without any counts as public."""
