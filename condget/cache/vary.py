"""Vary (RFC 9111 §4.1): the request fields that select a stored response, and whether a request matches it.

Values are normalised where that keeps their meaning: white space and line breaks of lists everywhere, order and case
for Accept-Language and Accept-Encoding. Values other than of Accept fields may be secrets and are kept as digests.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from condget.cache.directives import field_names, split_list
from condget.cache.fields import Fields
from condget.cache.messages import Request, Selecting, StoredResponse

_UNORDERED = ("accept-encoding", "accept-language")
_HARMLESS = ("accept", *_UNORDERED)


def varies_on_everything(fields: Fields) -> bool:
    """Whether `*` is a member of Vary: then no request matches without validation."""
    return "*" in (fields.get("vary") or "") and "*" in field_names(fields.get("vary"))


def selecting_fields(request: Request, response_fields: Fields) -> Selecting:
    """Return the request's values of the fields that the response's Vary names, normalised and sorted."""
    names = response_fields.get("vary")
    if not names:
        return ()
    return tuple((name, _normalised(name, request.fields)) for name in sorted(field_names(names)))


def matches(request: Request, stored: StoredResponse) -> bool:
    """Whether the request is answered by this stored response as far as Vary goes."""
    if "vary" not in stored.fields:
        return True
    if varies_on_everything(stored.fields):
        return False
    return selecting_fields(request, stored.fields) in stored.selecting


def _normalised(name: str, fields: Fields) -> str | None:
    lines = fields.all(name)
    if not lines:
        return None
    text = ", ".join(lines)
    if name in _UNORDERED:
        return _sorted_list(text)
    value = ",".join(split_list(text))
    return value if name in _HARMLESS else sha256(value.encode("latin-1")).hexdigest()[:32]


@lru_cache(maxsize=256)
def _sorted_list(text: str) -> str:
    return ",".join(sorted("".join(member.split()).lower() for member in split_list(text)))
