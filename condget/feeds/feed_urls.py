"""The URL of a feed as a user writes it, to the target that is requested and its userinfo.

A target stays byte-identical to what was written (D2), less userinfo and fragment (D8). Spellings of one URL become one
(D9): scheme and host are in lower case, and an empty path is `/`. Only what cannot be sent is changed otherwise: an IDN
host becomes A-labels (RFC 5891), other characters beyond ASCII are percent-encoded as UTF-8 (RFC 3987 §3.1).
"""

from __future__ import annotations

import re
from urllib.parse import quote

from condget.urls import canonical

# Not compiled before they are needed: most URLs are plain.
_URL = r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?#]*))?([^#]*)"
# Blanks of every kind, controls, and what is invisible.
_BLANK = "[\x00-\x20\x7f-\xa0\xad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff\ufff9-\uffff\ud800-\udfff]"
_HOST = r"(?=.{1,254}\Z)(?:[A-Za-z0-9_~-]{1,63}\.)*[A-Za-z0-9_~-]{1,63}\.?"

#: The form of nearly all URLs of feeds; a list of 50,000 is read in half the time.
PLAIN = re.compile(r"https?://(?:[a-z0-9-]{1,60}\.){1,3}[a-z0-9]{1,60}(?::[1-9][0-9]{0,3}|:[1-5][0-9]{4})?/[!\"$-~]*")


def target_of(url: str) -> tuple[str, str | None]:
    """Return the target of a URL and its userinfo.

    Raises:
        ValueError: the URL cannot be requested; the text says why, without the userinfo.
    """
    if PLAIN.fullmatch(url):
        return url, None
    if blank := re.search(_BLANK, url):
        code = f"U+{ord(blank[0]):04X}"
        raise ValueError(f"the URL holds a blank or control character ({code}); write it percent-encoded")
    if url[:5].lower() == "feed:":
        # feed:https://example.org/ and feed://example.org/ were made for readers and mean HTTP.
        url = "http:" + url[5:] if url[5:7] == "//" else url[5:]
    split = re.match(_URL, url)
    if split is None:
        raise ValueError("not a URL; it begins with http:// or https://")
    scheme, authority, rest = split.groups()
    if scheme.lower() not in ("http", "https"):
        raise ValueError(f'the scheme "{scheme[:40]}" is refused; condget polls http and https only')
    if "\\" in (authority or ""):
        # Browsers read it as "/", so that such a URL names two hosts at once.
        raise ValueError("the host of the URL is not a host name; it holds a backslash")
    userinfo, at, place = (authority or "").rpartition("@")
    host, port = _place(place)
    if not rest.isascii():
        rest = quote(rest, safe=_ASCII)
    return canonical(f"{scheme}://{host}{port}{rest}"), userinfo if at and userinfo else None


def foreign_scheme(url: str) -> str | None:
    """Return the scheme of a URL that is not for HTTP, else None.

    >>> foreign_scheme("exec:~/bin/feed"), foreign_scheme("feed://example.org/"), foreign_scheme("example.org")
    ('exec', None, None)
    """
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", url)
    return None if scheme is None or scheme[1].lower() in ("http", "https", "feed") else scheme[1].lower()


_ASCII = "".join(map(chr, range(0x21, 0x7F)))


def _place(place: str) -> tuple[str, str]:
    """Return host and port (with its colon) of an authority, the host in A-labels."""
    host, colon, port = place, "", ""
    if not place.endswith("]"):
        host, colon, port = place.rpartition(":") if ":" in place else (place, "", "")
    if not host:
        raise ValueError("the URL has no host")
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
        raise ValueError("the port of the URL is not a number from 1 to 65535")
    if host[0] == "[":
        import ipaddress

        try:
            ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]"))
        except ValueError:
            raise ValueError("the host of the URL is not an IPv6 address") from None
    elif not host.isascii():
        host = _a_labels(host)
    elif not re.fullmatch(_HOST, host):
        raise ValueError("the host of the URL is not a host name")
    return host, colon + port


def _a_labels(host: str) -> str:
    import idna

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ValueError(f"the host of the URL is not an internationalized domain name ({error})") from None
