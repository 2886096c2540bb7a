"""Cuts the text of a feed into its frame and its items, so that only what is new has to be parsed.

A cut is certain or there is none: items all of one name, side by side, right below the root or its channel, with
nothing but white space and comments between them. Together with `documents`, which reads each item in the state
that the frame leaves, that makes an entry a function of its item's text and of what stands open around it.

Remembered is one short text: digests of the frame and of what reading an item depends on, then for each item its
digest and the key of its entry. The frame's digest passes over stamps, comments and white space (F5).
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

#: Raised when documents are read otherwise than before, so that all are read whole once.
_VERSION = "1"
#: More items than that are not remembered: their digests are loaded with each poll.
_MOST_ITEMS = 1_000
#: Characters of the digest of a frame or context, of an item's digest, and of a key.
_LONG, _SHORT, _KEY = 12, 8, 12

# Possessive, and what never ends takes the rest: each character is looked at once, whatever comes.
_CDATA = r"<!\[CDATA\[(?:[^\]]*+(?:\](?!\]>)[^\]]*+)*+\]\]>|.*)"
_MARK = re.compile(
    rf"{_CDATA}|<!--(?:.*?-->|.*)|<\?(?:.*?\?>|.*)|<(/?+)((?:[\w.-]++:)?+(?i:item|entry))(?=[\s/>])", re.DOTALL
)
_ATTRIBUTES = r"""(?:[^<>"']|"[^"<]*+"|'[^'<]*+')*+"""
_ITEM_START = re.compile(rf"<[^\s<>/]+({_ATTRIBUTES})>")
_ITEM_END = re.compile(r"[ \t\r\n]*+>")
# As XML has comments: without "--", and without characters that it forbids.
_COMMENT = "<!--(?:[^-\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]|-(?!-))*+-->"
_GAP = re.compile(rf"(?:[ \t\r\n]++|{_COMMENT})*+")
_TOKEN = re.compile(
    rf"([^<]*+)(?:({_COMMENT})|({_CDATA}|<\?.*?\?>)|</([^\s<>/]++)[ \t\r\n]*+>|<([^\s<>/!?]++)({_ATTRIBUTES})>)",
    re.DOTALL,
)
#: Elements of a channel whose content is a moment in plain ASCII: no part of title, link or hints.
_STAMP = re.compile(
    r"[ \t\r\n]*+<((?:[A-Za-z]+:)?(?:lastBuildDate|pubDate|updated|modified|date))>[A-Za-z0-9 \t\r\n,:+./-]{0,64}</\1>"
)


@dataclass(frozen=True, slots=True)
class Cut:
    """The text of a document in pieces."""

    head: str
    items: tuple[str, ...]
    tail: str
    #: The items' name as written.
    name: str
    #: The start tags of the elements around the items.
    opened: tuple[str, ...]
    #: Head and tail without what says nothing.
    frame: str

    def around(self, items: Sequence[str]) -> str:
        """Return a document of the frame, an empty item and some of the items."""
        return f"{self.head}<{self.name}></{self.name}>{''.join(items)}{self.tail}"


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of the last document of a feed."""

    frame: str
    context: str
    #: The keys of the entries by the digest of their items.
    keys: Mapping[str, str]


def cut(text: str) -> Cut | None:
    """Cut a document without XML declaration and document type; None where the cut is not certain."""
    spans = _spans(text)
    if not spans:
        return None
    start, end = spans[0][0], spans[-1][1]
    opened: list[tuple[str, str]] = []
    frame: list[str] = []
    head, tail = text[:start], text[end:]
    if not _walk(head, opened, frame) or not opened or not _in_channel(opened):
        return None
    around = tuple(tag for _, tag in opened)
    frame.append("\0")
    if not _walk(tail, opened, frame) or opened:
        return None
    items = tuple(text[first:last] for first, last in spans)
    name = re.match(r"<([^\s/>]+)", items[0])
    assert name is not None
    return Cut(head, items, tail, name[1], around, "".join(frame))


def digest(*parts: str, size: int = _LONG) -> str:
    """Return a digest of that many characters, a multiple of four."""
    text = "\0".join((_VERSION, *parts)).encode("utf-8", "surrogatepass")
    return urlsafe_b64encode(blake2b(text, digest_size=size * 3 // 4).digest()).decode()


def digests(items: Sequence[str]) -> tuple[str, ...]:
    """Return the digest of each item: six bytes, among 1,000 items a chance of one in 10^11 to take one for another."""
    return tuple(digest(item, size=_SHORT) for item in items)


def remembered(frame: str, context: str, keys: Mapping[str, str]) -> str:
    """Return as text what is to be remembered, or nothing where that would be too much."""
    return frame + context + "".join(map("".join, keys.items())) if len(keys) <= _MOST_ITEMS else ""


def recalled(text: str) -> Memory | None:
    """Return what `remembered` wrote, None where nothing is remembered."""
    step = _SHORT + _KEY
    if len(text) <= 2 * _LONG or (len(text) - 2 * _LONG) % step:
        return None
    starts = range(2 * _LONG, len(text), step)
    keys = {text[at : at + _SHORT]: text[at + _SHORT : at + step] for at in starts}
    return Memory(text[:_LONG], text[_LONG : 2 * _LONG], keys)


def _spans(text: str) -> list[tuple[int, int]] | None:
    """Return where the items begin and end."""
    spans: list[tuple[int, int]] = []
    start, first = -1, ""
    for mark in _MARK.finditer(text):
        name = mark[2]
        if name is None:
            continue  # what looks like an item in there is none
        if name != first:
            if first:
                return None
            first = name
        if not mark[1]:
            if start >= 0 or (spans and not _GAP.fullmatch(text, spans[-1][1], mark.start())):
                return None
            start = mark.start()
            if text[mark.end()] != ">":
                tag = _ITEM_START.match(text, start)
                # A namespace declared here would be part of what the next item is read with.
                if tag is None or tag[1].endswith("/") or "xmlns" in tag[1]:
                    return None
        else:
            end = _ITEM_END.match(text, mark.end())
            if start < 0 or end is None:
                return None
            spans.append((start, end.end()))
            start = -1
    return spans if start < 0 else None


def _in_channel(opened: Sequence[tuple[str, str]]) -> bool:
    """Whether a place is outside the root, right below it, or right below its channel."""
    return len(opened) < 2 or (len(opened) == 2 and opened[1][0].rpartition(":")[2].lower() == "channel")


def _walk(text: str, opened: list[tuple[str, str]], frame: list[str]) -> bool:
    """Follow the tags of a part of the frame, and add to `frame` what says something; False where they do not fit."""
    position = 0
    while position < len(text):
        level = _in_channel(opened)
        if level and opened and (stamp := _STAMP.match(text, position)):
            frame.append(f"<{stamp[1]}\0>")
            position = stamp.end()
            continue
        token = _TOKEN.match(text, position)
        if token is None:
            return not text[position:].strip(" \t\r\n")
        before, comment, _, ended, started, attributes = token.groups()
        if not level or before.strip(" \t\r\n"):
            frame.append(before)
        position = token.end()
        if comment is not None and level:
            continue
        written = token[0][len(before) :]
        frame.append(written)
        if ended is not None:
            if not opened or opened.pop()[0] != ended:
                return False
        elif started is not None and not attributes.endswith("/"):
            opened.append((started, written))
    return True
