"""Cache-Control and its like: lists of directives (RFC 9111 §5.2, RFC 9110 §5.6), and delta-seconds (RFC 9111 §1.2.2).

Names compare without case; an argument may be a token or a quoted string; the first of repeated directives counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from condget.cache.fields import Fields

Directives = Mapping[str, str | None]

#: RFC 9111 §1.2.2: a cache that cannot represent a larger number uses this one.
MAX_DELTA_SECONDS = 2**31

_MEMBER = re.compile(r'(?:"(?:[^"\\]|\\.)*"?|[^",])+')
_ESCAPED = re.compile(r"\\(.)")


def split_list(text: str) -> list[str]:
    """Return the members of a comma-separated list, less white space and empty members (RFC 9110 §5.6.1).

    Commas inside quoted strings do not separate.
    """
    if '"' not in text:
        return [stripped for member in text.split(",") if (stripped := member.strip())]
    return [stripped for member in _MEMBER.findall(text) if (stripped := member.strip())]


def parse_cache_control(lines: list[str]) -> Directives:
    """Return the directives of all Cache-Control lines of a message, names in lower case.

    >>> dict(parse_cache_control(['Max-Age="60", no-cache', "private"]))
    {'max-age': '60', 'no-cache': None, 'private': None}
    """
    return _parse(lines[0] if len(lines) == 1 else ", ".join(lines))


@lru_cache(maxsize=1024)
def _parse(text: str) -> Directives:
    directives: dict[str, str | None] = {}
    for member in split_list(text):
        name, equals, argument = member.partition("=")
        if equals and len(argument) > 1 and argument[0] == argument[-1] == '"':
            argument = _ESCAPED.sub(r"\1", argument[1:-1])
        directives.setdefault(name.lower(), argument if equals else None)
    return MappingProxyType(directives)


def parse_delta_seconds(text: str | None) -> int | None:
    """Return a number of seconds, at most `MAX_DELTA_SECONDS`, or None where the text is anything but digits.

    >>> parse_delta_seconds("99999999999999999999")
    2147483648
    >>> parse_delta_seconds("-1") is None
    True
    """
    if text is None or not text.isascii() or not text.isdigit():
        return None
    return MAX_DELTA_SECONDS if len(text.lstrip("0")) > 10 else min(int(text), MAX_DELTA_SECONDS)


@lru_cache(maxsize=1024)
def field_names(argument: str | None) -> frozenset[str]:
    """Return the field names that `no-cache="..."`, `private="..."`, Connection or Vary list, in lower case."""
    return frozenset(name.lower() for name in split_list(argument or ""))


def request_directives(fields: Fields) -> Directives:
    """Return the directives of a request; HTTP/1.0's `Pragma: no-cache` counts (RFC 9111 §5.4)."""
    lines = fields.all("cache-control")
    if lines:
        return parse_cache_control(lines)
    if "pragma" in fields:
        pragma = parse_cache_control(fields.all("pragma"))
        return {"no-cache": None} if "no-cache" in pragma else {}
    return {}
