"""What a response means (`settle`): what the caller gets, and what is written, returned as data.

RFC 9111 §3 (storing), §4.3.3 to §4.3.5 (304 and HEAD), §4.4 (invalidation), §3.4 (partial content), RFC 5861 §4.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from condget.cache.actions import Delete, Forward, Freshen, Invalidate, Save, Settlement, Write
from condget.cache.conditional import ask_again, validated_by
from condget.cache.directives import asked_directives, parse_delta_seconds
from condget.cache.freshening import freshened, head_agrees
from condget.cache.freshness import current_age, explicit_lifetime
from condget.cache.messages import Response, StoredResponse
from condget.cache.policy import Policy
from condget.cache.ranges import end_of, is_complete, may_combine, parse_content_range, strong_validator
from condget.cache.reuse import answer
from condget.cache.status import CacheStatus
from condget.cache.storing import to_stored, why_not
from condget.cache.validators import is_conditional
from condget.cache.vary import selecting_fields

#: Methods that promise to change nothing (RFC 9110 §9.2.1 and the IANA registry); all others invalidate.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY"})

#: Most sets of selecting fields that one stored response is kept for.
MOST_SELECTING = 16


def settle(forward: Forward, response: Response, policy: Policy) -> Settlement:
    """Return what the origin's response to a forwarded request means (RFC 9111 §3, §4.3.3 to §4.3.5, §4.4)."""
    caller = forward.caller
    status = CacheStatus(fwd=forward.fwd, fwd_status=response.status)
    now = response.response_time
    if caller.method not in ("GET", "HEAD"):
        return _settle_other_method(forward, response, policy, status)
    if response.status >= 500 and forward.fallback is not None:
        detail = f"stale, the origin answered {response.status}"
        settlement = _stand_in(forward, forward.fallback, policy, now, replace(status), detail)
        if settlement.reuse is not None:
            return settlement
    if caller.method == "HEAD":
        return _settle_head(forward, response, status)
    if response.status == 304:
        return _settle_not_modified(forward, response, policy, status)
    if forward.completes is not None:
        rest = parse_content_range(response.fields.get("content-range"))
        reaches_end = rest is not None and rest[1] + 1 == forward.completes.complete_length
        if response.status == 206 and reaches_end and may_combine(forward.completes, response):
            return _settle_completed(forward, forward.completes, response, status)
        if response.status in (206, 416):
            return Settlement(status, again=ask_again(forward))

    lifetime = policy.lifetime(response)
    status.age = int(current_age(response, now))
    status.ttl = int(lifetime - status.age)
    reason = forward.not_stored or why_not(caller, response, lifetime) or _too_long(response, policy)
    if reason is not None:
        status.detail = f"not stored: {reason}"
        # What the origin says now supersedes what was stored, except where it only refuses or fails.
        superseded = forward.replaces if response.status < 400 or response.status in (404, 410) else ()
        return Settlement(status, (Delete(superseded),) if superseded and forward.not_stored is None else ())
    stored = to_stored(caller, response)
    status.stored = True
    if response.status != 206:
        return Settlement(status, (Save(stored, forward.replaces),))
    return Settlement(status, (_save_part(forward, stored, response),))


def settle_failure(forward: Forward, policy: Policy, now: float, cause: str) -> Settlement | None:
    """Return a stale response that stands in for an origin that cannot be reached (RFC 9111 §4.2.4), or None."""
    if forward.fallback is None:
        return None
    status = CacheStatus(fwd=forward.fwd)
    return _stand_in(forward, forward.fallback, policy, now, status, f"stale, {cause}")


def _settle_other_method(forward: Forward, response: Response, policy: Policy, status: CacheStatus) -> Settlement:
    request = forward.caller
    status.detail = f"not stored: {forward.not_stored}"
    if request.method in SAFE_METHODS or not 200 <= response.status < 400:
        return Settlement(status)
    urls = [request.url]
    for name in ("location", "content-location"):
        url = _of_same_origin(request.url, response.fields.first(name))
        if url is not None and url not in urls:
            urls.append(url)
    writes: tuple[Write, ...] = (Invalidate(tuple(urls)),)
    lifetime = explicit_lifetime(response) or 0.0
    get = replace(request, method="GET")
    if (
        request.method == "POST"
        and _of_same_origin(request.url, response.fields.first("content-location")) == request.url
        and lifetime > 0
        and response.status == 200
        and "no-store" not in asked_directives(request.fields)
        and why_not(get, response, lifetime) is None
        and _too_long(response, policy) is None
    ):  # RFC 9110 §9.3.3
        status.stored, status.detail = True, None
        writes += (Save(to_stored(get, response)),)
    return Settlement(status, writes)


def _settle_head(forward: Forward, response: Response, status: CacheStatus) -> Settlement:
    """RFC 9111 §4.3.5: a HEAD freshens or invalidates what GETs stored."""
    status.detail = "not stored: method HEAD"
    if response.status != 200 or not forward.replaces:
        return Settlement(status)
    writes: list[Write] = []
    for stored in forward.replaces:
        agrees = is_complete(stored) and head_agrees(stored, response)
        writes.append(Freshen(freshened(stored, response)) if agrees else Delete((stored,)))
    status.stored = any(isinstance(write, Freshen) for write in writes)
    status.detail = None if status.stored else status.detail
    return Settlement(status, tuple(writes))


def _settle_not_modified(forward: Forward, response: Response, policy: Policy, status: CacheStatus) -> Settlement:
    caller = forward.caller
    stored = validated_by(forward, response)
    if stored is None:
        if forward.validates and not is_conditional(caller):
            return Settlement(status, again=ask_again(forward))
        asked = "the caller's own condition" if is_conditional(caller) else "a condition that nobody set"
        status.detail = f"not stored: the 304 answers {asked}"
        return Settlement(status)
    stored = freshened(stored, response)
    selecting = selecting_fields(caller, stored.fields)
    if selecting not in stored.selecting:
        stored = replace(stored, selecting=(*stored.selecting, selecting)[-MOST_SELECTING:])
    reuse = answer(caller, stored, policy, response.response_time, status)
    if reuse is None:  # a range of a part that is not stored
        return Settlement(status, (Freshen(stored),), again=ask_again(forward))
    cookies = [("Set-Cookie", value) for value in response.fields.all("set-cookie")]
    if cookies:  # they reach the caller once, now
        reuse = replace(reuse, fields=reuse.fields.plus(cookies))
    if forward.not_stored is not None:
        return Settlement(status, reuse=reuse)
    status.stored = True
    return Settlement(status, (Freshen(stored),), reuse)


def _settle_completed(forward: Forward, part: StoredResponse, response: Response, status: CacheStatus) -> Settlement:
    """RFC 9111 §3.4: the stored part and the rest that arrives make one complete response."""
    fields = freshened(part, response).fields.without(["content-range", "content-length"])
    length = part.complete_length
    if length is not None:
        fields = fields.plus([("Content-Length", str(length))])
    whole = replace(
        to_stored(forward.caller, replace(response, status=200, fields=fields)),
        reason_phrase="OK",
        complete_length=None,
    )
    status.stored = True
    save = Save(whole, forward.replaces, prefix=part)
    return Settlement(status, (save,), completed=save)


def _save_part(forward: Forward, stored: StoredResponse, response: Response) -> Save:
    """Store a 206: joined to the part that ends where it begins, in place of the parts it covers or contradicts."""
    part = parse_content_range(response.fields.get("content-range"))
    last = part[1] if part is not None else 0
    validator = strong_validator(stored.fields)
    prefix = next((old for old in forward.replaces if old.status == 206 and may_combine(old, response)), None)
    replaces = tuple(
        old
        for old in forward.replaces
        if old is prefix
        or strong_validator(old.fields) != validator
        or (old.status == 206 and stored.first_byte <= old.first_byte and end_of(old) <= last + 1)
    )
    if prefix is None:
        return Save(stored, replaces)
    joined = replace(stored, first_byte=prefix.first_byte, selecting=prefix.selecting)
    if joined.first_byte == 0 and last + 1 == joined.complete_length:
        fields = joined.fields.without(["content-range", "content-length"])
        fields = fields.plus([("Content-Length", str(joined.complete_length))])
        joined = replace(joined, status=200, reason_phrase="OK", fields=fields, complete_length=None)
    return Save(joined, replaces, prefix=prefix)


def _stand_in(
    forward: Forward, stored: StoredResponse, policy: Policy, now: float, status: CacheStatus, detail: str
) -> Settlement:
    status.detail = detail
    return Settlement(status, reuse=answer(forward.caller, stored, policy, now, status))


def _too_long(response: Response, policy: Policy) -> str | None:
    declared = parse_delta_seconds(response.fields.first("content-length"))
    if declared is not None and declared > policy.max_content_length:
        return f"longer than {policy.max_content_length} bytes"
    return None


def _of_same_origin(base: str, reference: str | None) -> str | None:
    """Resolve a URI reference, origin spelled as in `base`; None where it is invalid or of another origin."""
    if reference is None:
        return None
    try:
        own, target = urlsplit(base), urlsplit(urljoin(base, reference))
        same = _origin(own) == _origin(target)
    except ValueError:  # a bad port or IPv6 address
        return None
    return urlunsplit((own.scheme, own.netloc, target.path or "/", target.query, "")) if same else None


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
