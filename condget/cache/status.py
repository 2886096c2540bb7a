"""CacheStatus: what a cache did with a request and why, in the words of RFC 9211.

The core decides in values that carry facts: why a request was forwarded, how fresh a response is, why it is not stored.
The functions below turn those facts into the one `CacheStatus` of a response.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from condget.cache.actions import Forward, Fwd, Reuse, Settlement, Unsatisfiable

#: Key in the `extensions` of requests and responses: how a request uses the cache, and the status of a response.
EXTENSION = "condget"


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """The story of one request: `condget.status(response)`, or `response.extensions["condget"]`.

    Only a complete response is stored. Where storing fails while the content is read, the response gets another
    `CacheStatus`, whose `stored` is False: look it up after the content was read to its end.
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
    #: Further words, such as why a response was not stored (§2.8).
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


class _Extended(Protocol):
    @property
    def extensions(self) -> Mapping[str, Any]: ...


def status(response: _Extended) -> CacheStatus:
    """Return what the cache did with the request of a response, and why.

    Raises:
        ValueError: the response did not come through a client or a transport of condget.
    """
    status_of_response = response.extensions.get(EXTENSION)
    if not isinstance(status_of_response, CacheStatus):
        raise ValueError("the response did not come through a client or a transport of condget")
    return status_of_response


def status_of_hit(reuse: Reuse) -> CacheStatus:
    """Return the status of a stored response that answers without a request."""
    return CacheStatus(hit=True, ttl=_ttl(reuse), age=int(reuse.freshness.age))


def status_of_collapsed(reuse: Reuse) -> CacheStatus:
    """Return the status of a response that was fetched for an identical request."""
    return CacheStatus(fwd="uri-miss", collapsed=True, ttl=_ttl(reuse), age=int(reuse.freshness.age))


def status_of_unsatisfiable(decision: Unsatisfiable) -> CacheStatus:
    return CacheStatus(fwd=decision.fwd, detail=decision.reason)


def status_of_forwarded(forward: Forward, settlement: Settlement, fwd_status: int | None) -> CacheStatus:
    """Return the status of a response to a forwarded request; without a status code the origin did not answer."""
    known = settlement.reuse or settlement
    detail = settlement.stale
    if detail is None and settlement.not_stored is not None:
        detail = _not_stored(settlement.not_stored)
    return CacheStatus(
        fwd=forward.fwd,
        fwd_status=fwd_status,
        stored=settlement.stored,
        ttl=_ttl(known),
        age=None if known.freshness is None else int(known.freshness.age),
        detail=detail,
    )


def not_stored_after_all(status: CacheStatus, reason: str) -> CacheStatus:
    """Return the status of a response whose storing failed on the way."""
    return replace(status, stored=False, detail=_not_stored(reason))


def _not_stored(reason: str) -> str:
    return f"not stored: {reason}"


def _ttl(known: Reuse | Settlement) -> int | None:
    freshness = known.freshness
    return None if freshness is None else int(freshness.lifetime) - int(freshness.age)
