"""Byte ranges (RFC 9110 §14, RFC 9111 §3.3 and §3.4): parsing, selecting from stored content, combining parts."""

from __future__ import annotations

import re

from condget.cache.dates import parse_date
from condget.cache.fields import Fields
from condget.cache.messages import Response, StoredResponse
from condget.cache.validators import etag_of, is_strong_last_modified, last_modified_of, strong_match

_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.ASCII | re.IGNORECASE)
_RANGE = re.compile(r"bytes\s*=\s*(\d{0,19})-(\d{0,19})", re.ASCII | re.IGNORECASE)


def parse_content_range(text: str | None) -> tuple[int, int, int | None] | None:
    """Return (first, last, complete length or None) of a valid Content-Range in bytes (RFC 9110 §14.4)."""
    match = _CONTENT_RANGE.fullmatch((text or "").strip())
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])
    complete = None if match[3] == "*" else int(match[3])
    if last < first or (complete is not None and last >= complete):
        return None
    return first, last, complete


def parse_range(text: str | None) -> tuple[int | None, int | None] | None:
    """Return (first, last) of a Range with a single byte range; (None, n) for the last n bytes.

    None for several ranges, other units and invalid ones: a server may ignore those (RFC 9110 §14.2).
    """
    match = _RANGE.fullmatch((text or "").strip())
    if match is None or not (match[1] or match[2]):
        return None
    first = int(match[1]) if match[1] else None
    last = int(match[2]) if match[2] else None
    if first is not None and last is not None and last < first:
        return None
    return first, last


def resolve(wanted: tuple[int | None, int | None], length: int) -> tuple[int, int] | None:
    """Return the first and last position that a range means in content of that length; None: not satisfiable (416).

    >>> resolve((None, 5), 20)
    (15, 19)
    >>> resolve((20, None), 20) is None
    True
    """
    first, last = wanted
    if first is None:
        suffix = last or 0
        return (max(0, length - suffix), length - 1) if suffix and length else None
    if first >= length:
        return None
    return first, length - 1 if last is None else min(last, length - 1)


def is_complete(stored: StoredResponse) -> bool:
    """Whether the whole content is stored."""
    return stored.status != 206 and stored.content_length is not None and stored.complete_length is None


def if_range_holds(condition: str, fields: Fields) -> bool:
    """Evaluate If-Range against a stored response (RFC 9110 §13.1.5): strong validators only, dates exactly."""
    condition = condition.strip()
    if condition.startswith(('"', "W/")) or parse_date(condition) is None:
        etag = etag_of(fields)
        return etag is not None and strong_match(condition, etag)
    return condition == last_modified_of(fields) and is_strong_last_modified(fields)


def strong_validator(fields: Fields) -> str | None:
    """Return a value for If-Range: a strong ETag, else a Last-Modified that is strong (RFC 9110 §13.1.5)."""
    etag = etag_of(fields)
    if etag is not None:
        return etag if strong_match(etag, etag) else None
    return last_modified_of(fields) if is_strong_last_modified(fields) else None


def may_combine(stored: StoredResponse, response: Response) -> bool:
    """Whether a 206 continues the stored part without a gap (RFC 9111 §3.4: the same strong validator)."""
    part = parse_content_range(response.fields.get("content-range"))
    if part is None or stored.content_length is None:
        return False
    validator = strong_validator(stored.fields)
    return (
        validator is not None
        and validator == strong_validator(response.fields)
        and part[0] == stored.first_byte + stored.content_length
        and part[2] in (None, stored.complete_length)
    )


def end_of(stored: StoredResponse) -> int:
    """Return the position behind the last stored byte."""
    return stored.first_byte + (stored.content_length or 0)
