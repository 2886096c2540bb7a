"""The two protocols below `fetch`.

A `Wire`

1. returns a connection for one request (`connect`), or raises `Failure`; `guarded` refuses private addresses, as far as
   the wire can see them;
2. tells whether a host is public (`is_public`), without sending anything to that host.

A `Connection`

1. sends one GET and returns the head of its final response (`exchange`); 1xx responses are passed over;
2. then returns the content as received, piece by piece (`read`), and `b""` at its end, after any number of calls;
3. is closed in any case (`aclose`), at once, without waiting for the peer.

Whatever goes wrong is a `Failure`. A wire neither retries nor redirects nor decodes; that is for `fetch`.
"""

from __future__ import annotations

from typing import Protocol

from condget.fetching.response_head import Head, RawFields
from condget.fetching.targets import Target


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

    async def connect(self, target: Target, *, guarded: bool, more_follow: bool, longest: int) -> Connection:
        """Return a connection for one request to a target.

        Args:
            guarded: refuse private addresses (E4).
            more_follow: further requests to this host will follow in the same run.
            longest: bytes of content that are read at most.

        Raises:
            Failure: `connected` is False where no connection came about.
        """

    async def is_public(self, target: Target) -> bool:
        """Tell whether a host has public addresses only, as far as can be seen; a host without any counts as public."""
