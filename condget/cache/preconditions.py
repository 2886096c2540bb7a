"""The origin's half: name content with an entity tag, and evaluate a conditional request (RFC 9110 §13).

`evaluate` follows §13.2.2 step by step. Entity tags are compared as opaque text, so that malformed ones, unquoted or
doubly quoted, still match themselves.
"""

from __future__ import annotations

import hashlib
import math
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Literal

from condget.cache.dates import parse_date
from condget.cache.fields import Fields
from condget.cache.validators import parse_etag_list, strong_match, weak_match


def make_etag(content: bytes | str, *, weak: bool = False) -> str:
    """Return an entity tag for that content (`str` as UTF-8): equal for equal content, on every machine.

    A `weak` tag may stay while the content changes in ways that do not matter.

    >>> make_etag("<h1>Tag: all</h1>")
    '"31UAcdZtO62FALLjkMM8LA"'
    """
    if not isinstance(content, (bytes, bytearray, memoryview, str)):
        raise TypeError(f"make_etag takes bytes or a string, not {type(content).__name__}")
    data = content.encode() if isinstance(content, str) else content
    digest = urlsafe_b64encode(hashlib.sha256(data).digest()[:16]).rstrip(b"=").decode()
    return f'W/"{digest}"' if weak else f'"{digest}"'


def evaluate(
    method: str,
    fields: Fields | Mapping[str, str] | Iterable[tuple[str, str]],
    etag: str | None,
    last_modified: str | float | datetime | None,
) -> Literal[200, 304, 412]:
    """Return the status that the preconditions of a request lead to: 200 (perform the method), 304 or 412 (§13.2.2).

    `etag` and `last_modified` (an HTTP-date, POSIX seconds or a datetime with a time zone) are those of the current
    representation. Without either there is none, and `*` does not match. Invalid HTTP-dates are ignored, the resource's
    too.

    >>> evaluate("GET", {"If-None-Match": '"a", "b"'}, 'W/"b"', None)
    304
    >>> evaluate("PATCH", {"If-Match": '"a"'}, '"b"', None)
    412
    """
    if method in ("CONNECT", "OPTIONS", "TRACE"):  # they select no representation (§13.2.1)
        return 200
    conditions = _fields(fields)
    exists = etag is not None or last_modified is not None
    modified = _instant(last_modified)
    reads = method in ("GET", "HEAD")

    if (if_match := conditions.get("If-Match")) is not None:
        if not _lists(if_match, etag, exists, strong_match):
            return 412
    elif _later(modified, conditions.get("If-Unmodified-Since")) is True:
        return 412

    if (if_none_match := conditions.get("If-None-Match")) is not None:
        if _lists(if_none_match, etag, exists, weak_match):
            return 304 if reads else 412
    elif reads and _later(modified, conditions.get("If-Modified-Since")) is False:
        return 304
    return 200


def _fields(fields: Fields | Mapping[str, str] | Iterable[tuple[str, str]]) -> Fields:
    if isinstance(fields, Fields):
        return fields
    return Fields(fields.items() if isinstance(fields, Mapping) else fields)


def _lists(field: str, etag: str | None, exists: bool, match: Callable[[str, str], bool]) -> bool:
    """Whether an If-Match or If-None-Match field names the current representation."""
    field = field.strip(" \t")
    if field == "*":
        return exists
    if etag is None:
        return False
    # The field as a whole too: a malformed tag with commas, spaces or quotes in it came back as it was sent.
    return match(field, etag) or any(match(member, etag) for member in parse_etag_list(field))


def _later(modified: float | None, date: str | None) -> bool | None:
    """Whether the resource was modified after that date; None where either is not known."""
    instant = parse_date(date.strip(" \t")) if date is not None else None
    return None if modified is None or instant is None else modified > instant


def _instant(last_modified: str | float | datetime | None) -> float | None:
    if isinstance(last_modified, str):
        return parse_date(last_modified)
    if isinstance(last_modified, datetime):
        if last_modified.tzinfo is None:
            raise ValueError("evaluate(last_modified=...) takes a datetime with a time zone; this one has none")
        last_modified = last_modified.timestamp()
    # HTTP-dates have whole seconds: 12.7 was sent as 12, and comes back as 12.
    return None if last_modified is None else math.floor(last_modified)
