"""Targets of requests: a URL taken apart without changing a byte of its target (D2, D8, D9), a Location resolved
(RFC 9110 §10.2.2). Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote_from_bytes, unquote, urljoin, urlsplit

from condget.errors import ForbiddenTarget
from condget.fetching.addresses import is_literal
from condget.fetching.failures import Failure
from condget.urls import DEFAULT_PORTS, PLAIN, canonical, without_userinfo

_ELSEWHERE = "ask the site's owner, or use another URL"
_NAME = re.compile(r"(?:[a-z0-9_~-]{1,63}\.)*[a-z0-9_~-]{1,63}\.?")
_ASCII = bytes(range(0x80))


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that can be requested. `url` is canonical, without fragment or userinfo; `host` is ASCII, no brackets."""

    url: str
    scheme: str
    host: str
    port: int
    #: The request target in origin-form: path and query, byte for byte as configured (D2).
    path: bytes
    userinfo: str | None = None

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def name(self) -> str:
        """The host without the dot of the root: what gaps, holds and certificates go by."""
        return self.host.rstrip(".")

    @property
    def host_field(self) -> bytes:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}").encode("ascii")


def parse(url: str) -> Target:
    """Take a URL apart.

    Raises:
        Failure: it cannot be requested; a `ForbiddenTarget` where the scheme is neither http nor https.
    """
    if (plain := PLAIN.fullmatch(url)) and (plain[4] or "").startswith("/"):
        scheme, name, digits, rest = plain.groups("")
        number = int(digits or DEFAULT_PORTS[scheme])
        if number <= 65_535 and _NAME.fullmatch(name):
            return Target(url, scheme, name, number, rest.encode("ascii"))
    if re.search(r"[\x00-\x20\x7f]", url):
        raise Failure("the URL has a space or a control character in it", "percent-encode it")
    url = url.partition("#")[0]
    try:
        parts = urlsplit(url)
        scheme, name, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError as error:
        raise Failure(f"the URL is malformed ({error})", "correct it") from None
    if scheme not in DEFAULT_PORTS:
        raise Failure(
            f"the scheme {scheme[:20]!r} is not one that condget asks" if scheme else "the URL has no scheme",
            "use an http or https URL",
            kind=ForbiddenTarget,
        )
    userinfo, at, authority = parts.netloc.rpartition("@")
    # Path and query are cut out of the text, because urlunsplit() would drop an empty query.
    rest = url[len(scheme) + 3 + len(parts.netloc) :]
    target = rest if rest.startswith("/") else "/" + rest
    return Target(
        url=canonical(f"{scheme}://{authority}{rest}"),
        scheme=scheme,
        host=_host(name),
        port=DEFAULT_PORTS[scheme] if port is None else port,
        path=_ascii(target.encode()),
        userinfo=userinfo if at else None,
    )


def host_of(url: str) -> str:
    """Return the host that a request for a URL goes to, whatever the port: gaps and silences apply to it (C6, C12).

    >>> host_of("https://Example.org.:8080/feed"), host_of("http://b\u00fccher.example")
    ('example.org', 'xn--bcher-kva.example')
    """
    if plain := PLAIN.fullmatch(url):
        return plain[2].rstrip(".")
    try:
        return parse(url).name
    except Failure:
        return (urlsplit(url).hostname or "").rstrip(".")


def resolve(base: Target, location: str) -> str:
    """Return the URL that a Location means, which is latin-1 text of any bytes; userinfo is dropped.

    Raises:
        Failure: the field is empty or malformed.
    """
    if not location:
        raise Failure("it redirects, but does not say where to", _ELSEWHERE)
    if re.search(r"[\x00-\x1f\x7f]", location):
        raise Failure("it redirects to a malformed address", _ELSEWHERE)
    # Bytes beyond ASCII (UTF-8 or not) are sent as they came; spaces as browsers send them.
    text = _ascii(location.encode("latin-1")).decode("ascii").replace(" ", "%20")
    try:
        url = text if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text) else urljoin(base.url, text)
    except ValueError:
        raise Failure("it redirects to a malformed address", _ELSEWHERE) from None
    return without_userinfo(url)


def forbidden(host: str) -> Failure:
    """Return the failure of a redirect from a public host to a private address (E4)."""
    return Failure(
        f"it is redirected from a public host to a private address ({host})",
        "allow that with private-network=yes if the site may look into your network",
        kind=ForbiddenTarget,
    )


def _ascii(data: bytes) -> bytes:
    """Percent-encode the bytes beyond ASCII."""
    return data if data.isascii() else quote_from_bytes(data, safe=_ASCII).encode("ascii")


def _host(name: str) -> str:
    if is_literal(name):
        return name
    try:
        # Nothing longer can be a name, and idna takes time with the square of the length.
        name = unquote(name[:1_000], errors="strict").lower()
        if not name.isascii():
            import idna  # 40 ms, and hardly a host needs it

            name = idna.encode(name, uts46=True).decode("ascii")
    except ValueError:  # UnicodeError and IDNAError are such
        name = ""
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise Failure("the URL has no valid host name", "correct it")
    return name
