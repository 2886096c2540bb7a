"""The second question, `settle`: the meaning of a response for the caller, and for the store as writes.

RFC 9111 §3 (storing), §4.3.3 to §4.3.5 (304 and HEAD), §4.4 (invalidation), §3.4 (partial content), RFC 5861 §4.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urljoin, urlsplit, urlunsplit

from condget.cache.actions import Delete, Forward, Freshen, Invalidate, Save, Settlement, Write
from condget.cache.conditional import confirmed_by, unconditional
from condget.cache.directives import parse_delta_seconds, request_directives
from condget.cache.freshening import freshened, head_agrees, may_freshen
from condget.cache.freshness import explicit_lifetime
from condget.cache.messages import Response, StoredResponse
from condget.cache.policy import Policy
from condget.cache.ranges import end_of, is_complete, may_combine, parse_content_range, strong_validator
from condget.cache.reuse import reused_as
from condget.cache.storing import to_stored, why_not
from condget.cache.validators import is_conditional
from condget.cache.vary import selecting_fields
from condget.urls import origin_of

#: Methods that promise to change nothing (RFC 9110 §9.2.1 and the IANA registry); all others invalidate.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY"})

#: Status codes of an origin that fails: a stale response may stand in (RFC 5861 §4).
STAND_IN_STATUSES = frozenset({500, 502, 503, 504})

#: Most sets of selecting fields that one stored response is kept for.
MOST_SELECTING = 16


def settle(forward: Forward, response: Response, policy: Policy) -> Settlement:
    """Return what the origin's response to a forwarded request means (RFC 9111 §3, §4.3.3 to §4.3.5, §4.4)."""
    caller = forward.caller
    if caller.method not in ("GET", "HEAD"):
        return _settle_other_method(forward, response, policy)
    if response.status in STAND_IN_STATUSES:
        cause = f"the origin answered {response.status}"
        stand_in = settle_failure(forward, policy, response.response_time, cause)
        if stand_in is not None:
            return stand_in
    if caller.method == "HEAD":
        return _settle_head(forward, response)
    if response.status == 304:
        return _settle_not_modified(forward, response, policy)
    if forward.completes is not None:
        rest = parse_content_range(response.fields.get("content-range"))
        reaches_end = rest is not None and rest[1] + 1 == forward.completes.complete_length
        if response.status == 206 and reaches_end and may_combine(forward.completes, response):
            return _settle_completed(forward, forward.completes, response)
        if response.status in (206, 416):
            return Settlement(retry=unconditional(forward))

    freshness = policy.freshness(response, response.response_time)
    reason = forward.not_stored or why_not(caller, response, freshness.lifetime) or _too_long(response, policy)
    if reason is not None:
        # The response supersedes the stored ones, except where the origin only refuses or fails.
        superseded = forward.replaces if response.status < 400 or response.status in (404, 410) else ()
        deletes = (Delete(superseded),) if superseded and forward.not_stored is None else ()
        return Settlement(deletes, freshness=freshness, not_stored=reason)
    granted = freshness.lifetime if explicit_lifetime(response) is None else 0.0
    stored = to_stored(caller, response, granted_lifetime=granted)
    save = Save(stored, forward.replaces) if response.status != 206 else _save_part(forward, stored, response)
    return Settlement((save,), freshness=freshness)


def settle_failure(forward: Forward, policy: Policy, now: float, cause: str) -> Settlement | None:
    """Return a stale response that stands in for an origin that fails (RFC 9111 §4.2.4), or None."""
    stored = forward.fallback
    if stored is None:
        return None
    reuse = reused_as(forward.caller, stored, policy.freshness(stored, now))
    return None if reuse is None else Settlement(reuse=reuse, stale=f"stale, {cause}")


def _settle_other_method(forward: Forward, response: Response, policy: Policy) -> Settlement:
    request = forward.caller
    if request.method in SAFE_METHODS or not 200 <= response.status < 400:
        return Settlement(not_stored=forward.not_stored)
    urls = [request.url]
    for name in ("location", "content-location"):
        url = _of_same_origin(request.url, response.fields.first(name))
        if url is not None and url not in urls:
            urls.append(url)
    invalidate = Invalidate(tuple(urls))
    lifetime = explicit_lifetime(response) or 0.0
    get = replace(request, method="GET")
    if (
        request.method == "POST"
        and _of_same_origin(request.url, response.fields.first("content-location")) == request.url
        and lifetime > 0
        and response.status == 200
        and "no-store" not in request_directives(request.fields)
        and why_not(get, response, lifetime) is None
        and _too_long(response, policy) is None
    ):  # RFC 9110 §9.3.3
        return Settlement((invalidate, Save(to_stored(get, response))))
    return Settlement((invalidate,), not_stored=forward.not_stored)


def _settle_head(forward: Forward, response: Response) -> Settlement:
    """RFC 9111 §4.3.5: a HEAD freshens or invalidates what GETs stored."""
    writes: list[Write] = []
    for stored in forward.replaces if response.status == 200 else ():
        agrees = is_complete(stored) and head_agrees(stored, response)
        writes.append(Freshen(freshened(stored, response)) if agrees else Delete((stored,)))
    is_freshened = any(isinstance(write, Freshen) for write in writes)
    return Settlement(tuple(writes), not_stored=None if is_freshened else forward.not_stored)


def _settle_not_modified(forward: Forward, response: Response, policy: Policy) -> Settlement:
    caller = forward.caller
    stored = confirmed_by(forward, response)
    if stored is None:
        if forward.validates and not is_conditional(caller):
            return Settlement(retry=unconditional(forward))
        condition = "the caller's own condition" if is_conditional(caller) else "a condition that nobody set"
        return Settlement(not_stored=f"the 304 answers {condition}")
    writes: tuple[Write, ...] = ()
    if may_freshen(stored, response):
        stored = freshened(stored, response)
        selecting = selecting_fields(caller, stored.fields)
        if selecting not in stored.selecting:
            stored = replace(stored, selecting=(*stored.selecting, selecting)[-MOST_SELECTING:])
        writes = (Freshen(stored),)
    reuse = reused_as(caller, stored, policy.freshness(stored, response.response_time))
    if reuse is None:  # a range of a part that is not stored
        return Settlement(writes, retry=unconditional(forward))
    cookies = [("Set-Cookie", value) for value in response.fields.all("set-cookie")]
    if cookies:  # they reach the caller once, now
        reuse = replace(reuse, fields=reuse.fields.plus(cookies))
    return Settlement(writes, reuse, not_stored=None if writes else "the 304 carries another ETag")


def _settle_completed(forward: Forward, part: StoredResponse, response: Response) -> Settlement:
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
    save = Save(whole, forward.replaces, prefix=part)
    return Settlement((save,), completed=save)


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


def _too_long(response: Response, policy: Policy) -> str | None:
    declared = parse_delta_seconds(response.fields.first("content-length"))
    longest = policy.max_content_length
    if declared is not None and longest is not None and declared > longest:
        return f"longer than {longest} bytes"
    return None


def _of_same_origin(base: str, reference: str | None) -> str | None:
    """Resolve a URI reference, origin spelled as in `base`; None where it is invalid or of another origin."""
    if reference is None:
        return None
    try:
        url = urljoin(base, reference)
        if origin_of(url) != origin_of(base):
            return None
        own, target = urlsplit(base), urlsplit(url)
    except ValueError:  # a bad port or IPv6 address
        return None
    return urlunsplit((own.scheme, own.netloc, target.path or "/", target.query, ""))
