"""Validation (RFC 9111 §4.3): the conditional request to forward, and the stored response that a 304 confirms.

The caller's own conditions stay. Ours are added where the response shows which of them it answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from condget.cache.actions import Forward, Fwd
from condget.cache.fields import Fields
from condget.cache.freshening import selected
from condget.cache.messages import Request, Response, StoredResponse
from condget.cache.policy import Mode
from condget.cache.ranges import end_of, is_complete, strong_validator
from condget.cache.validators import (
    etag_of,
    is_conditional,
    last_modified_of,
    parse_etag_list,
    preconditions,
    same_tag,
)

#: Most variants whose entity tags are offered in one request.
MOST_VARIANTS = 16


def conditional_request(
    request: Request,
    current: StoredResponse | None,
    matching: Sequence[StoredResponse],
    candidates: Sequence[StoredResponse],
    fwd: Fwd,
    mode: Mode,
    fallback: StoredResponse | None = None,
) -> Forward:
    """Return the request to forward, made conditional on what is stored where that helps (RFC 9111 §4.3.1)."""

    def forward(fields: Fields, validates: tuple[StoredResponse, ...] = ()) -> Forward:
        sent = request if fields is request.fields else replace(request, fields=fields)
        return Forward(sent, request, fwd, validates, tuple(matching), fallback, not_stored=unstorable_head(request))

    fields = request.fields
    if mode == "no-cache" and "cache-control" not in fields:
        fields = fields.plus([("Cache-Control", "max-age=0")])
    if request.method == "HEAD" or "if-match" in fields or "if-unmodified-since" in fields:
        return forward(fields)
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
        return _completing(forward(fields), matching)
    joined = _joined(fields, pairs)
    return forward(fields) if joined is None else forward(joined, validates)


def _joined(fields: Fields, pairs: tuple[tuple[str, str], ...]) -> Fields | None:
    """Add preconditions to the caller's, overwriting none; None: a response would not show which of them it answers."""
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
    """Request only the rest where the first part is stored with a strong validator (RFC 9111 §3.3)."""
    fields = base.request.fields
    if "range" in fields or is_conditional(base.request):
        return base
    for stored in matching:
        validator = strong_validator(stored.fields)
        if stored.status == 206 and stored.first_byte == 0 and stored.complete_length and validator:
            rest = [("Range", f"bytes={end_of(stored)}-"), ("If-Range", validator)]
            return replace(
                base, request=replace(base.request, fields=fields.plus(rest)), fwd="partial", completes=stored
            )
    return base


def confirmed_by(forward: Forward, response: Response) -> StoredResponse | None:
    """Return the stored response that a 304 confirms, None where it confirms none of ours."""
    if not forward.validates:
        return None
    if "if-none-match" in forward.caller.fields:  # the 304 may mean one of the caller's tags
        etag = etag_of(response.fields)
        if etag is None:
            own = parse_etag_list(forward.caller.fields.get("if-none-match") or "")
            ours = [tag for stored in forward.validates if (tag := etag_of(stored.fields))]
            return forward.validates[0] if set(own) == set(ours) and len(ours) == 1 else None
        return next((s for s in forward.validates if same_tag(etag, etag_of(s.fields) or "")), None)
    return selected(forward.validates, response)


def bypassing(request: Request) -> Request:
    """Return the request with the fields that make caches on the way forward it."""
    if "cache-control" in request.fields:
        return request
    return replace(request, fields=request.fields.plus([("Cache-Control", "no-cache"), ("Pragma", "no-cache")]))


def unconditional(forward: Forward) -> Forward:
    """Return the request as the caller made it, without the preconditions of ours."""
    return replace(forward, request=forward.caller, validates=(), completes=None)


def unstorable_head(request: Request) -> str | None:
    """Return why the response to a HEAD is not stored; None for other methods."""
    return "method HEAD" if request.method == "HEAD" else None
