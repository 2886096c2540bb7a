"""What should be done with a request (`decide`): reuse a stored response, forward it, or give up (RFC 9111 §4).

Takes values and `now`, returns a value. Its twin is `settling.settle`, asked when the origin has answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from condget.cache.actions import Forward, Reuse, Unsatisfiable
from condget.cache.conditional import bypassing, unstorable_head, validating
from condget.cache.directives import Directives, asked_directives, parse_delta_seconds
from condget.cache.freshness import current_age, response_directives
from condget.cache.messages import Request, StoredResponse
from condget.cache.policy import Mode, Policy
from condget.cache.ranges import is_complete
from condget.cache.reuse import answer, represent
from condget.cache.status import CacheStatus, Fwd
from condget.cache.vary import matches


def decide(
    request: Request, candidates: Sequence[StoredResponse], policy: Policy, now: float, mode: Mode = "default"
) -> Reuse | Forward | Unsatisfiable:
    """Return what is to be done with a request, given the stored responses of its URL (RFC 9111 §4)."""
    if request.method not in ("GET", "HEAD"):
        return Forward(request, request, "method", not_stored=f"method {request.method}")
    asked = asked_directives(request.fields)
    only_if_cached = mode == "only-if-cached" or "only-if-cached" in asked
    if (mode == "no-store" or "no-store" in asked) and not only_if_cached:
        sent = bypassing(request) if mode == "no-store" else request
        return Forward(sent, request, "bypass", not_stored="no-store in the request")
    if _has_content(request):  # it has no meaning that HTTP knows (RFC 9110 §9.3.1), but to some servers it has one
        if only_if_cached:
            return Unsatisfiable(CacheStatus(fwd="bypass", detail="only-if-cached, but the request has content"))
        return Forward(request, request, "bypass", not_stored="content in the request")
    matching = [stored for stored in candidates if matches(request, stored)]
    if mode == "reload":
        replaces = tuple(matching)
        return Forward(bypassing(request), request, "request", replaces=replaces, not_stored=unstorable_head(request))

    fwd: Fwd = "uri-miss" if not candidates else "miss" if matching else "vary-miss"
    current: StoredResponse | None = None
    fallback: StoredResponse | None = None
    for stored in matching:
        assessment = _assess(stored, asked, policy, now, mode)
        reuse = _reuse(request, stored, assessment) if assessment.usable or mode == "force-cache" else None
        if reuse is not None:
            if assessment.refresh:
                return replace(reuse, refresh=validating(request, stored, matching, candidates, "stale", mode))
            return reuse
        if current is None and is_complete(stored):
            current, fwd = stored, assessment.fwd
            if _may_stand_in(assessment, asked, policy):
                fallback = stored
        elif current is None:
            fwd = "partial"
    if only_if_cached:
        return Unsatisfiable(CacheStatus(fwd=fwd, detail="only-if-cached, and no stored response may be used"))
    return replace(validating(request, current, matching, candidates, fwd, mode), fallback=fallback)


def collapse(
    request: Request, candidates: Sequence[StoredResponse], policy: Policy, arrived: float, now: float
) -> Reuse | None:
    """Return a response that was fetched for an identical request while this one waited (RFC 9111 §4).

    It may be used however short its freshness: the origin made it after this request had `arrived`.
    """
    for stored in candidates:
        if stored.response_time >= arrived and matches(request, stored):
            status = CacheStatus(fwd="uri-miss", collapsed=True)
            return answer(request, stored, policy, now, status)
    return None


@dataclass(frozen=True, slots=True)
class _Assessment:
    """How far a stored response may be used for a request."""

    usable: bool
    #: Usable only while it is validated in the background.
    refresh: bool = False
    #: Why it is forwarded all the same; by default, since it fails a condition of the caller's.
    fwd: Fwd = "request"
    ttl: float = 0.0
    age: float = 0.0
    directives: Directives = field(default_factory=dict)


def _has_content(request: Request) -> bool:
    fields = request.fields
    return fields.get("content-length") not in (None, "0") or "transfer-encoding" in fields


def _assess(stored: StoredResponse, asked: Directives, policy: Policy, now: float, mode: Mode) -> _Assessment:
    """Judge a stored response by its freshness and by what both sides ask for (RFC 9111 §4.2.4, §5.2)."""
    directives = response_directives(stored)
    age = current_age(stored, now)
    ttl = policy.lifetime(stored) - age
    if mode in ("force-cache", "only-if-cached"):
        return _Assessment(True, ttl=ttl, age=age, directives=directives)
    fwd: Fwd | None = None
    if mode == "no-cache" or "no-cache" in asked:
        fwd = "request"
    elif "no-cache" in directives and directives["no-cache"] is None:
        fwd = "stale"
    if fwd is not None:
        return _Assessment(False, fwd=fwd, ttl=ttl, age=age, directives=directives)
    if asked:
        most = parse_delta_seconds(asked.get("max-age"))
        if most is not None and age > most:
            return _Assessment(False, fwd="request", ttl=ttl, age=age, directives=directives)
        least = parse_delta_seconds(asked.get("min-fresh"))
        if least is not None and ttl < least:
            return _Assessment(False, fwd="request" if ttl > 0 else "stale", ttl=ttl, age=age, directives=directives)
    if ttl > 0:
        return _Assessment(True, ttl=ttl, age=age, directives=directives)
    if "must-revalidate" not in directives:
        if "max-stale" in asked:
            limit = asked["max-stale"]
            if limit is None or -ttl <= (parse_delta_seconds(limit) or 0):
                return _Assessment(True, ttl=ttl, age=age, directives=directives)
        window = parse_delta_seconds(directives.get("stale-while-revalidate"))
        if window is not None and -ttl < window and "max-age" not in asked:
            return _Assessment(True, True, ttl=ttl, age=age, directives=directives)
    return _Assessment(False, fwd="stale", ttl=ttl, age=age, directives=directives)


def _may_stand_in(assessment: _Assessment, asked: Directives, policy: Policy) -> bool:
    """Whether a response may be served stale when the origin fails (RFC 9111 §4.2.4, RFC 5861 §4)."""
    directives = assessment.directives
    if "must-revalidate" in directives or ("no-cache" in directives and directives["no-cache"] is None):
        return False
    if assessment.fwd != "stale":
        return False  # the caller insisted on the origin
    limits = [asked.get("stale-if-error"), directives.get("stale-if-error")]
    stated = [seconds for limit in limits if (seconds := parse_delta_seconds(limit)) is not None]
    return -assessment.ttl <= (max(stated) if stated else policy.stale_if_error)


def _reuse(request: Request, stored: StoredResponse, assessment: _Assessment) -> Reuse | None:
    """Return the answer that a stored response gives, or None where its content does not suffice (a part)."""
    status = CacheStatus(hit=True, ttl=int(assessment.ttl), age=int(assessment.age))
    return represent(request, stored, assessment.age, status)
