"""The fields that `condget get` sends because its user said so: `--header`, netrc, and what of them is secret."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from condget.errors import UsageError
from condget.field_names import SECRET, TOKEN
from condget.secret_values import is_reference, resolved

if TYPE_CHECKING:
    import httpx

#: Fields that are not secrets of one origin, so that they follow a redirect anywhere.
_FOLLOWING = frozenset({"accept", "accept-encoding", "accept-language", "cache-control", "range", "user-agent"})


@dataclass(frozen=True, slots=True)
class RequestFields:
    """Fields to send with their values, and the names of those whose values are never shown, in lower case."""

    pairs: tuple[tuple[str, str], ...]
    hidden: frozenset[str]

    @property
    def are_conditional(self) -> bool:
        """Whether the user sends a precondition, so that 304 is an answer."""
        return any(name.lower().startswith("if-") for name, _ in self.pairs)

    def strip(self, request: httpx.Request, origin: httpx.URL) -> None:
        """Take out of a redirected request what belongs to the origin that it was meant for alone (E5)."""
        if not _has_origin(request.url, origin):
            for name in {name.lower() for name, _ in self.pairs} - _FOLLOWING:
                request.headers.pop(name, None)


def read_fields(headers: Iterable[str]) -> RequestFields:
    """Read `--header` options.

    Raises:
        UsageError: one is not NAME:VALUE on one line, or its secret cannot be had.
    """
    pairs = []
    hidden = SECRET
    for text in headers:
        name, colon, value = (part.strip(" \t") for part in text.partition(":"))
        if not colon or not TOKEN.fullmatch(name) or any(c < " " and c != "\t" for c in value):
            raise UsageError("a --header is written NAME:VALUE, on one line")
        if is_reference(value):
            hidden |= {name.lower()}
        try:
            pairs.append((name, resolved(value)))
        except ValueError as error:
            raise UsageError(f"--header {name}: {error}") from None
        if any(c < " " and c != "\t" for c in pairs[-1][1]):
            raise UsageError(f"--header {name}: its value is not one line")
    return RequestFields(tuple(pairs), hidden)


def netrc_credentials(host: str) -> tuple[str, str] | None:
    """Return user name and password for a host in `$NETRC` or `~/.netrc`, None where it has none.

    Raises:
        UsageError: the file cannot be read.
    """
    import netrc

    path = Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
    try:
        entry = netrc.netrc(str(path)).authenticators(host)
    except OSError as error:
        raise UsageError(f"--netrc: {path} cannot be read ({error.strerror})") from None
    except netrc.NetrcParseError as error:
        raise UsageError(f"--netrc: {path} is not a netrc file, line {error.lineno}: {error.msg}") from None
    if entry is None:
        return None
    user, _, password = entry
    return user or "", password or ""


def _has_origin(url: httpx.URL, origin: httpx.URL) -> bool:
    """Whether a URL has that origin (RFC 6454), or is its upgrade from http to https."""
    if url.host != origin.host:
        return False
    schemes_and_ports = tuple((u.scheme, u.port or {"http": 80, "https": 443}.get(u.scheme)) for u in (origin, url))
    return schemes_and_ports[0] == schemes_and_ports[1] or schemes_and_ports == (("http", 80), ("https", 443))
