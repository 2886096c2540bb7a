"""Lists of feeds: a URL per line with options behind it, or OPML. Text in, subscriptions out.

One bad line costs that line (D9): it is refused by file name and line number, and the other feeds are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeVar
from urllib.parse import unquote

from condget.errors import SubscriptionError
from condget.feeds.feed_options import NO_OPTIONS, Options, is_option, read_options
from condget.feeds.feed_urls import PLAIN, foreign_scheme, target_of

__all__ = [
    "FeedList",
    "Options",
    "RefusedLine",
    "Subscription",
    "contradictions",
    "merge",
    "parse_list",
    "read_line",
    "read_list",
    "single",
]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A feed to poll. `userinfo` is as written (percent-encoded) and is sent as Authorization to that origin only."""

    url: str
    userinfo: str | None = field(default=None, repr=False)
    #: Where it was configured: "feeds.txt:3".
    source: str = ""
    name: str | None = None
    options: Options = NO_OPTIONS

    @property
    def key(self) -> str:
        """The key of the feed in the state file: the URL, and a digest of the user name if there is one."""
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


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line of a list that does not name a feed which can be polled."""

    #: "feeds.txt:3"
    source: str
    #: Why, without secrets.
    reason: str
    #: The line's first word, which may hold a password and anything else.
    written: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


@dataclass(frozen=True, slots=True)
class FeedList:
    """The content of a list of feeds."""

    subscriptions: tuple[Subscription, ...]
    refused: tuple[RefusedLine, ...] = ()
    #: A sentence about the entries that were skipped on purpose; None: no entry was.
    skipped: str | None = None


def read_list(data: bytes | str, source: str) -> FeedList:
    """Read a list of feeds, OPML or plain, as far as it goes; `source` names it in errors.

    Raises:
        SubscriptionError: it is not a list of feeds at all.
    """
    text = list_text(data).removeprefix("\ufeff")
    if text.lstrip()[:1] == "<":
        return _read_opml(text, source)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return FeedList(*_read_rows(enumerate(lines, 1), _line, source))


def parse_list(data: bytes | str, source: str) -> tuple[Subscription, ...]:
    """Return the feeds of a list that has no bad line.

    Raises:
        SubscriptionError: lines are refused; the text has one line for each.
    """
    feeds = read_list(data, source)
    if feeds.refused:
        raise SubscriptionError("\n".join(map(str, feeds.refused)))
    return feeds.subscriptions


def merge(lists: Iterable[Iterable[Subscription]]) -> tuple[Subscription, ...]:
    """Return the subscriptions of several lists; of the same feed the first one counts (B9)."""
    first: dict[str, Subscription] = {}
    for subscriptions in lists:
        for subscription in subscriptions:
            first.setdefault(subscription.key, subscription)
    return tuple(first.values())


def contradictions(lists: Iterable[Iterable[Subscription]]) -> tuple[str, ...]:
    """Return in sentences which lines name a feed of another line with other options, and so are skipped."""
    first: dict[str, Subscription] = {}
    sentences: list[str] = []
    for subscription in chain.from_iterable(lists):
        other = first.setdefault(subscription.key, subscription)
        names_differ = other.name and subscription.name and other.name != subscription.name
        is_listed = "command line" not in (other.source, subscription.source)
        if is_listed and (names_differ or other.options != subscription.options):
            sentences.append(f"{subscription.source}: this feed is in {other.source} with other options, which count")
    return tuple(sentences)


def single(url: str) -> Subscription:
    """Return the subscription of a URL on the command line.

    Raises:
        SubscriptionError: the URL is refused.
    """
    try:
        target, userinfo = target_of(url.strip())
    except ValueError as error:
        raise SubscriptionError(f"command line: {error}") from None
    return Subscription(target, userinfo, "command line")


def read_line(line: str, source: str, number: int) -> Subscription | RefusedLine | None:
    """Return the feed that a line of a text list names, or why it is refused; None for a comment or an empty line."""
    subscriptions, refused = _read_rows([(number, line)], _line, source)
    return subscriptions[0] if subscriptions else refused[0] if refused else None


_Row = TypeVar("_Row")


def _read_rows(
    rows: Iterable[tuple[int, _Row]], read: Callable[[str, _Row], Subscription | None], source: str
) -> tuple[tuple[Subscription, ...], tuple[RefusedLine, ...]]:
    """Return what `read` makes of numbered rows, and the rows for which it raises ValueError."""
    subscriptions: list[Subscription] = []
    refused: list[RefusedLine] = []
    for number, row in rows:
        where = f"{source}:{number}"
        try:
            subscription = read(where, row)
        except ValueError as error:
            written = row if isinstance(row, str) else row["xmlurl"] if isinstance(row, Mapping) else ""
            refused.append(RefusedLine(where, str(error), written.strip().partition(" ")[0]))
            continue
        if subscription is not None:
            subscriptions.append(subscription)
    return tuple(subscriptions), tuple(refused)


def list_text(data: bytes | str) -> str:
    """Return the text of a list."""
    if isinstance(data, str):
        return data
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        from condget.feeds.charsets import decode

        return decode(data)
    # A comment may be in any encoding; bytes that are not UTF-8 are refused where they are part of a URL or option.
    return data.decode("utf-8-sig", "surrogateescape")


def _line(where: str, line: str) -> Subscription | None:
    if PLAIN.fullmatch(line):
        return Subscription(line, None, where)
    written, _, rest = line.strip(" \t").replace("\t", " ").partition(" ")
    if not written or written[0] == "#":
        return None
    target, userinfo = target_of(_utf8(written))
    if not rest:
        return Subscription(target, userinfo, where)
    name, options = read_options(option_words(rest))
    return Subscription(target, userinfo, where, name, options)


_WORD = r"""(?:[^\s"'\\]|"(?:[^"\\]|\\.)*+"|'[^']*+'|\\.)++"""
_QUOTED = r""""((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)"""


def option_words(text: str) -> Iterable[tuple[str, str]]:
    """Split `key=value` pairs as a shell would, up to a comment."""
    position, text = 0, text.strip()
    while position < len(text) and text[position] != "#":
        word = re.compile(_WORD).match(text, position)
        if word is None:
            raise ValueError("a quotation mark is not closed")
        key, equals, value = _utf8(word[0]).partition("=")
        if not equals:
            raise ValueError("options behind the URL are written key=value; a space inside a URL is written %20")
        yield key, re.sub(_QUOTED, _unquoted, value)
        position = word.end()
        while text[position : position + 1].isspace():
            position += 1


def _unquoted(match: re.Match[str]) -> str:
    double, single_quoted, escaped = match.groups()
    return re.sub(r"\\(.)", r"\1", double) if double is not None else single_quoted or escaped or ""


def _utf8(text: str) -> str:
    if not text.isascii() and re.search("[\udc80-\udcff]", text):
        raise ValueError("not UTF-8 text; save the list as UTF-8")
    return text


def _read_opml(text: str, source: str) -> FeedList:
    from condget.feeds.opml import read_outlines

    outlines = read_outlines(text, source)
    feeds, foreign, disabled = [], [], 0
    for number, attributes, _ in outlines.found:
        if scheme := foreign_scheme(attributes["xmlurl"].strip()):
            foreign.append(scheme)
        elif attributes.get("disabled", "").lower() == "true":
            disabled += 1
        else:
            feeds.append((number, attributes))
    subscriptions, refused = _read_rows(feeds, _outline, source)
    if outlines.breaks_off_at is not None:
        where = f"{source}:{outlines.breaks_off_at}"
        refused += (RefusedLine(where, "the file breaks off here; feeds behind this line are missing"),)
    return FeedList(subscriptions, refused, _skipped(source, foreign, disabled))


def _skipped(source: str, foreign: list[str], disabled: int) -> str | None:
    """Say which outlines of a reader's export are not for condget."""
    clauses = []
    if foreign:
        clauses.append(f"{len(foreign)} that are not http or https ({', '.join(sorted(set(foreign)))})")
    if disabled:
        clauses.append(f"{disabled} that are disabled")
    return f"{source}: outlines are skipped: {' and '.join(clauses)}" if clauses else None


def _outline(where: str, attributes: Mapping[str, str]) -> Subscription | None:
    target, userinfo = target_of(attributes["xmlurl"].strip())
    pairs = []
    for attribute, value in attributes.items():
        prefix, _, option = attribute.rpartition(":")
        if prefix == "condget" or (not prefix and is_option(option) and option != "name"):
            values = value.splitlines() if option == "header" else [value]
            pairs += [(option, value.strip()) for value in values]
    name, options = read_options(pairs)
    title = name or " ".join((attributes.get("text") or attributes.get("title") or "").split())
    return Subscription(target, userinfo, where, title or None, options)
