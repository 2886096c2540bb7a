"""The first question, `decide`: reuse a stored response, forward the request, or neither (RFC 9111 §4).

Takes values and `now`, returns a value. Its twin is `settling.settle`, for the response of the origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from condget.cache.actions import Forward, Fwd, Reuse, Unsatisfiable
from condget.cache.conditional import bypassing, conditional_request, unstorable_head
from condget.cache.directives import Directives, parse_delta_seconds, request_directives
from condget.cache.freshness import Freshness, response_directives
from condget.cache.messages import Request, StoredResponse
from condget.cache.policy import Mode, Policy
from condget.cache.ranges import is_complete
from condget.cache.reuse import reused_as
from condget.cache.vary import matches


def decide(
    request: Request, candidates: Sequence[StoredResponse], policy: Policy, now: float, mode: Mode = "default"
) -> Reuse | Forward | Unsatisfiable:
    """Return what is to be done with a request, given the stored responses of its URL (RFC 9111 §4)."""
    if request.method not in ("GET", "HEAD"):
        return Forward(request, request, "method", not_stored=f"method {request.method}")
    requested = request_directives(request.fields)
    only_if_cached = mode == "only-if-cached" or "only-if-cached" in requested
    if (mode == "no-store" or "no-store" in requested) and not only_if_cached:
        sent = bypassing(request) if mode == "no-store" else request
        return Forward(sent, request, "bypass", not_stored="no-store in the request")
    reason = request.unkeyed or _bypass_reason(request)
    if reason is not None:
        if only_if_cached:
            return Unsatisfiable("bypass", f"only-if-cached, but {reason}")
        return Forward(request, request, "bypass", not_stored=reason)
    matching = [stored for stored in candidates if matches(request, stored)]
    if mode == "reload":
        replaces = tuple(matching)
        return Forward(bypassing(request), request, "request", replaces=replaces, not_stored=unstorable_head(request))

    fwd: Fwd = "uri-miss" if not candidates else "miss" if matching else "vary-miss"
    current: StoredResponse | None = None
    fallback: StoredResponse | None = None
    for stored in matching:
        assessment = _assess(request, stored, requested, policy, now, mode)
        reuse = reused_as(request, stored, assessment.freshness) if assessment.usable else None
        if reuse is not None:
            if assessment.refresh:
                return replace(reuse, refresh=conditional_request(request, stored, matching, candidates, "stale", mode))
            return reuse
        if current is None and is_complete(stored):
            # Usable, and yet its content does not do: the request has a condition that it fails.
            current, fwd = stored, assessment.fwd or "request"
            if _may_stand_in(assessment, requested, policy):
                fallback = stored
        elif current is None:
            fwd = "partial"
    if only_if_cached:
        return Unsatisfiable(fwd, "only-if-cached, and no stored response may be used")
    return conditional_request(request, current, matching, candidates, fwd, mode, fallback)


def collapse(
    request: Request, candidates: Sequence[StoredResponse], policy: Policy, arrived: float, now: float
) -> Reuse | None:
    """Return a response that was fetched for an identical request while this one waited (RFC 9111 §4).

    It may be used however short its freshness: it was made after this request had `arrived`.
    """
    for stored in candidates:
        if stored.response_time >= arrived and matches(request, stored):
            return reused_as(request, stored, policy.freshness(stored, now))
    return None


@dataclass(frozen=True, slots=True)
class _Assessment:
    """How far a stored response may be used for a request."""

    freshness: Freshness
    directives: Directives
    #: Why the request is forwarded instead; None: the stored response may be used.
    fwd: Fwd | None = None
    #: Usable only while it is validated in the background.
    refresh: bool = False

    @property
    def usable(self) -> bool:
        return self.fwd is None


def _bypass_reason(request: Request) -> str | None:
    """Return why no stored response may answer a GET: it has content, or is the handshake of another protocol.

    Content of a GET has no meaning in HTTP (RFC 9110 §9.3.1), but to some servers it has one.
    """
    fields = request.fields
    if fields.get("content-length") not in (None, "0") or "transfer-encoding" in fields:
        return "content in the request"
    return "Upgrade in the request" if "upgrade" in fields else None


def _assess(
    request: Request, stored: StoredResponse, requested: Directives, policy: Policy, now: float, mode: Mode
) -> _Assessment:
    """Judge a stored response by its freshness and by the directives of both sides (RFC 9111 §4.2.4, §5.2)."""
    directives = response_directives(stored)
    freshness = policy.freshness(stored, now)
    ttl = freshness.ttl
    if request.must_validate:
        return _Assessment(freshness, directives, "request")
    if mode in ("force-cache", "only-if-cached"):
        return _Assessment(freshness, directives)
    if mode == "no-cache" or "no-cache" in requested:
        return _Assessment(freshness, directives, "request")
    if _always_validated(directives):
        return _Assessment(freshness, directives, "stale")
    if requested:
        max_age = parse_delta_seconds(requested.get("max-age"))
        if max_age is not None and freshness.age > max_age:
            return _Assessment(freshness, directives, "request")
        min_fresh = parse_delta_seconds(requested.get("min-fresh"))
        if min_fresh is not None and ttl < min_fresh:
            return _Assessment(freshness, directives, "request" if ttl > 0 else "stale")
    if ttl > 0:
        return _Assessment(freshness, directives)
    if "must-revalidate" not in directives:
        if "max-stale" in requested:
            limit = requested["max-stale"]
            if limit is None or -ttl <= (parse_delta_seconds(limit) or 0):
                return _Assessment(freshness, directives)
        window = parse_delta_seconds(directives.get("stale-while-revalidate"))
        if window is not None and -ttl < window and "max-age" not in requested:
            return _Assessment(freshness, directives, refresh=True)
    return _Assessment(freshness, directives, "stale")


def _may_stand_in(assessment: _Assessment, requested: Directives, policy: Policy) -> bool:
    """Whether a response may be served stale when the origin fails (RFC 9111 §4.2.4, RFC 5861 §4)."""
    directives = assessment.directives
    if "must-revalidate" in directives or _always_validated(directives):
        return False
    if assessment.fwd != "stale":
        return False  # the caller insisted on the origin
    limits = [requested.get("stale-if-error"), directives.get("stale-if-error")]
    stated = [seconds for limit in limits if (seconds := parse_delta_seconds(limit)) is not None]
    limit = max(stated) if stated else policy.stale_if_error
    return limit > 0 and -assessment.freshness.ttl <= limit


def _always_validated(directives: Directives) -> bool:
    """Whether `no-cache` without field names stands there (RFC 9111 §5.2.2.4)."""
    return "no-cache" in directives and directives["no-cache"] is None
