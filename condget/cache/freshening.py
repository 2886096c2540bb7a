"""Freshening (RFC 9111 §3.2, §4.3.4, §4.3.5): the stored response that a 304 or a HEAD is about, its new head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from condget.cache.messages import Response, StoredResponse
from condget.cache.storing import storable_fields
from condget.cache.validators import VALIDATOR_FIELDS, etag_of, is_weak, last_modified_of, same_tag, weak_match

#: Fields that describe the content as it is stored: a 304 has no content, so its own are ignored.
_OF_THE_CONTENT = frozenset({"content-encoding", "content-length", "content-md5", "content-range", "content-type"})


def selected(validated: Sequence[StoredResponse], response: Response) -> StoredResponse | None:
    """Return the stored response that a 304 means (RFC 9111 §4.3.4), None where it does not say.

    Where one response alone was validated it is that one. `may_freshen` says whether the 304 changes anything of it.
    """
    if len(validated) == 1:
        return validated[0]
    etag = etag_of(response.fields)
    if etag is not None:
        for match in (weak_match, same_tag):  # variants that differ in the suffix of a coding are told apart first
            for stored in validated:
                if match(etag, etag_of(stored.fields) or ""):
                    return stored
        return None
    modified = last_modified_of(response.fields)
    if modified is not None:
        same = [stored for stored in validated if last_modified_of(stored.fields) == modified]
        return same[0] if len(same) == 1 else None
    return None


def may_freshen(stored: StoredResponse, response: Response) -> bool:
    """Whether a 304 is about this stored response: not where it carries another strong ETag (RFC 9111 §4.3.4)."""
    etag, own = etag_of(response.fields), etag_of(stored.fields)
    return etag is None or own is None or is_weak(etag) or same_tag(etag, own)


def freshened(stored: StoredResponse, response: Response, *, replace_validators: bool = False) -> StoredResponse:
    """Return a stored response with the fields and times of a 304, or of a HEAD's 200 (RFC 9111 §3.2).

    The stored ETag stays unless `replace_validators` is set: a poller, which keeps no content, takes what the origin
    says last. Age and Date always are those of the newer response.
    """
    kept_out = _OF_THE_CONTENT if replace_validators or "etag" not in stored.fields else _OF_THE_CONTENT | {"etag"}
    newer = [
        (name, value)
        for name, value in storable_fields(response.fields)
        if name.lower() not in kept_out and (value or name.lower() not in VALIDATOR_FIELDS)
    ]
    superseded = {"age", "date", *(name.lower() for name, _ in newer)}
    return replace(
        stored,
        fields=stored.fields.without(superseded).plus(newer),
        request_time=response.request_time,
        response_time=response.response_time,
    )


def head_agrees(stored: StoredResponse, response: Response) -> bool:
    """Whether a HEAD's 200 still describes the stored content (RFC 9111 §4.3.5)."""
    length = response.fields.first("content-length")
    if length is not None and length != str(stored.content_length):
        return False
    for validator_of in (etag_of, last_modified_of):
        validator = validator_of(response.fields)
        if validator is not None and validator != validator_of(stored.fields):
            return False
    return True
