"""The request of one exchange, and the limits on its response."""

from __future__ import annotations

from dataclasses import dataclass, field

from condget import settings


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one exchange: bytes of content as received and as decoded, decoded bytes for each received byte
    (beyond the first ten million), CPU seconds for decoding, and redirects."""

    received: int = 10_000_000
    decoded: int = 50_000_000
    ratio: int = 250
    seconds: float = 2.0
    redirects: int = 5


DEFAULT_LIMITS = Limits()


def limits_of(size: int) -> Limits:
    """Return limits for content of so many bytes as received, and five times as many decoded, as by default."""
    return Limits(received=size, decoded=5 * size)


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One GET."""

    url: str
    #: If-None-Match and If-Modified-Since, sent byte for byte (latin-1).
    preconditions: tuple[tuple[str, str], ...] = ()
    #: The URLs that the validators belong to: these are sent to no other URL (B10). Empty: to `url`.
    preconditions_for: tuple[str, ...] = ()
    #: Configured fields with their values. Secret: they never cross an origin (E5).
    fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    #: `user:password`, percent-encoded as in the URL it comes from (D8).
    userinfo: str | None = field(default=None, repr=False)
    user_agent: str = settings.USER_AGENT
    #: Seconds for the whole exchange (F1).
    timeout: float = 30.0
    #: Whether a public host may redirect to a private address (E4).
    private_network: bool = False
    #: The configured URL, if a permanent redirect led from there to `url`: E4 holds for a remembered redirect, too.
    moved_from: str | None = None
    limits: Limits = DEFAULT_LIMITS
    #: Send `Cache-Control: no-cache`: the second request after a 304 to an unconditional one (B11).
    no_cache: bool = False
    #: Record the fields of each hop, without secrets, for a user who wants to see them.
    trace: bool = False
