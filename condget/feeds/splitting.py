"""Splits the text of a feed into its frame and its items.

Contract: a split is certain, or there is none. The items all have one name, stand side by side right below the root or
its channel, and nothing but white space and comments stands between them. Together with `feedparser_driver`, which
reads each item in the state that the frame leaves, that makes an entry a function of its item's text and of the
elements that are open around the item.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Possessive quantifiers; a section that never ends takes the rest. So each character is visited once, whatever comes.
_CDATA = r"<!\[CDATA\[(?:[^\]]*+(?:\](?!\]>)[^\]]*+)*+\]\]>|.*)"
_MARK = re.compile(
    rf"{_CDATA}|<!--(?:.*?-->|.*)|<\?(?:.*?\?>|.*)|<(/?+)((?:[\w.-]++:)?+(?i:item|entry))(?=[\s/>])", re.DOTALL
)
_ATTRIBUTES = r"""(?:[^<>"']|"[^"<]*+"|'[^'<]*+')*+"""
_ITEM_START = re.compile(rf"<[^\s<>/]+({_ATTRIBUTES})>")
_ITEM_END = re.compile(r"[ \t\r\n]*+>")
# A comment as XML defines it: without "--", and without forbidden characters.
_COMMENT = "<!--(?:[^-\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]|-(?!-))*+-->"
_GAP = re.compile(rf"(?:[ \t\r\n]++|{_COMMENT})*+")
_TOKEN = re.compile(
    rf"([^<]*+)(?:({_COMMENT})|({_CDATA}|<\?.*?\?>)|</([^\s<>/]++)[ \t\r\n]*+>|<([^\s<>/!?]++)({_ATTRIBUTES})>)",
    re.DOTALL,
)
#: Elements of a channel that hold a moment in plain ASCII; they do not belong to title or hints.
_STAMP = re.compile(
    r"[ \t\r\n]*+<((?:[A-Za-z]+:)?(?:lastBuildDate|pubDate|updated|modified|date))>[A-Za-z0-9 \t\r\n,:+./-]{0,64}</\1>"
)


#: Elements in one another; feeds have about ten.
_DEEPEST = 100
#: Tags and comments of a frame, and items, beyond which a split takes too long; frames have about fifty.
_MOST_TOKENS, _MOST_ITEMS = 10_000, 10_000


@dataclass(frozen=True, slots=True)
class Split:
    """The text of a document in pieces."""

    head: str
    items: tuple[str, ...]
    tail: str
    #: The name of the items as written.
    name: str
    #: The start tags of the elements around the items.
    opened: tuple[str, ...]
    #: Head and tail without stamps, comments and white space between elements (F5).
    frame: str

    def around(self, items: Sequence[str]) -> str:
        """Return a document of the frame, an empty item and these items."""
        return f"{self.head}<{self.name}></{self.name}>{''.join(items)}{self.tail}"


def split(text: str) -> Split | None:
    """Split a document without XML declaration and document type; None where the split is not certain."""
    spans = _spans(text, most=_MOST_ITEMS)
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
    return Split(head, items, tail, name[1], around, "".join(frame))


def closed(text: str) -> str | None:
    """Return a document whose end is missing up to its last complete item, with the end tags of what is open there.

    None where that is not certain.
    """
    spans = _spans(text, complete=False)
    opened: list[tuple[str, str]] = []
    if not spans or not _walk(text[: spans[0][0]], opened, []) or not opened or not _in_channel(opened):
        return None
    return text[: spans[-1][1]] + "".join(f"</{name}>" for name, _ in reversed(opened))


def items_in(text: str) -> tuple[str, ...]:
    """Return the items that stand side by side in a text; none where that is not certain."""
    return tuple(text[start:end] for start, end in _spans(text) or ())


def _spans(text: str, *, complete: bool = True, most: int | None = None) -> list[tuple[int, int]] | None:
    """Return the positions at which items begin and end; None where the split is not certain, or with too many items.

    The last item of a text that is not `complete` may have no end, and does not count.
    """
    spans: list[tuple[int, int]] = []
    start, first = -1, ""
    for mark in _MARK.finditer(text):
        name = mark[2]
        if name is None:
            continue  # a tag inside a section or comment is text
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
                # feedparser would read the next item with a namespace that this item declares.
                if tag is None or tag[1].endswith("/") or "xmlns" in tag[1]:
                    return None
        else:
            end = _ITEM_END.match(text, mark.end())
            if start < 0 or end is None:
                return None if complete or start < 0 else spans
            spans.append((start, end.end()))
            start = -1
            if len(spans) == most:
                return None
    return spans if start < 0 or not complete else None


def _in_channel(opened: Sequence[tuple[str, str]]) -> bool:
    """Whether a position is outside the root, right below it, or right below its channel."""
    return len(opened) < 2 or (len(opened) == 2 and opened[1][0].rpartition(":")[2].lower() == "channel")


def _walk(text: str, opened: list[tuple[str, str]], frame: list[str]) -> bool:
    """Follow the tags of one part of the frame and append its meaningful text to `frame`; False if tags mismatch."""
    position = tokens = 0
    while position < len(text):
        if (tokens := tokens + 1) > _MOST_TOKENS:
            return False
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
            if len(opened) > _DEEPEST:
                return False
    return True
