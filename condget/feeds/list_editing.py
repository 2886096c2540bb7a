"""Edits of a list of feeds that leave every other byte as it is: URLs that moved, a feed that is added. Pure.

A list is text with a URL per line, or OPML. Comments, order, encoding and line ends stay; what is written is ASCII, so
that it fits every encoding a list can have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from xml.sax.saxutils import escape

from condget.errors import SubscriptionError
from condget.feeds.feed_urls import target_of
from condget.feeds.loose_tags import BODY, COMMENT
from condget.feeds.subscriptions import Subscription, read_list
from condget.shown import without_credentials
from condget.urls import origin_of

_OUTLINE = re.compile(rf"{COMMENT}|<outline\b({BODY})", re.IGNORECASE | re.DOTALL)
_XML_URL = re.compile(r"""\sxmlUrl\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_END_OF_BODY = re.compile(rf"{COMMENT}|([ \t]*)</body\s*>|<body\s*(/)>", re.IGNORECASE | re.DOTALL)

# A quotation mark that is not closed hides the rest of the line.
_HEADER = re.compile(
    r"""header\s*=\s*(?:(?:[^\s"'\\]|"(?:[^"\\]|\\.)*+"|'[^']*+'|\\.)++(?![^\s/>])|.*)""", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Moves:
    """A list after its feeds' moves, and why some of them were left as they are, in sentences."""

    data: bytes
    kept: tuple[str, ...] = ()


def follow_moves(data: bytes, source: str, moves: Mapping[str, str]) -> Moves:
    """Return a list with new URLs for the feeds that moved.

    A feed with a password or a header of its own keeps its URL where the new one is of another origin: whoever can
    redirect a feed could collect its secrets otherwise (E5). A feed keeps its URL, too, where another line has the new
    one.

    Args:
        data: the list.
        source: names it in sentences.
        moves: the new URLs, by the keys of subscriptions.

    Raises:
        SubscriptionError: it is not a list of feeds.
    """
    text, encode = _decoded(data)
    listed = {subscription.key: subscription for subscription in read_list(data, source).subscriptions}
    kept: dict[str, str] = {}
    pieces: list[str] = []
    position = 0
    for place in _places(text):
        try:
            target, userinfo = target_of(place.url)
        except ValueError:
            continue
        key = Subscription(target, userinfo).key
        if (subscription := listed.get(key)) is None or (new := moves.get(key)) in (None, target):
            continue
        assert new is not None
        if (userinfo or subscription.options.headers) and not _is_trusted(target, new):
            kept[key] = (
                f"{subscription.source}: the feed moved to {new}; it has a password or a header, which condget does "
                "not hand to another host: change the line by hand"
            )
            continue
        if (other := listed.get(Subscription(new, userinfo).key)) is not None and other is not subscription:
            kept[key] = f"{subscription.source}: the feed moved to {new}, which {other.source} has, too: remove one"
            continue
        listed[Subscription(new, userinfo).key] = subscription
        if userinfo:
            new = new.replace("://", f"://{userinfo}@", 1)
        pieces += [text[position : place.start], attribute(new) if place.is_markup else new]
        position = place.end
    return Moves(encode("".join([*pieces, text[position:]])), tuple(kept.values()))


def with_feed(data: bytes, source: str, url: str, title: str | None) -> bytes:
    """Return a list with one more feed at its end; OPML has its title, too.

    Raises:
        SubscriptionError: it is OPML without an end.
    """
    text, encode = _decoded(data)
    newline = "\r\n" if "\r\n" in text else "\n" if "\n" in text or "\r" not in text else "\r"
    if not _is_markup(text):
        gap = newline if text.removeprefix("\ufeff") and not text.endswith(("\n", "\r")) else ""
        return encode(f"{text}{gap}{url}{newline}")
    ends = [match for match in _END_OF_BODY.finditer(text) if match[1] is not None or match[2]]
    if not ends:
        raise SubscriptionError(f"{source}: the file has no </body>; add the feed by hand")
    end = ends[-1]
    indent = (end[1] or "") + "  "
    name = attribute(" ".join((title or url).split()))
    outline = f'{indent}<outline type="rss" text="{name}" xmlUrl="{attribute(url)}"/>{newline}'
    if end[2]:
        return encode(f"{text[: end.start()]}<body>{newline}{outline}</body>{text[end.end() :]}")
    gap = "" if text[: end.start()].endswith(("\n", "\r")) else newline
    return encode(f"{text[: end.start()]}{gap}{outline}{text[end.start() :]}")


def without_secrets(text: str) -> str:
    """Return the text of a list without passwords and the values of `header=`, to show it.

    >>> without_secrets('https://ann:secret@example.org/feed header="X-Key: 1" every=6h')
    'https://example.org/feed header=*** every=6h'
    """
    return without_credentials(_HEADER.sub("header=***", text))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a URL stands in a list."""

    start: int
    end: int
    url: str
    is_markup: bool


def _places(text: str) -> Iterator[_Place]:
    if not _is_markup(text):
        for line in re.finditer(r"[^\r\n]+", text):
            word = re.compile(r"[ \t\ufeff]*([^ \t\r\n]+)").match(text, line.start())
            if word is not None and word[1][0] != "#":
                yield _Place(word.start(1), word.end(1), word[1], False)
        return
    for outline in _OUTLINE.finditer(text):
        if outline[1] is not None and (url := _XML_URL.search(outline[1])):
            group = 1 if url[1] is not None else 2
            start, end = url.span(group)
            yield _Place(outline.start(1) + start, outline.start(1) + end, unescape(url[group]).strip(), True)


def _decoded(data: bytes) -> tuple[str, Callable[[str], bytes]]:
    """Return the text of a list, and a function that gives the bytes of an edited text."""
    mark, codec, errors = b"", "utf-8", "surrogateescape"  # bytes of another encoding pass through as they are
    for utf16_mark, utf16 in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(utf16_mark):
            mark, codec, errors = utf16_mark, utf16, "surrogatepass"
    return data[len(mark) :].decode(codec, errors), lambda text: mark + text.encode(codec, errors)


def _is_markup(text: str) -> bool:
    return text.lstrip("\ufeff \t\r\n")[:1] == "<"


def attribute(value: str) -> str:
    """Return the value of an attribute of OPML as ASCII text without its quotation marks."""
    escaped = escape(value, {'"': "&quot;"})
    return "".join(c if " " <= c <= "~" else f"&#{ord(c)};" for c in escaped if c == "\n" or _is_xml(c))


def _is_xml(c: str) -> bool:
    return c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff"


def _is_trusted(old: str, new: str) -> bool:
    """Whether a feed's secrets may follow it: to the same origin, or from http to https on the same host."""
    before, after = origin_of(old), origin_of(new)
    return before == after or (before == ("http", after[1], 80) and after == ("https", after[1], 443))
