"""How long a stored response is of any use: what a store may delete without being asked.

A fresh response answers requests; a stale one that can be validated saves its content; a stale one without a validator
stands in for an origin that fails, if anything (RFC 9111 §4.2.4, RFC 5861).
"""

from __future__ import annotations

from condget.cache.directives import parse_delta_seconds
from condget.cache.freshness import current_age, explicit_lifetime, response_directives
from condget.cache.messages import StoredResponse
from condget.cache.validators import has_validator

DAY = 86_400.0
#: Seconds for which a stale response that can be validated is kept.
VALIDATED_FOR = 30 * DAY
#: Seconds for which any stale response is kept: policies and requests may allow it to stand in for a failing origin.
STALE_FOR = DAY
#: Longest time in seconds for which anything is kept, unless it is freshened.
LONGEST = 400 * DAY


def useless_from(stored: StoredResponse) -> float | None:
    """Return when a response without a validator stops being fresh; None: it can be validated."""
    return None if has_validator(stored.fields) else stored.response_time + _fresh_for(stored)


def kept_for(stored: StoredResponse) -> float:
    """Return for how many seconds from its receipt a response may be of use to anybody.

    >>> from condget.cache.fields import Fields
    >>> kept_for(StoredResponse("http://a/", 200, Fields([("Cache-Control", "max-age=60")]), 0, 0)) / DAY
    1.0006944444444446
    """
    directives = response_directives(stored)
    windows = (parse_delta_seconds(directives.get(name)) for name in ("stale-while-revalidate", "stale-if-error"))
    stale = max(VALIDATED_FOR if has_validator(stored.fields) else STALE_FOR, *(window or 0 for window in windows))
    return min(max(0.0, _fresh_for(stored)) + stale, LONGEST)


def _fresh_for(stored: StoredResponse) -> float:
    stated = explicit_lifetime(stored)
    lifetime = stored.granted_lifetime if stated is None else stated
    return lifetime - current_age(stored, stored.response_time)
