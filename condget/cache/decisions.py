"""The two questions of a cache: what should be done with this request (`decide`), and what does this response mean
(`settle`)? RFC 9111 §4 (reuse, validation, invalidation), RFC 5861 (stale), RFC 9110 §13 and §14 as a cache answers them.

Both take values and `now` and return values. What is to be written is returned as data: Save, Freshen, Delete,
Invalidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urldefrag, urljoin, urlsplit

from condget.cache.dates import parse_date
from condget.cache.directives import Directives, parse_cache_control, parse_delta_seconds
from condget.cache.fields import Fields
from condget.cache.freshening import freshened, head_agrees, selected
from condget.cache.freshness import current_age, date_of, explicit_lifetime, response_directives
from condget.cache.messages import Request, Response, StoredResponse
from condget.cache.policy import Mode, Policy
from condget.cache.preconditions import evaluate
from condget.cache.ranges import (
    if_range_holds,
    is_complete,
    may_combine,
    parse_content_range,
    parse_range,
    resolve,
    strong_validator,
)
from condget.cache.status import CacheStatus, Fwd
from condget.cache.storing import to_stored, why_not
from condget.cache.validators import etag_of, last_modified_of, parse_etag_list, preconditions, weak_match
from condget.cache.vary import matches, selecting_fields

#: Methods that promise to change nothing (RFC 9110 §9.2.1 and the IANA registry); all others invalidate.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY"})

#: Most variants whose entity tags are offered in one request, and most selecting field sets kept with a response.
MOST_VARIANTS = 16

#: Fields that a 304 made from a stored response carries (RFC 9110 §15.4.5).
_OF_A_304 = frozenset(
    {"age", "cache-control", "content-location", "date", "etag", "expires", "last-modified", "set-cookie", "vary"}
)


@dataclass(frozen=True, slots=True)
class Reuse:
    """Answer with a stored response: these fields, and the stored content from `start` up to `stop`."""

    stored: StoredResponse
    status_code: int
    reason_phrase: str
    fields: Fields
    status: CacheStatus
    start: int = 0
    stop: int = 0
    #: To be sent in the background meanwhile (stale-while-revalidate, RFC 5861 §3).
    refresh: Forward | None = None


@dataclass(frozen=True, slots=True)
class Forward:
    """Send `request` to the origin. `caller` is the request as it came."""

    request: Request
    caller: Request
    fwd: Fwd
    #: Stored responses that the preconditions of `request` validate.
    validates: tuple[StoredResponse, ...] = ()
    #: All stored responses that match the request; a complete new one takes their place.
    replaces: tuple[StoredResponse, ...] = ()
    #: May stand in if the origin fails.
    fallback: StoredResponse | None = None
    #: The stored first part of the content that `request` asks the rest of.
    completes: StoredResponse | None = None
    #: False: whatever comes is not stored, for this reason.
    not_stored: str | None = None


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """Only a stored response was wanted and none may be used: 504 (RFC 9111 §5.2.1.7)."""

    status: CacheStatus


@dataclass(frozen=True, slots=True)
class Save:
    """Store the response with its content once that is complete, behind the stored content of `prefix`."""

    stored: StoredResponse
    replaces: tuple[StoredResponse, ...] = ()
    prefix: StoredResponse | None = None


@dataclass(frozen=True, slots=True)
class Freshen:
    """Replace the head of a stored response."""

    stored: StoredResponse


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete stored responses that the origin showed to be out of date."""

    stored: tuple[StoredResponse, ...]


@dataclass(frozen=True, slots=True)
class Invalidate:
    """Delete whatever is stored for these URLs (RFC 9111 §4.4)."""

    urls: tuple[str, ...]


Write = Save | Freshen | Delete | Invalidate


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a response means: the caller gets `reuse`, or where it is None the response itself."""

    status: CacheStatus
    writes: tuple[Write, ...] = ()
    reuse: Reuse | None = None
    #: The origin's answer helps nobody: ask again, without preconditions.
    again: Forward | None = None
    #: The response is a 206 that completes this stored part: the caller gets 200 with these fields and both contents.
    completed: Save | None = None


@dataclass(frozen=True, slots=True)
class _Assessment:
    """How far a stored response may be used for a request."""

    usable: bool
    #: Usable only while it is validated in the background.
    refresh: bool = False
    fwd: Fwd = "stale"
    ttl: float = 0.0
    age: float = 0.0
    directives: Directives = field(default_factory=dict)


def decide(
    request: Request, candidates: Sequence[StoredResponse], policy: Policy, now: float, mode: Mode = "default"
) -> Reuse | Forward | Unsatisfiable:
    """Return what is to be done with a request, given the stored responses of its URL (RFC 9111 §4)."""
    if request.method not in ("GET", "HEAD"):
        return Forward(request, request, "method", not_stored=f"method {request.method}")
    asked = _asked(request)
    only_if_cached = mode == "only-if-cached" or "only-if-cached" in asked
    if (mode == "no-store" or "no-store" in asked) and not only_if_cached:
        sent = _bypassing(request) if mode == "no-store" else request
        return Forward(sent, request, "bypass", not_stored="no-store in the request")
    matching = [stored for stored in candidates if matches(request, stored)]
    if mode == "reload":
        replaces = tuple(matching)
        return Forward(_bypassing(request), request, "request", replaces=replaces, not_stored=_head(request))

    fwd: Fwd = "uri-miss" if not candidates else "miss" if matching else "vary-miss"
    current: StoredResponse | None = None
    fallback: StoredResponse | None = None
    for stored in matching:
        assessment = _assess(stored, asked, policy, now, mode)
        reuse = _reuse(request, stored, assessment) if assessment.usable or mode == "force-cache" else None
        if reuse is not None:
            if assessment.refresh:
                return replace(reuse, refresh=_validating(request, stored, matching, candidates, "stale", mode))
            return reuse
        if current is None and is_complete(stored):
            current, fwd = stored, assessment.fwd
            if _may_stand_in(assessment, asked, policy):
                fallback = stored
        elif current is None:
            fwd = "partial"
    if only_if_cached:
        return Unsatisfiable(CacheStatus(fwd=fwd, detail="only-if-cached, and no stored response may be used"))
    return replace(_validating(request, current, matching, candidates, fwd, mode), fallback=fallback)


def settle(forward: Forward, response: Response, policy: Policy) -> Settlement:
    """Return what the origin's response to a forwarded request means (RFC 9111 §3, §4.3.3 to §4.3.5, §4.4)."""
    caller = forward.caller
    status = CacheStatus(fwd=forward.fwd, fwd_status=response.status)
    now = response.response_time
    if caller.method not in ("GET", "HEAD"):
        return _settle_other_method(forward, response, policy, status)
    if response.status >= 500 and forward.fallback is not None:
        return _stand_in(
            forward, forward.fallback, policy, now, status, f"stale, the origin answered {response.status}"
        )
    if caller.method == "HEAD":
        return _settle_head(forward, response, status)
    if response.status == 304:
        return _settle_not_modified(forward, response, policy, status)
    if forward.completes is not None:
        if response.status == 206 and may_combine(forward.completes, response):
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
        value = response.fields.first(name)
        url = urldefrag(urljoin(request.url, value)).url if value is not None else request.url
        if url not in urls and _origin(url) == _origin(request.url):
            urls.append(url)
    writes: tuple[Write, ...] = (Invalidate(tuple(urls)),)
    location = response.fields.first("content-location")
    lifetime = explicit_lifetime(response) or 0.0
    get = replace(request, method="GET")
    if (
        request.method == "POST"
        and location is not None
        and urldefrag(urljoin(request.url, location)).url == request.url
        and lifetime > 0
        and response.status == 200
        and "no-store" not in _asked(request)
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
    stored = _validated(forward, response)
    if stored is None:
        if forward.validates and not _is_conditional(caller):
            return Settlement(status, again=ask_again(forward))
        status.detail = "not stored: the 304 answers the caller's own condition"
        return Settlement(status)
    stored = freshened(stored, response)
    selecting = selecting_fields(caller, stored.fields)
    if selecting not in stored.selecting:
        stored = replace(stored, selecting=(*stored.selecting, selecting)[-MOST_VARIANTS:])
    reuse = _answer(caller, stored, policy, response.response_time, status)
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
        or (old.status == 206 and stored.first_byte <= old.first_byte and _end(old) <= last + 1)
    )
    if prefix is None:
        return Save(stored, replaces)
    joined = replace(stored, first_byte=prefix.first_byte, selecting=prefix.selecting)
    if joined.first_byte == 0 and last + 1 == joined.complete_length:
        fields = joined.fields.without(["content-range", "content-length"])
        fields = fields.plus([("Content-Length", str(joined.complete_length))])
        joined = replace(joined, status=200, reason_phrase="OK", fields=fields, complete_length=None)
    return Save(joined, replaces, prefix=prefix)


def _asked(request: Request) -> Directives:
    lines = request.fields.all("cache-control")
    if lines:
        return parse_cache_control(lines)
    if "pragma" in request.fields:  # HTTP/1.0's way to say it (RFC 9111 §5.4)
        pragma = parse_cache_control(request.fields.all("pragma"))
        return {"no-cache": None} if "no-cache" in pragma else {}
    return {}


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
        if most is not None and age > most and not ("max-stale" in asked and ttl > 0 and most >= ttl + age):
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
    return _represent(request, stored, assessment.age, status)


def _answer(request: Request, stored: StoredResponse, policy: Policy, now: float, status: CacheStatus) -> Reuse | None:
    age = current_age(stored, now)
    status.age = int(age)
    status.ttl = int(policy.lifetime(stored) - age)
    return _represent(request, stored, age, status)


def _represent(request: Request, stored: StoredResponse, age: float, status: CacheStatus) -> Reuse | None:
    """Answer a request with a stored response: whole, 304 for the caller's condition, 206 or 416 for a range."""
    fields = stored.fields.replaced("Age", str(int(age)))  # RFC 9111 §5.1
    length = stored.content_length or 0
    if not is_complete(stored):
        return _represent_part(request, stored, fields, status)
    if stored.status == 200 and _is_conditional(request):
        modified = last_modified_of(stored.fields)
        instant: float | str = modified if parse_date(modified or "") is not None else date_of(stored)  # type: ignore[assignment]
        verdict = evaluate(request.method, request.fields, etag_of(stored.fields), instant)
        if verdict == 304:
            kept = Fields(pair for pair in fields if pair[0].lower() in _OF_A_304)
            return Reuse(stored, 304, "Not Modified", kept, status)
        if verdict == 412:
            return None  # the origin is to say so
    if request.method == "HEAD":
        return Reuse(stored, stored.status, stored.reason_phrase, fields, status)
    if stored.status == 200 and "range" in request.fields and _range_applies(request, stored):
        wanted = parse_range(request.fields.get("range"))
        if wanted is not None:
            span = resolve(wanted, length)
            if span is None:
                unsatisfied = fields.without(_CONTENT_FIELDS).plus(
                    [("Content-Range", f"bytes */{length}"), ("Content-Length", "0")]
                )
                return Reuse(stored, 416, "Range Not Satisfiable", unsatisfied, status)
            return _partial(stored, fields, span, length, status)
    return Reuse(stored, stored.status, stored.reason_phrase, fields, status, 0, length)


_CONTENT_FIELDS = ("content-length", "content-range", "content-type", "content-encoding", "content-md5")


def _represent_part(request: Request, stored: StoredResponse, fields: Fields, status: CacheStatus) -> Reuse | None:
    wanted = parse_range(request.fields.get("range"))
    if stored.status != 206 or request.method != "GET" or wanted is None or not _range_applies(request, stored):
        return None
    if stored.complete_length is not None:
        span = resolve(wanted, stored.complete_length)
    else:
        first, last = wanted
        span = (first, last) if first is not None and last is not None else None
    if span is None or not (stored.first_byte <= span[0] and span[1] < _end(stored)):
        return None
    return _partial(stored, fields, span, stored.complete_length, status)


def _partial(
    stored: StoredResponse, fields: Fields, span: tuple[int, int], length: int | None, status: CacheStatus
) -> Reuse:
    first, last = span
    fields = fields.without(["content-length", "content-range"]).plus(
        [
            ("Content-Range", f"bytes {first}-{last}/{'*' if length is None else length}"),
            ("Content-Length", str(last - first + 1)),
        ]
    )
    start = first - stored.first_byte
    return Reuse(stored, 206, "Partial Content", fields, status, start, start + last - first + 1)


def _range_applies(request: Request, stored: StoredResponse) -> bool:
    condition = request.fields.first("if-range")
    return condition is None or if_range_holds(condition, stored.fields)


def _end(stored: StoredResponse) -> int:
    return stored.first_byte + (stored.content_length or 0)


def _validating(
    request: Request,
    current: StoredResponse | None,
    matching: Sequence[StoredResponse],
    candidates: Sequence[StoredResponse],
    fwd: Fwd,
    mode: Mode,
) -> Forward:
    """Return the request to forward, made conditional on what is stored where that helps (RFC 9111 §4.3.1)."""
    base = Forward(request, request, fwd, replaces=tuple(matching), not_stored=_head(request))
    sent = request
    if mode == "no-cache" and "cache-control" not in request.fields:
        sent = replace(sent, fields=sent.fields.plus([("Cache-Control", "max-age=0")]))
    if request.method == "HEAD" or "if-match" in request.fields or "if-unmodified-since" in request.fields:
        return replace(base, request=sent)
    if current is not None and etag_of(current.fields) is None:
        validates: tuple[StoredResponse, ...] = (current,) if last_modified_of(current.fields) else ()
    else:
        first = () if current is None else (current,)
        others = tuple(
            stored for stored in candidates if stored is not current and is_complete(stored) and etag_of(stored.fields)
        )
        validates = (first + others)[:MOST_VARIANTS]
    pairs = preconditions(validates)
    if current is None:  # a date cannot tell variants apart
        pairs = tuple(pair for pair in pairs if pair[0] == "If-None-Match")
    if not validates:
        return _completing(replace(base, request=sent), matching)
    fields = _joined(sent.fields, pairs)
    if fields is None:
        return replace(base, request=sent)
    return replace(base, request=replace(sent, fields=fields), validates=validates)


def _joined(fields: Fields, pairs: tuple[tuple[str, str], ...]) -> Fields | None:
    """Add preconditions to those of the caller, overwriting none; None where they cannot be told apart afterwards."""
    own = fields.get("if-none-match")
    for name, value in pairs:
        if name == "If-None-Match" and own is not None:
            if own.strip() == "*":
                return None
            tags = parse_etag_list(own)
            more = [tag for tag in parse_etag_list(value) if tag not in tags]
            fields = fields.replaced(name, ", ".join(tags + more))
        elif name == "If-Modified-Since" and ("if-modified-since" in fields or own is not None):
            if len(pairs) == 1 and fields.get("if-modified-since") != value:
                return None
        else:
            fields = fields.plus([(name, value)])
    return fields


def _completing(base: Forward, matching: Sequence[StoredResponse]) -> Forward:
    """Ask only for the rest where the first part is stored with a strong validator (RFC 9111 §3.3)."""
    fields = base.request.fields
    if "range" in fields or _is_conditional(base.request):
        return base
    for stored in matching:
        validator = strong_validator(stored.fields)
        if stored.status == 206 and stored.first_byte == 0 and stored.complete_length and validator:
            rest = [("Range", f"bytes={_end(stored)}-"), ("If-Range", validator)]
            return replace(
                base, request=replace(base.request, fields=fields.plus(rest)), fwd="partial", completes=stored
            )
    return base


def _validated(forward: Forward, response: Response) -> StoredResponse | None:
    """Return the stored response that a 304 confirms, None where it confirms none of ours."""
    if not forward.validates:
        return None
    if "if-none-match" in forward.caller.fields:  # the 304 may mean one of the caller's tags
        etag = etag_of(response.fields)
        if etag is None:
            own = parse_etag_list(forward.caller.fields.get("if-none-match") or "")
            ours = [tag for stored in forward.validates if (tag := etag_of(stored.fields))]
            return forward.validates[0] if set(own) == set(ours) and len(ours) == 1 else None
        return next((s for s in forward.validates if weak_match(etag, etag_of(s.fields) or "")), None)
    return selected(forward.validates, response)


def _stand_in(
    forward: Forward, stored: StoredResponse, policy: Policy, now: float, status: CacheStatus, detail: str
) -> Settlement:
    status.detail = detail
    return Settlement(status, reuse=_answer(forward.caller, stored, policy, now, status))


def ask_again(forward: Forward) -> Forward:
    """Return the same request without anything that was added to it."""
    return replace(forward, request=forward.caller, validates=(), completes=None)


def _bypassing(request: Request) -> Request:
    if "cache-control" in request.fields:
        return request
    return replace(request, fields=request.fields.plus([("Cache-Control", "no-cache"), ("Pragma", "no-cache")]))


def _head(request: Request) -> str | None:
    return "method HEAD" if request.method == "HEAD" else None


def _too_long(response: Response, policy: Policy) -> str | None:
    declared = parse_delta_seconds(response.fields.first("content-length"))
    if declared is not None and declared > policy.max_content_length:
        return f"longer than {policy.max_content_length} bytes"
    return None


def _is_conditional(request: Request) -> bool:
    fields = request.fields
    return (
        "if-none-match" in fields
        or "if-modified-since" in fields
        or "if-match" in fields
        or "if-unmodified-since" in fields
    )


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    return parts.scheme, parts.hostname, port or {"http": 80, "https": 443}.get(parts.scheme)


def collapse(
    request: Request, candidates: Sequence[StoredResponse], policy: Policy, arrived: float, now: float
) -> Reuse | None:
    """Return a response that was fetched for an identical request while this one waited (RFC 9111 §4).

    It may be used however short its freshness: the origin made it after this request had `arrived`.
    """
    for stored in candidates:
        if stored.response_time >= arrived and matches(request, stored):
            status = CacheStatus(fwd="uri-miss", collapsed=True)
            return _answer(request, stored, policy, now, status)
    return None
