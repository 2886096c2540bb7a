"""Messages as short literals, for tests of the pure core."""

from __future__ import annotations

import math

from condget.cache.dates import format_date
from condget.cache.fields import Fields
from condget.cache.messages import Request, StoredResponse
from condget.cache.policy import Policy
from condget.cache.vary import selecting_fields

#: All the reuse without a request that RFC 9111 allows: heuristic freshness as in browsers, any stale response.
BROWSER = Policy(heuristic_fraction=0.1, stale_if_error=math.inf)
#: When stored responses were received.
T = 1_000_000_000.0
URL = "http://a/"


def fields(text: str) -> Fields:
    """`A: 1 | B: 2` as fields."""
    lines = (line.strip().partition(":") for line in text.split("|") if line.strip())
    return Fields((name, value.strip()) for name, _, value in lines)


def get(text: str = "", method: str = "GET") -> Request:
    return Request(method, URL, fields(text))


def held(text: str, status: int = 200, asked: str = "", **more: int) -> StoredResponse:
    described = fields(text)
    selecting = (selecting_fields(get(asked), described),)
    return StoredResponse(
        URL,
        status,
        described,
        T,
        T,
        selecting=selecting,
        **{"content_length": 10, "id": 1, **more},  # type: ignore[arg-type]
    )


FRESH = "Cache-Control: max-age=60"
BOTH = f'{FRESH} | ETag: "a" | Last-Modified: {format_date(T - 1000)}'
VALIDATE = f'If-None-Match="a" If-Modified-Since={format_date(T - 1000)}'
