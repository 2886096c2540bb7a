"""Policy: the choices that RFC 9111 leaves to a private cache."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from condget.cache.freshness import (
    HEURISTICALLY_CACHEABLE,
    Freshness,
    current_age,
    explicit_lifetime,
    heuristic_lifetime,
    says_pragma_no_cache,
)
from condget.cache.messages import Response, StoredResponse
from condget.field_names import CREDENTIALS

#: How one request uses the cache, named as in the Fetch standard ("request cache mode").
Mode = Literal["default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"]
MODES: tuple[str, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True, init=False)
class Policy:
    """The choices of a cache. By default it reuses without a request only what the origin states to be fresh.

    Args:
        ttl: Freshness lifetime of responses whose origin states none. `no-store` and everything else that an origin
            does state is obeyed all the same. None: such responses are validated before each reuse.
        heuristic_fraction: Fraction of the time since Last-Modified, at most a week, for which a response whose origin
            states no lifetime is fresh (RFC 9111 §4.2.2). 0.1 is what browsers take.
        stale_if_error: How long past its freshness a stored response stands in for an origin that cannot be reached or
            answers 500, 502, 503 or 504. A `stale-if-error` of the origin or of the request comes first (RFC 5861 §4).
        max_content_length: Longest content that is stored, in bytes; None: an eighth of the size of the cache.
        cache_status: Whether every response gets a Cache-Status field (RFC 9211).
        credential_fields: Names of request fields, besides Authorization, that say who sends a request. Responses to
            different values of them never meet.

    Durations are seconds, or a `timedelta`.

    Raises:
        ValueError: a choice is out of range.
        TypeError: a choice is of another type.
    """

    ttl: float | None
    heuristic_fraction: float
    stale_if_error: float
    max_content_length: int | None
    cache_status: bool
    credential_fields: frozenset[str]

    def __init__(
        self,
        *,
        ttl: float | timedelta | None = None,
        heuristic_fraction: float = 0.0,
        stale_if_error: float | timedelta = 0.0,
        max_content_length: int | None = None,
        cache_status: bool = False,
        credential_fields: Iterable[str] = CREDENTIALS,
    ) -> None:
        if isinstance(credential_fields, str):
            raise TypeError("Policy(credential_fields=...) is a list of field names, not one string")
        choices = {
            "ttl": None if ttl is None else _seconds("ttl", ttl),
            "heuristic_fraction": heuristic_fraction,
            "stale_if_error": _seconds("stale_if_error", stale_if_error),
            "max_content_length": max_content_length,
            "cache_status": cache_status,
            "credential_fields": frozenset(name.lower() for name in credential_fields),
        }
        for name, choice in choices.items():
            object.__setattr__(self, name, choice)
        if not 0 <= heuristic_fraction <= 1:
            raise ValueError("Policy(heuristic_fraction=...) lies between 0 and 1")

    def freshness(self, response: Response | StoredResponse, now: float) -> Freshness:
        """Return the age and the lifetime of a response."""
        return Freshness(current_age(response, now), self.lifetime(response))

    def lifetime(self, response: Response | StoredResponse) -> float:
        """Return the freshness lifetime of a response in seconds (§4.2.1, §4.2.2)."""
        explicit = explicit_lifetime(response)
        if explicit is not None:
            return explicit
        if self.ttl is None:
            return heuristic_lifetime(response, self.heuristic_fraction)
        if response.status in HEURISTICALLY_CACHEABLE and not says_pragma_no_cache(response.fields):
            return self.ttl
        return 0.0


def _seconds(name: str, duration: float | timedelta) -> float:
    if isinstance(duration, timedelta):
        duration = duration.total_seconds()
    if isinstance(duration, bool) or not isinstance(duration, (int, float)):
        raise TypeError(f"Policy({name}=...) is a number of seconds or a timedelta, not {duration!r}")
    if not duration >= 0:
        raise ValueError(f"Policy({name}=...) is a number of seconds, 0 or more, not {duration!r}")
    return duration
