"""Lists of feeds: a URL per line with options behind it, or OPML. Text in, subscriptions out.

What is refused is refused by file name and line, all bad lines at once. A target stays byte-identical to what was
configured (D2), less userinfo and fragment (D8); only what cannot be sent as it is is changed: an IDN host becomes
A-labels (RFC 5891), other characters beyond ASCII are percent-encoded as UTF-8 (RFC 3987 §3.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar, cast
from urllib.parse import quote, unquote

from condget.errors import SubscriptionError
from condget.field_names import RESERVED, TOKEN

Validators = Literal["both", "etag", "last-modified", "none"]


@dataclass(frozen=True, slots=True)
class Options:
    """What a list says of one feed. Durations are in seconds."""

    #: The interval between polls; None: adaptive.
    every: float | None = None
    #: Which of the two validators the server handles well enough to be sent them.
    validators: Validators = "both"
    #: Further request fields. A value is literal, or `@env:NAME` or `@file:PATH`, which is resolved when polling.
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    #: The deadline of one exchange.
    timeout: float | None = None
    user_agent: str | None = None
    #: Whether the feed may stand on, or redirect to, a private or loopback address (E4).
    private_network: bool = False


@dataclass(frozen=True, slots=True)
class Subscription:
    """A feed to poll. `userinfo` is as written (percent-encoded) and is sent as Authorization to that origin only."""

    url: str
    userinfo: str | None = field(default=None, repr=False)
    #: Where it was configured: "feeds.txt:3".
    source: str = ""
    name: str | None = None
    options: Options = Options()

    @property
    def key(self) -> str:
        """What the state file knows the feed by: the URL, and a digest of the user name where there is one."""
        credentials = self.credentials
        if credentials is None:
            return self.url
        from hashlib import blake2b  # loads OpenSSL

        return f"{self.url}#user={blake2b(credentials[0].encode(), digest_size=6).hexdigest()}"

    @property
    def credentials(self) -> tuple[str, str] | None:
        """User name and password, decoded, for Basic authentication (RFC 7617)."""
        if self.userinfo is None:
            return None
        user, _, password = self.userinfo.partition(":")
        return unquote(user), unquote(password)


def parse_list(data: bytes | str, source: str) -> tuple[Subscription, ...]:
    """Read a list of feeds, OPML or plain; `source` names it in errors.

    Raises:
        SubscriptionError: lines are refused; the text has one line for each.
    """
    text = _text(data, source).removeprefix("\ufeff")
    start = text.lstrip()[:1]
    if start == "<":
        from condget.feeds.opml import outlines

        return _all(outlines(text, source), _outline, source)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return _all(enumerate(lines, 1), _line, source)


def merge(lists: Iterable[Iterable[Subscription]]) -> tuple[Subscription, ...]:
    """Return the subscriptions of several lists; of the same feed the first one counts (B9)."""
    first: dict[str, Subscription] = {}
    for subscriptions in lists:
        for subscription in subscriptions:
            first.setdefault(subscription.key, subscription)
    return tuple(first.values())


def single(url: str) -> Subscription:
    """Return the subscription of a URL on the command line.

    Raises:
        SubscriptionError: the URL is refused.
    """
    try:
        target, userinfo = _target(url.strip())
    except ValueError as error:
        raise SubscriptionError(f"command line: {error}") from None
    return Subscription(target, userinfo, "command line")


def duration(text: str) -> float:
    """Return the seconds of a duration such as `90s`, `30m`, `6h`, `2d`, `1w`, or plain seconds.

    Raises:
        ValueError: the text is no positive duration.
    """
    matched = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)([smhdw]?)", text)
    seconds = float(matched[1]) * _UNITS[matched[2]] if matched else 0.0
    if not seconds:
        raise ValueError(f'"{text}" is no duration (such as 90s, 30m, 6h, 2d, 1w)')
    return seconds


_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

_Row = TypeVar("_Row")


def _all(
    rows: Iterable[tuple[int, _Row]], make: Callable[[str, _Row], Subscription | None], source: str
) -> tuple[Subscription, ...]:
    """Return what `make` makes of numbered rows; it raises ValueError for a row that is refused."""
    found: list[Subscription] = []
    refused: list[str] = []
    for number, row in rows:
        where = f"{source}:{number}"
        try:
            subscription = make(where, row)
        except ValueError as error:
            refused.append(f"{where}: {error}")
            continue
        if subscription is not None:
            found.append(subscription)
    if refused:
        raise SubscriptionError("\n".join(refused))
    return tuple(found)


def _text(data: bytes | str, source: str) -> str:
    if isinstance(data, str):
        return data
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        from condget.feeds.markup import decode

        return decode(data)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = len(re.split(rb"\r\n|\n|\r", data[: error.start]))
        raise SubscriptionError(f"{source}:{number}: not UTF-8 text; save the list as UTF-8") from None


def _line(where: str, line: str) -> Subscription | None:
    if _COMMON.fullmatch(line):
        return Subscription(line, None, where)
    written, _, rest = line.strip(" \t").replace("\t", " ").partition(" ")
    if not written or written[0] == "#":
        return None
    target, userinfo = _target(written)
    if not rest:
        return Subscription(target, userinfo, where)
    name, options = _options(_words(rest))
    return Subscription(target, userinfo, where, name, options)


def _outline(where: str, attributes: Mapping[str, str]) -> Subscription | None:
    target, userinfo = _target(attributes["xmlurl"].strip())
    pairs = []
    for attribute, value in attributes.items():
        prefix, _, option = attribute.rpartition(":")
        if prefix == "condget" or (not prefix and option in _OPTIONS and option != "name"):
            values = value.splitlines() if option == "header" else [value]
            pairs += [(option, one.strip()) for one in values]
    name, options = _options(pairs)
    title = name or " ".join((attributes.get("text") or attributes.get("title") or "").split())
    return Subscription(target, userinfo, where, title or None, options)


_WORD = r"""(?:[^\s"'\\]|"(?:[^"\\]|\\.)*+"|'[^']*+'|\\.)++"""
_QUOTED = r""""((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)"""


def _words(text: str) -> Iterable[tuple[str, str]]:
    """Split `key=value` pairs as a shell would, up to a comment."""
    position, text = 0, text.strip()
    while position < len(text) and text[position] != "#":
        word = re.compile(_WORD).match(text, position)
        if word is None:
            raise ValueError("a quotation mark is not closed")
        key, equals, value = word[0].partition("=")
        if not equals:
            raise ValueError("options behind the URL are written key=value; a space inside a URL is written %20")
        yield key, re.sub(_QUOTED, _unquoted, value)
        position = word.end()
        while text[position : position + 1].isspace():
            position += 1


def _unquoted(match: re.Match[str]) -> str:
    double, single_quoted, escaped = match.groups()
    return re.sub(r"\\(.)", r"\1", double) if double is not None else single_quoted or escaped or ""


_OPTIONS = ("every", "name", "validators", "header", "timeout", "user-agent", "private-network")
_TRUTH = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_UNSENDABLE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")


def _options(pairs: Iterable[tuple[str, str]]) -> tuple[str | None, Options]:
    given: dict[str, str] = {}
    headers: list[tuple[str, str]] = []
    for key, value in pairs:
        if key not in _OPTIONS:
            named = f'"{key}" ' if re.fullmatch("[A-Za-z_-]{1,20}", key) else ""
            raise ValueError(f"unknown option {named}(known: {', '.join(_OPTIONS)})")
        if key == "header":
            headers.append(_header(value))
        elif key in given:
            raise ValueError(f'the option "{key}" is given twice')
        else:
            given[key] = value
    validators = given.get("validators", "both")
    if validators not in ("both", "etag", "last-modified", "none"):
        raise ValueError(f'"{validators}" is no choice of validators (both, etag, last-modified, none)')
    private = given.get("private-network", "no").lower()
    if private not in _TRUTH:
        raise ValueError(f"private-network={private}: say yes or no")
    agent = given.get("user-agent")
    if agent is not None and (not agent or _UNSENDABLE.search(agent)):
        raise ValueError("user-agent holds characters that cannot be sent")
    return given.get("name") or None, Options(
        every=duration(given["every"]) if "every" in given else None,
        validators=cast("Validators", validators),
        headers=tuple(headers),
        timeout=duration(given["timeout"]) if "timeout" in given else None,
        user_agent=agent,
        private_network=_TRUTH[private],
    )


def _header(text: str) -> tuple[str, str]:
    """Read `Name:value`; the value may be secret and is in no message."""
    name, colon, value = text.partition(":")
    value = value.strip()
    if not colon or not TOKEN.fullmatch(name):
        raise ValueError("header= takes Name:value, Name:@env:VARIABLE or Name:@file:PATH")
    if name.lower() in RESERVED:
        raise ValueError(f"header={name}: condget sends this field itself, or never")
    if _UNSENDABLE.search(value) or value in ("@env:", "@file:"):
        raise ValueError(f"header={name}: its value cannot be sent")
    return name, value


# Not compiled before they are needed: most lines are of the common kind.
_URL = r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?#]*))?([^#]*)"
# Blanks of every kind, controls, and what is invisible.
_BLANK = "[\x00-\x20\x7f-\xa0\xad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff\ufff9-\uffff\ud800-\udfff]"
_HOST = r"(?=.{1,254}\Z)(?:[A-Za-z0-9_~-]{1,63}\.)*[A-Za-z0-9_~-]{1,63}\.?"


#: What nearly all URLs look like; a list of 50,000 is read in half the time.
_COMMON = re.compile(r"https?://(?:[a-z0-9-]{1,60}\.){1,3}[a-z0-9]{1,60}(?::[1-9][0-9]{0,3}|:[1-5][0-9]{4})?/[!\"$-~]*")


def _target(url: str) -> tuple[str, str | None]:
    """Return the target of a URL and its userinfo; raise ValueError with the reason, without the userinfo."""
    if _COMMON.fullmatch(url):
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
        raise ValueError(f'the scheme "{scheme}" is refused; condget asks http and https only')
    if "\\" in (authority or ""):
        # Browsers read it as "/", so that such a URL names two hosts at once.
        raise ValueError("the host of the URL is no host name; it holds a backslash")
    userinfo, at, place = (authority or "").rpartition("@")
    host, port = _place(place)
    if not rest.isascii():
        rest = quote(rest, safe=_ASCII)
    return f"{scheme}://{host}{port}{rest}", userinfo if at and userinfo else None


_ASCII = "".join(map(chr, range(0x21, 0x7F)))


def _place(place: str) -> tuple[str, str]:
    """Return host and port (with its colon) of an authority, the host in A-labels."""
    host, colon, port = place, "", ""
    if not place.endswith("]"):
        host, colon, port = place.rpartition(":") if ":" in place else (place, "", "")
    if not host:
        raise ValueError("the URL has no host")
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
        raise ValueError("the port of the URL is no number from 1 to 65535")
    if host[0] == "[":
        import ipaddress

        try:
            ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]"))
        except ValueError:
            raise ValueError("the host of the URL is no IPv6 address") from None
    elif not host.isascii():
        host = _a_labels(host)
    elif not re.fullmatch(_HOST, host):
        raise ValueError("the host of the URL is no host name")
    return host, colon + port


def _a_labels(host: str) -> str:
    import idna

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ValueError(f"the host of the URL is no internationalized domain name ({error})") from None
