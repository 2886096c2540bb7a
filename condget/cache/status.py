"""CacheStatus: what a cache did with a request and why, in the words of RFC 9211."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Why a request was forwarded (RFC 9211 §2.2).
Fwd = Literal["bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"]


@dataclass(slots=True)
class CacheStatus:
    """What happened to one request; found in `response.extensions["condget"]`.

    `stored` and `detail` become final when the content was read to its end, since only a complete response is stored.
    """

    #: The response came from the cache without a request to the origin (§2.1).
    hit: bool = False
    #: Why the request went to the origin (§2.2); None on a hit.
    fwd: Fwd | None = None
    #: Status code that the origin answered with (§2.3), if it answered.
    fwd_status: int | None = None
    #: The response was stored, or a stored response was freshened (§2.5).
    stored: bool = False
    #: One request served several callers at once (§2.6).
    collapsed: bool = False
    #: Remaining freshness lifetime in seconds, negative when stale (§2.4).
    ttl: int | None = None
    #: Current age of the response in seconds (RFC 9111 §4.2.3).
    age: int | None = None
    #: Anything else worth telling, such as why a response was not stored (§2.8).
    detail: str | None = None

    @property
    def revalidated(self) -> bool:
        """Whether the origin confirmed a stored response with 304."""
        return self.fwd_status == 304

    def __str__(self) -> str:
        """Return the member of a Cache-Status field, by the cache name "condget" (RFC 9211 §2)."""
        parts = ["condget"]
        if self.hit:
            parts.append("hit")
        if self.fwd is not None:
            parts.append(f"fwd={self.fwd}")
        if self.fwd_status is not None:
            parts.append(f"fwd-status={self.fwd_status}")
        if self.ttl is not None:
            parts.append(f"ttl={self.ttl}")
        if self.stored:
            parts.append("stored")
        if self.collapsed:
            parts.append("collapsed")
        if self.detail is not None:
            text = "".join(c if " " <= c <= "~" else "?" for c in self.detail)
            escaped = text.replace("\\", "\\\\").replace('"', '\\"')
            parts.append(f'detail="{escaped}"')
        return "; ".join(parts)
