"""Policy: the choices that RFC 9111 leaves to a private cache."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from condget.cache.freshness import (
    HEURISTIC_FRACTION,
    HEURISTICALLY_CACHEABLE,
    Freshness,
    current_age,
    explicit_lifetime,
    heuristic_lifetime,
    says_pragma_no_cache,
)
from condget.cache.messages import Response, StoredResponse

#: How one request uses the cache, named as in the Fetch standard ("request cache mode").
Mode = Literal["default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"]
MODES: tuple[str, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a cache may choose. The defaults follow RFC 9111 for a private cache."""

    #: Freshness lifetime in seconds of responses whose origin states none; None: the heuristic of §4.2.2.
    #: `no-store` and everything else that an origin does state is obeyed all the same.
    ttl: float | None = None
    #: Fraction of the time since Last-Modified that the heuristic grants (§4.2.2); 0 switches it off.
    heuristic_fraction: float = HEURISTIC_FRACTION
    #: How long, in seconds past freshness, a stored response stands in for an origin that fails (§4.2.4, RFC 5861 §4),
    #: where the origin does not say itself; 0 switches it off.
    stale_if_error: float = math.inf
    #: Longest content in bytes that is stored.
    max_content_length: int = 4 * 1024**3
    #: Add a Cache-Status field (RFC 9211) to every response.
    cache_status: bool = False

    def __post_init__(self) -> None:
        if self.ttl is not None and self.ttl < 0:
            raise ValueError("Policy(ttl=...) is a number of seconds, 0 or more")
        if not 0 <= self.heuristic_fraction <= 1:
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
