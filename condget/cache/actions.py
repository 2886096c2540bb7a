"""The values that decisions are made of: what to do with a request, what a response means, what is to be written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from condget.cache.fields import Fields
from condget.cache.freshness import Freshness
from condget.cache.messages import Request, StoredResponse

#: Why a request is forwarded (RFC 9211 §2.2).
Fwd = Literal["bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"]


@dataclass(frozen=True, slots=True)
class Reuse:
    """Answer with a stored response: these fields, and the stored content from `start` up to `stop`."""

    stored: StoredResponse
    status_code: int
    reason_phrase: str
    fields: Fields
    freshness: Freshness
    start: int = 0
    stop: int = 0
    #: The request to send in the background meanwhile (stale-while-revalidate, RFC 5861 §3).
    refresh: Forward | None = None


@dataclass(frozen=True, slots=True)
class Forward:
    """Send `request` to the origin. `caller` is the request as it came."""

    request: Request
    caller: Request
    fwd: Fwd
    #: Stored responses that the preconditions of `request` validate.
    validates: tuple[StoredResponse, ...] = ()
    #: All stored responses that match the request; a complete new one takes their place.
    replaces: tuple[StoredResponse, ...] = ()
    #: The stored response that may stand in if the origin fails.
    fallback: StoredResponse | None = None
    #: The stored first part of the content; `request` is for the rest.
    completes: StoredResponse | None = None
    #: Why the response must not be stored; None: `settle` decides.
    not_stored: str | None = None


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """Only a stored response was wanted and none may be used: 504 (RFC 9111 §5.2.1.7)."""

    fwd: Fwd
    reason: str


@dataclass(frozen=True, slots=True)
class Save:
    """Store the response with its content once that is complete, behind the stored content of `prefix`."""

    stored: StoredResponse
    replaces: tuple[StoredResponse, ...] = ()
    prefix: StoredResponse | None = None


@dataclass(frozen=True, slots=True)
class Freshen:
    """Replace the head of a stored response."""

    stored: StoredResponse


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete stored responses that the origin showed to be out of date."""

    stored: tuple[StoredResponse, ...]


@dataclass(frozen=True, slots=True)
class Invalidate:
    """Delete everything stored for these URLs (RFC 9111 §4.4)."""

    urls: tuple[str, ...]


Write = Save | Freshen | Delete | Invalidate


@dataclass(frozen=True, slots=True)
class Settlement:
    """The meaning of a response: the caller gets `reuse`, or the response itself if `reuse` is None."""

    writes: tuple[Write, ...] = ()
    reuse: Reuse | None = None
    #: The response is of no use to the caller: send this request, which has no preconditions of ours.
    retry: Forward | None = None
    #: The response is a 206 that completes this stored part: the caller gets 200 with these fields and both contents.
    completed: Save | None = None
    #: How fresh the response is, where the caller gets it and it may be stored.
    freshness: Freshness | None = None
    #: Why nothing of the response is stored.
    not_stored: str | None = None
    #: Why `reuse` is a stale response that stands in for the origin.
    stale: str | None = None

    @property
    def stored(self) -> bool:
        """Whether the response is stored, or freshens a stored one."""
        return any(isinstance(write, (Save, Freshen)) for write in self.writes)
