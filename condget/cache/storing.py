"""Storing (RFC 9111 §3): whether a response may be stored, and which of its fields are.

`why_not` gives the reason in words, for the `CacheStatus` of a response that was not stored.
"""

from __future__ import annotations

from condget.cache.directives import field_names, parse_cache_control
from condget.cache.fields import Fields
from condget.cache.freshness import HEURISTICALLY_CACHEABLE, response_directives
from condget.cache.messages import Request, Response, StoredResponse
from condget.cache.ranges import parse_content_range
from condget.cache.validators import has_validator
from condget.cache.vary import selecting_fields, varies_on_everything

#: Status codes whose caching requirements are implemented here (must-understand, RFC 9111 §5.2.2.3).
UNDERSTOOD = HEURISTICALLY_CACHEABLE | {302, 303, 307, 400, 401, 403, 500, 502, 503, 504}

#: Fields of one connection or one hop (RFC 9110 §7.6.1, RFC 9111 §3.1), and Set-Cookie, which reaches the caller
#: once, from the network.
NOT_STORED = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def why_not(request: Request, response: Response, lifetime: float) -> str | None:
    """Return why a response to GET must or need not be stored, or None where it may be (RFC 9111 §3).

    `lifetime` is its freshness lifetime in seconds, stated by the origin or granted by a policy.
    """
    directives = response_directives(response)
    status = response.status
    if "must-understand" in directives:
        if status not in UNDERSTOOD:
            return f"must-understand, and status {status} is not"
    elif "no-store" in directives:
        return "no-store in the response"
    if status < 200 or status == 304:
        return f"status {status} has no content of its own"
    if status == 206 and parse_content_range(response.fields.get("content-range")) is None:
        return "no single valid Content-Range"
    if status == 416:
        return "status 416 answers one range only"
    if not (
        status in HEURISTICALLY_CACHEABLE
        or lifetime > 0
        or not {"max-age", "public", "private"}.isdisjoint(directives)
        or "expires" in response.fields
    ):
        return f"status {status} without explicit freshness"
    if not has_validator(response.fields):
        if varies_on_everything(response.fields):
            return "Vary: * without a validator"
        if lifetime <= 0:
            return "neither fresh nor with a validator"
    return None


def storable_fields(fields: Fields) -> Fields:
    """Return the fields that are stored: less those of the connection and those that no-cache="..." names."""
    unvalidated = parse_cache_control(fields.all("cache-control")).get("no-cache")
    named = field_names(fields.get("connection")) | field_names(unvalidated)
    dropped = NOT_STORED | named if named else NOT_STORED
    return fields.without(dropped) if fields.has_any(dropped) else fields


def to_stored(
    request: Request, response: Response, *, content_length: int | None = None, granted_lifetime: float = 0.0
) -> StoredResponse:
    """Return the stored form of a response; without a content length it is head only."""
    first_byte, complete_length = 0, None
    if response.status == 206:
        content_range = parse_content_range(response.fields.get("content-range"))
        if content_range is not None:
            first_byte, _, complete_length = content_range
    return StoredResponse(
        url=request.url,
        status=response.status,
        fields=storable_fields(response.fields),
        request_time=response.request_time,
        response_time=response.response_time,
        reason_phrase=response.reason_phrase,
        http_version=response.http_version,
        partition=request.partition,
        selecting=(selecting_fields(request, response.fields),),
        content_length=content_length,
        first_byte=first_byte,
        complete_length=complete_length,
        granted_lifetime=granted_lifetime,
    )
