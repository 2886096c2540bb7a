"""Rules about URLs that several packages need: removing userinfo, the origin, and the plain form of most URLs."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}

#: A URL that needs no further parsing: scheme, ASCII host in lower case, port, path and query without a fragment.
PLAIN = re.compile(r"(https?)://([a-z0-9_.-]{1,253})(?::([0-9]{1,5}))?([/?][!\"$-~]*)?")

_PARTS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", re.DOTALL)
_AUTHORITY = re.compile(r"^([^/?#]*:)?(//)[^/?#]*@")


def without_userinfo(url: str) -> str:
    """Return a URL, or a reference to one, without the user name and password before its host.

    >>> without_userinfo("https://user:secret@example.org/feed?by=me@example.org")
    'https://example.org/feed?by=me@example.org'
    """
    return _AUTHORITY.sub(r"\1\2", url) if "@" in url else url


def canonical(url: str) -> str:
    """Return the form that all spellings of a URL share: scheme and host in lower case, a path (RFC 3986 §6.2).

    >>> canonical("HTTP://Example.org?A=b")
    'http://example.org/?A=b'
    """
    if (plain := PLAIN.fullmatch(url)) and (plain[4] or "").startswith("/"):
        return url
    parts = _PARTS.fullmatch(url)
    if parts is None:
        return url
    scheme, authority, rest = parts.groups()
    userinfo, at, host = authority.rpartition("@")
    return f"{scheme.lower()}://{userinfo}{at}{host.lower()}{'' if rest.startswith('/') else '/'}{rest}"


def origin_of(url: str) -> tuple[str, str | None, int | None]:
    """Return the origin of a URL (RFC 6454): scheme, host and port. Configured secrets belong to one origin (E5).

    >>> origin_of("https://Example.org/feed") == origin_of("https://example.org:443/")
    True
    """
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)
