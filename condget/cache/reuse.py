"""Reuse: the response that a stored response makes for a request. It is the whole, a 304 for the caller's own
condition, a 206 or a 416 for a range (RFC 9111 §4.3.2, RFC 9110 §13 and §14).
"""

from __future__ import annotations

from condget.cache.actions import Reuse
from condget.cache.dates import parse_date
from condget.cache.fields import Fields
from condget.cache.freshness import Freshness, date_of
from condget.cache.messages import Request, StoredResponse
from condget.cache.preconditions import evaluate
from condget.cache.ranges import end_of, if_range_holds, is_complete, parse_range, resolve
from condget.cache.validators import etag_of, is_conditional, last_modified_of

#: Fields that a 304 made from a stored response carries (RFC 9110 §15.4.5).
_OF_A_304 = frozenset(
    {"age", "cache-control", "content-location", "date", "etag", "expires", "last-modified", "set-cookie", "vary"}
)

_CONTENT_FIELDS = ("content-length", "content-range", "content-type", "content-encoding", "content-md5")


def reused_as(request: Request, stored: StoredResponse, freshness: Freshness) -> Reuse | None:
    """Return the response to a request that a stored response makes; None: its content does not suffice."""
    fields = stored.fields.replaced("Age", str(int(freshness.age)))  # RFC 9111 §5.1
    length = stored.content_length or 0
    if not is_complete(stored):
        return _part_reused(request, stored, fields, freshness)
    if stored.status == 200 and is_conditional(request):
        modified = last_modified_of(stored.fields)
        instant: float | str = modified if parse_date(modified or "") is not None else date_of(stored)  # type: ignore[assignment]
        verdict = evaluate(request.method, request.fields, etag_of(stored.fields), instant)
        if verdict == 304:
            kept = Fields(pair for pair in fields if pair[0].lower() in _OF_A_304)
            return Reuse(stored, 304, "Not Modified", kept, freshness)
        if verdict == 412:
            return None  # the origin is to say so
    if request.method == "HEAD":
        return Reuse(stored, stored.status, stored.reason_phrase, fields, freshness)
    if stored.status == 200 and "range" in request.fields and _range_applies(request, stored):
        requested = parse_range(request.fields.get("range"))
        if requested is not None:
            span = resolve(requested, length)
            if span is None:
                unsatisfied = fields.without(_CONTENT_FIELDS).plus(
                    [("Content-Range", f"bytes */{length}"), ("Content-Length", "0")]
                )
                return Reuse(stored, 416, "Range Not Satisfiable", unsatisfied, freshness)
            return _range_of(stored, fields, span, length, freshness)
    return Reuse(stored, stored.status, stored.reason_phrase, fields, freshness, 0, length)


def _part_reused(request: Request, stored: StoredResponse, fields: Fields, freshness: Freshness) -> Reuse | None:
    requested = parse_range(request.fields.get("range"))
    if stored.status != 206 or request.method != "GET" or requested is None or not _range_applies(request, stored):
        return None
    if stored.complete_length is not None:
        span = resolve(requested, stored.complete_length)
    else:
        first, last = requested
        span = (first, last) if first is not None and last is not None else None
    if span is None or not (stored.first_byte <= span[0] and span[1] < end_of(stored)):
        return None
    return _range_of(stored, fields, span, stored.complete_length, freshness)


def _range_of(
    stored: StoredResponse, fields: Fields, span: tuple[int, int], length: int | None, freshness: Freshness
) -> Reuse:
    first, last = span
    fields = fields.without(["content-length", "content-range"]).plus(
        [
            ("Content-Range", f"bytes {first}-{last}/{'*' if length is None else length}"),
            ("Content-Length", str(last - first + 1)),
        ]
    )
    start = first - stored.first_byte
    return Reuse(stored, 206, "Partial Content", fields, freshness, start, start + last - first + 1)


def _range_applies(request: Request, stored: StoredResponse) -> bool:
    condition = request.fields.first("if-range")
    return condition is None or if_range_holds(condition, stored.fields)
