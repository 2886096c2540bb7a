"""Validators (RFC 9110 §8.8) and the preconditions made of them (RFC 9110 §13.1, RFC 9111 §4.3.1).

A validator is opaque: it goes back byte for byte as it came, well-formed or not (A3). Two ETag lines of one response
are sent back as the list of both (A6); an empty validator counts as absent (A4).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from condget.cache.dates import parse_date
from condget.cache.fields import Fields
from condget.cache.messages import Request, StoredResponse

# A well-formed member first; then any text between two commas, such as ""947e30c936"" or an unquoted tag.
_ENTITY_TAG = re.compile(r'(?:W/)?"[^"]*"(?=\s*(?:,|$))|[^\s,](?:[^,]*[^\s,])?')

# Apache's `-gzip` (https://bz.apache.org/bugzilla/show_bug.cgi?id=45023), Jetty's `--gzip`, and others' `;gzip`, `-br`.
_CODING_SUFFIX = re.compile(r"[-;:+_./]{1,2}(?:gzip|gz|deflate|br|zstd|zst)$")

VALIDATOR_FIELDS = frozenset({"etag", "last-modified"})

_CONDITIONAL_FIELDS = frozenset({"if-match", "if-modified-since", "if-none-match", "if-unmodified-since"})


def parse_etag_list(text: str) -> list[str]:
    """Return the members of an If-Match or If-None-Match field; malformed ones, unquoted say, as they are."""
    return _ENTITY_TAG.findall(text)


def is_weak(etag: str) -> bool:
    return etag.startswith("W/")


def strong_match(a: str, b: str) -> bool:
    """Compare two entity tags by the strong comparison function (RFC 9110 §8.8.3.2)."""
    return a == b and not is_weak(a)


def weak_match(a: str, b: str) -> bool:
    """Compare two entity tags by the weak comparison function (RFC 9110 §8.8.3.2)."""
    return a.removeprefix("W/") == b.removeprefix("W/")


def same_tag(a: str, b: str) -> bool:
    """Whether two entity tags are one, but for quotes, weakness or the suffix that servers add for a content coding.

    >>> same_tag('"947e-gzip"', '"947e"')
    True
    """
    return a == b or _bare(a) == _bare(b)


def _bare(etag: str) -> str:
    return _CODING_SUFFIX.sub("", etag.removeprefix("W/").strip('"'))


def etag_of(fields: Fields) -> str | None:
    """Return the ETag of a response, several lines joined; None if it is absent, empty or `*`, which is not a tag."""
    tags = fields.all("etag")
    return ", ".join([value for value in tags if value not in ("", "*")]) or None if tags else None


def last_modified_of(fields: Fields) -> str | None:
    """Return the Last-Modified of a response byte for byte; None where it is absent or empty."""
    return fields.first("last-modified") or None


def has_validator(fields: Fields) -> bool:
    return etag_of(fields) is not None or last_modified_of(fields) is not None


def is_strong_last_modified(fields: Fields) -> bool:
    """Whether Last-Modified may serve as a strong validator: a minute older than Date (RFC 9110 §8.8.2.2)."""
    modified = parse_date(fields.first("last-modified") or "")
    date = parse_date(fields.first("date") or "")
    return modified is not None and date is not None and date - modified >= 60


def preconditions(stored: Sequence[StoredResponse]) -> tuple[tuple[str, str], ...]:
    """Return the fields that have an origin validate these stored responses, the most recent first (RFC 9111 §4.3.1).

    All their entity tags are offered; a Last-Modified only where a single response is validated, since a date cannot
    tell variants apart. No date is ever invented.
    """
    pairs: list[tuple[str, str]] = []
    tags = dict.fromkeys(tag for response in stored if (tag := etag_of(response.fields)))
    if tags:
        pairs.append(("If-None-Match", ", ".join(tags)))
    if stored and (len(stored) == 1 or not tags):
        modified = last_modified_of(stored[0].fields)
        if modified:
            pairs.append(("If-Modified-Since", modified))
    return tuple(pairs)


def is_conditional(request: Request) -> bool:
    """Whether the caller made the request conditional already."""
    return request.fields.has_any(_CONDITIONAL_FIELDS)
