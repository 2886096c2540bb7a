"""IP addresses: which are private (E4), and in what forms a URL can hold one. Pure.

The networks are those of IANA's registries of special-purpose addresses that are not globally reachable:
https://www.iana.org/assignments/iana-ipv4-special-registry and https://www.iana.org/assignments/iana-ipv6-special-registry
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_PRIVATE_IPV4 = tuple(
    IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
#: All of the IPv6 internet; what lies outside is unassigned, local or multicast.
_GLOBAL_IPV6 = IPv6Network("2000::/3")
#: Inside of that: IETF protocol assignments with Teredo, documentation.
_PRIVATE_IPV6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
#: IPv4 addresses in the last 32 bits: compatible, mapped (RFC 4291), translated (RFC 2765), NAT64 (RFC 6052).
_EMBEDDED = tuple(map(IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
_6TO4 = IPv6Network("2002::/16")
#: The interface identifiers of ISATAP (RFC 5214), with an IPv4 address behind them.
_ISATAP = (0x00005EFE, 0x02005EFE)

#: As ipaddress has it, which takes ten times as long.
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!\Z)|\Z)){4}", re.ASCII)
#: The forms that inet_aton() reads as an address, or would if the numbers were smaller.
_NUMERIC = re.compile(r"(?:(?:0[xX][0-9a-fA-F]*|[0-9]+)(?:\.(?!\Z)|\Z)){1,4}", re.ASCII)


@lru_cache(maxsize=1024)
def is_private(address: str) -> bool:
    """Tell whether an IP address is not one of the public internet; IPv6 forms go by the IPv4 address that they embed.

    >>> [is_private(a) for a in ("8.8.8.8", "127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "5f00::1")]
    [False, True, True, True, True]
    """
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        if (inner := _embedded(ip)) is None:
            return ip not in _GLOBAL_IPV6 or any(ip in network for network in _PRIVATE_IPV6)
        ip = inner
    return any(ip in network for network in _PRIVATE_IPV4)


def _embedded(ip: IPv6Address) -> IPv4Address | None:
    number = int(ip)
    if any(ip in network for network in _EMBEDDED) or (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(number & 0xFFFFFFFF)
    return IPv4Address((number >> 80) & 0xFFFFFFFF) if ip in _6TO4 else None


def is_literal(host: str) -> bool:
    """Tell whether a host is an IP address in its usual form rather than a name.

    >>> [is_literal(host) for host in ("192.0.2.1", "192.0.2.01", "::1", "fe80::1%eth0", "example.org", "1.example")]
    [True, False, True, True, False, False]
    """
    if ":" not in host:
        return _IPV4.fullmatch(host) is not None
    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Tell whether a host, by its address or its name, is this machine.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "a.localhost", "example.org")]
    [True, True, True, True, False]
    """
    if host.endswith("localhost"):
        return host == "localhost" or host.endswith(".localhost")
    if ":" in host:
        return is_literal(host) and IPv6Address(host).is_loopback
    return host.startswith("127.") and is_literal(host)


def is_known_private(host: str) -> bool:
    """Tell whether a host is private by the URL alone, where somebody else resolves names, such as a proxy.

    An address counts in every form that inet_aton() reads, such as `127.1`, `0x7f000001` and `2130706433`.

    >>> [is_known_private(host) for host in ("10.0.0.1", "0177.1", "a.localhost.", "192.0.43.8", "intranet.example")]
    [True, True, True, False, False]
    """
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    if is_literal(name):
        return is_private(name)
    if not _NUMERIC.fullmatch(name):
        return False
    *firsts, last = [_number(part) for part in name.split(".")]
    if None in firsts or last is None or last >= 256 ** (4 - len(firsts)) or any(n is None or n > 255 for n in firsts):
        return True  # not an address, nor a name of the public internet
    number = last + sum((n or 0) << (24 - 8 * place) for place, n in enumerate(firsts))
    return is_private(str(IPv4Address(number)))


def _number(text: str) -> int | None:
    """Return a number of an address, as inet_aton() reads it: hexadecimal, octal or decimal."""
    try:
        if text[:2] in ("0x", "0X"):
            return int(text[2:] or "0", 16)
        return int(text[:16], 8 if text.startswith("0") else 10)
    except ValueError:
        return None
