"""Freshness (RFC 9111 §4.2): the current age of a response and its freshness lifetime, stated or heuristic."""

from __future__ import annotations

from dataclasses import dataclass

from condget.cache.dates import parse_date
from condget.cache.directives import Directives, parse_cache_control, parse_delta_seconds, split_list
from condget.cache.fields import Fields
from condget.cache.messages import Response, StoredResponse

#: Fields by which an origin states how long a response is fresh (RFC 9111 §4.2.1).
FRESHNESS_FIELDS = frozenset({"cache-control", "expires"})

#: Status codes that may be given a heuristic lifetime (RFC 9110 §15.1).
HEURISTICALLY_CACHEABLE = frozenset({200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501})

#: Longest heuristic lifetime in seconds: RFC 9111 §4.2.2 sets no limit, and nothing warns of a longer one any more.
HEURISTIC_MAXIMUM = 7 * 86400.0


@dataclass(frozen=True, slots=True)
class Freshness:
    """The current age and the freshness lifetime of a response at one instant, in seconds."""

    age: float
    lifetime: float

    @property
    def ttl(self) -> float:
        """The remaining lifetime, negative when stale."""
        return self.lifetime - self.age


def date_of(response: Response | StoredResponse) -> float:
    """Return the instant of generation; an absent or invalid Date counts as the time of receipt (RFC 9110 §6.6.1)."""
    instant = parse_date(response.fields.first("date") or "")
    return response.response_time if instant is None else instant


def age_value(fields: Fields) -> int:
    """Return the Age of a response: the first member of the first line; an invalid one is ignored (RFC 9111 §5.1)."""
    value = fields.first("age")
    members = split_list(value) if value else []
    return (parse_delta_seconds(members[0]) if members else None) or 0


def current_age(response: Response | StoredResponse, now: float) -> float:
    """Return the corrected age in seconds (RFC 9111 §4.2.3). A clock that was set back makes nothing younger than 0."""
    apparent_age = max(0.0, response.response_time - date_of(response))
    response_delay = max(0.0, response.response_time - response.request_time)
    corrected_initial_age = max(apparent_age, age_value(response.fields) + response_delay)
    return corrected_initial_age + max(0.0, now - response.response_time)


def explicit_lifetime(response: Response | StoredResponse) -> float | None:
    """Return the freshness lifetime in seconds that the origin states (RFC 9111 §4.2.1), or None where it states none.

    An invalid or repeated max-age or Expires means stale: 0.
    """
    fields = response.fields
    directives = parse_cache_control(fields.all("cache-control"))
    if "max-age" in directives:
        return parse_delta_seconds(directives["max-age"]) or 0
    expires = fields.all("expires")
    if not expires:
        return None
    instant = parse_date(expires[0]) if len(expires) == 1 else None
    return 0.0 if instant is None else max(0.0, instant - date_of(response))


def heuristic_lifetime(response: Response | StoredResponse, fraction: float) -> float:
    """Return a lifetime in seconds for a response whose origin states none (RFC 9111 §4.2.2).

    0 without a Last-Modified, for status codes that are not heuristically cacheable unless `public` says so, and for
    HTTP/1.0 origins that say `Pragma: no-cache`.
    """
    if not fraction:
        return 0.0
    fields = response.fields
    directives = parse_cache_control(fields.all("cache-control"))
    if response.status not in HEURISTICALLY_CACHEABLE and "public" not in directives:
        return 0.0
    if says_pragma_no_cache(fields):
        return 0.0
    modified = parse_date(fields.first("last-modified") or "")
    if modified is None:
        return 0.0
    return min(max(0.0, date_of(response) - modified) * fraction, HEURISTIC_MAXIMUM)


def says_pragma_no_cache(fields: Fields) -> bool:
    """Whether `Pragma: no-cache` stands there and Cache-Control, which overrides it, does not (RFC 9111 §5.4)."""
    if "pragma" not in fields or "cache-control" in fields:
        return False
    return "no-cache" in parse_cache_control(fields.all("pragma"))


def response_directives(response: Response | StoredResponse) -> Directives:
    return parse_cache_control(response.fields.all("cache-control"))
