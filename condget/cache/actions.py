"""The values that decisions are made of: what to do with a request, what a response means, what is to be written."""

from __future__ import annotations

from dataclasses import dataclass

from condget.cache.fields import Fields
from condget.cache.messages import Request, StoredResponse
from condget.cache.status import CacheStatus, Fwd


@dataclass(frozen=True, slots=True)
class Reuse:
    """Answer with a stored response: these fields, and the stored content from `start` up to `stop`."""

    stored: StoredResponse
    status_code: int
    reason_phrase: str
    fields: Fields
    status: CacheStatus
    start: int = 0
    stop: int = 0
    #: To be sent in the background meanwhile (stale-while-revalidate, RFC 5861 §3).
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
    #: May stand in if the origin fails.
    fallback: StoredResponse | None = None
    #: The stored first part of the content that `request` asks the rest of.
    completes: StoredResponse | None = None
    #: False: whatever comes is not stored, for this reason.
    not_stored: str | None = None


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """Only a stored response was wanted and none may be used: 504 (RFC 9111 §5.2.1.7)."""

    status: CacheStatus


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
    """Delete whatever is stored for these URLs (RFC 9111 §4.4)."""

    urls: tuple[str, ...]


Write = Save | Freshen | Delete | Invalidate


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a response means: the caller gets `reuse`, or where it is None the response itself."""

    status: CacheStatus
    writes: tuple[Write, ...] = ()
    reuse: Reuse | None = None
    #: The origin's answer helps nobody: ask again, without preconditions.
    again: Forward | None = None
    #: The response is a 206 that completes this stored part: the caller gets 200 with these fields and both contents.
    completed: Save | None = None
