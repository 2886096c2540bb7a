"""Targets of requests: a URL taken apart without changing a byte of its target (D2, D8, D9), a Location resolved
(RFC 9110 §10.2.2), and private addresses (E4). Pure.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote, urljoin, urlsplit

from condget.errors import ForbiddenTarget
from condget.fetching.failures import Failure
from condget.urls import DEFAULT_PORTS, PLAIN, without_userinfo

_ELSEWHERE = "ask the site's owner, or use another URL"
_NAME = re.compile(r"(?:[a-z0-9_~-]{1,63}\.)*[a-z0-9_~-]{1,63}\.?")
#: As ipaddress has it, which takes ten times as long.
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!\Z)|\Z)){4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that can be requested. `url` has neither fragment nor userinfo; `host` is ASCII, without brackets."""

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
    if plain := PLAIN.fullmatch(url):
        scheme, name, digits, rest = plain.groups("")
        number = int(digits or DEFAULT_PORTS[scheme])
        if number <= 65_535 and _NAME.fullmatch(name):
            target = rest if rest.startswith("/") else "/" + rest
            return Target(url, scheme, name, number, target.encode("ascii"))
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
    # What follows the authority is cut out of the text, because urlunsplit() would drop an empty query.
    rest = url[len(scheme) + 3 + len(parts.netloc) :]
    target = rest if rest.startswith("/") else "/" + rest
    return Target(
        url=f"{url[: len(scheme)]}://{authority}{rest}",
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


def is_known_private(host: str) -> bool:
    """Tell whether a host is private by what the URL itself says; a name is resolved elsewhere, by a proxy, say.

    >>> [is_known_private(host) for host in ("10.0.0.1", "a.localhost.", "192.0.43.8", "intranet.example")]
    [True, True, False, False]
    """
    if is_literal(host):
        return is_private(host)
    name = host.rstrip(".")
    return name == "localhost" or name.endswith(".localhost")


def is_loopback(host: str) -> bool:
    """Tell whether a host, by its address or its name, is this machine.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "a.localhost", "example.org")]
    [True, True, True, True, False]
    """
    if host.endswith("localhost"):
        return host == "localhost" or host.endswith(".localhost")
    if ":" in host:
        return is_literal(host) and ipaddress.IPv6Address(host).is_loopback
    return host.startswith("127.") and is_literal(host)


@lru_cache(maxsize=1024)
def is_private(address: str) -> bool:
    """Tell whether an IP address is not one of the public internet: loopback, private, link-local, shared,
    multicast, unspecified, reserved, or an IPv6 form that carries such an IPv4 address (mapped, compatible, 6to4,
    Teredo, NAT64).

    >>> [is_private(a) for a in ("8.8.8.8", "127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::")]
    [False, True, True, True]
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return not ip.is_global or ip.is_multicast
    inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if inner is None and (ip in _NAT64 or ip in _COMPATIBLE):
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if inner is not None:
        return is_private(str(inner))
    return not ip.is_global or ip.is_multicast or ip.is_site_local or ip in _LOCAL_NAT64


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = ipaddress.IPv6Network("::/96")


def is_literal(host: str) -> bool:
    """Tell whether a host is an IP address rather than a name.

    >>> [is_literal(host) for host in ("192.0.2.1", "192.0.2.01", "::1", "fe80::1%eth0", "example.org", "1.example")]
    [True, False, True, True, False, False]
    """
    if ":" not in host:
        return _IPV4.fullmatch(host) is not None
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def _ascii(data: bytes) -> bytes:
    if data.isascii():
        return data
    return b"".join(b"%%%02X" % byte if byte > 0x7E else b"%c" % byte for byte in data)


def _host(name: str) -> str:
    if is_literal(name):
        return name
    try:
        name = unquote(name, errors="strict").lower()
        if not name.isascii():
            import idna  # 40 ms, and hardly a host needs it

            name = idna.encode(name, uts46=True).decode("ascii")
    except ValueError:  # UnicodeError and IDNAError are such
        name = ""
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise Failure("the URL has no valid host name", "correct it")
    return name
