"""Heads of stored responses as JSON text, the form in which they are kept. Latin-1 bytes survive as text."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from typing import Any

from condget.cache.fields import Fields
from condget.cache.messages import StoredResponse
from condget.errors import StoreError


def encode(stored: StoredResponse) -> str:
    """Return the head as JSON."""
    return json.dumps(
        {
            "url": stored.url,
            "status": stored.status,
            "reason": stored.reason_phrase,
            "version": stored.http_version,
            "fields": stored.fields.pairs,
            "requested": stored.request_time,
            "received": stored.response_time,
            "partition": stored.partition,
            "selecting": stored.selecting,
            "length": stored.content_length,
            "first": stored.first_byte,
            "complete": stored.complete_length,
        },
        separators=(",", ":"),
    )


# The same few heads are read again and again, and `StoredResponse` is immutable.
@lru_cache(maxsize=2048)
def decode(text: str, row: int) -> StoredResponse:
    """Return the stored response that `encode` wrote, under its row's id.

    Raises:
        StoreError: the text is not of that form.
    """
    try:
        head: dict[str, Any] = json.loads(text)
        return StoredResponse(
            url=head["url"],
            status=head["status"],
            fields=Fields([(name, value) for name, value in head["fields"]]),
            request_time=head["requested"],
            response_time=head["received"],
            reason_phrase=head["reason"],
            http_version=head["version"],
            partition=head["partition"],
            selecting=tuple(tuple((name, value) for name, value in pairs) for pairs in head["selecting"]),
            content_length=head["length"],
            first_byte=head["first"],
            complete_length=head["complete"],
            id=row,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"Row {row} holds no head of a stored response ({error!r}).") from error


def with_length(stored: StoredResponse, length: int) -> StoredResponse:
    return replace(stored, content_length=length)
