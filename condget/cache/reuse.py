"""The answer that a stored response gives to a request: the whole, a 304 for the caller's own condition, a 206 or a 416
for a range (RFC 9111 §4.3.2, RFC 9110 §13 and §14).
"""

from __future__ import annotations

from condget.cache.actions import Reuse
from condget.cache.dates import parse_date
from condget.cache.fields import Fields
from condget.cache.freshness import current_age, date_of
from condget.cache.messages import Request, StoredResponse
from condget.cache.policy import Policy
from condget.cache.preconditions import evaluate
from condget.cache.ranges import end_of, if_range_holds, is_complete, parse_range, resolve
from condget.cache.status import CacheStatus
from condget.cache.validators import etag_of, is_conditional, last_modified_of

#: Fields that a 304 made from a stored response carries (RFC 9110 §15.4.5).
_OF_A_304 = frozenset(
    {"age", "cache-control", "content-location", "date", "etag", "expires", "last-modified", "set-cookie", "vary"}
)

_CONTENT_FIELDS = ("content-length", "content-range", "content-type", "content-encoding", "content-md5")


def answer(request: Request, stored: StoredResponse, policy: Policy, now: float, status: CacheStatus) -> Reuse | None:
    age = current_age(stored, now)
    status.age = int(age)
    status.ttl = int(policy.lifetime(stored) - age)
    return represent(request, stored, age, status)


def represent(request: Request, stored: StoredResponse, age: float, status: CacheStatus) -> Reuse | None:
    """Answer a request with a stored response: whole, 304 for the caller's condition, 206 or 416 for a range."""
    fields = stored.fields.replaced("Age", str(int(age)))  # RFC 9111 §5.1
    length = stored.content_length or 0
    if not is_complete(stored):
        return _represent_part(request, stored, fields, status)
    if stored.status == 200 and is_conditional(request):
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


def _represent_part(request: Request, stored: StoredResponse, fields: Fields, status: CacheStatus) -> Reuse | None:
    wanted = parse_range(request.fields.get("range"))
    if stored.status != 206 or request.method != "GET" or wanted is None or not _range_applies(request, stored):
        return None
    if stored.complete_length is not None:
        span = resolve(wanted, stored.complete_length)
    else:
        first, last = wanted
        span = (first, last) if first is not None and last is not None else None
    if span is None or not (stored.first_byte <= span[0] and span[1] < end_of(stored)):
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
