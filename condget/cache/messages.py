"""The messages of the pure core: Request, Response, StoredResponse. Frozen, of builtins only, picklable."""

from __future__ import annotations

from dataclasses import dataclass, field

from condget.cache.fields import Fields

#: The request fields that a Vary names, normalised; None: the request had no such field.
Selecting = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a cache sees it. `url` is the target URI without fragment and userinfo."""

    method: str
    url: str
    fields: Fields = field(default_factory=Fields)
    #: A digest of credentials and of the caller's own partition: only stored responses of the same one may answer.
    partition: str = ""
    #: Only the origin can check its credentials, which change with each request: validate before each reuse.
    must_validate: bool = False
    #: Why no target URI names the response, so that the request bypasses the cache; None: `url` does.
    unkeyed: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """The head of a response, and the instants at which its request left and it arrived (RFC 9111 §4.2.3)."""

    status: int
    fields: Fields
    request_time: float
    response_time: float
    reason_phrase: str = ""
    http_version: str = "HTTP/1.1"


@dataclass(frozen=True, slots=True)
class Hop:
    """A request and its response, to show to people; the values of secret fields are left out."""

    url: str
    request: tuple[tuple[str, str], ...]
    status: int
    response: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A stored response: the head, what selects it (Vary), and how much of its content is stored.

    `content_length` None means *head only*: validators and metadata without content. A 206 that is stored as a part has
    `first_byte` > 0 or `complete_length` beyond its content.
    """

    url: str
    status: int
    fields: Fields
    request_time: float
    response_time: float
    reason_phrase: str = ""
    http_version: str = "HTTP/1.1"
    partition: str = ""
    #: Each set of request fields, as Vary names them, that this response answers (see `vary.selecting_fields`).
    selecting: tuple[Selecting, ...] = ()
    #: Bytes of content that are stored (as received, still coded); None: head only.
    content_length: int | None = None
    #: Position of the first stored byte, and the length of the complete content where it is known to be longer.
    first_byte: int = 0
    complete_length: int | None = None
    #: Freshness lifetime in seconds that the policy grants, where the origin states none.
    granted_lifetime: float = 0.0
    #: The store's own handle; 0 before it is stored.
    id: int = 0
