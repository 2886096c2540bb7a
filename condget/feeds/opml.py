"""OPML (opml.org/spec2): the outlines of a list that have an xmlUrl, with their line numbers.

Two thirds of real OPML files are not well-formed. So there are three readers, each used where the one before fails:
XML as it stands, XML with stray ampersands escaped, and a reader of loose tags, which accepts anything. None of them is
given the document type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from condget.errors import SubscriptionError
from condget.feeds.loose_tags import tags
from condget.feeds.markup import Expansion, prologue, repaired


class Outline(NamedTuple):
    """An outline: line number, attributes (names in lower case), and the names of the outlines around it."""

    line: int
    attributes: Mapping[str, str]
    folders: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name of the outline for people; \"\" if it has none."""
        return " ".join((self.attributes.get("text") or self.attributes.get("title") or "").split())

    @property
    def is_feed(self) -> bool:
        return bool(self.attributes.get("xmlurl", "").strip())


@dataclass(frozen=True, slots=True)
class Outlines:
    """The feeds of a document: the outlines that have an xmlUrl."""

    found: tuple[Outline, ...]
    #: The last line of a document that has no end; None: it is complete.
    breaks_off_at: int | None = None


def read_outlines(text: str, source: str) -> Outlines:
    """Return the outlines of a document, as far as it goes.

    Raises:
        SubscriptionError: the document is not OPML.
    """
    head = prologue(text)
    if (head.root or "").rpartition(":")[2].lower() != "opml":
        what = f"markup with the root element <{head.root}>" if head.root else "markup without a root element"
        raise SubscriptionError(
            f"{source}: {what} is not a list of feeds; give OPML, or a text file with a URL per line"
        )
    try:
        fixed = repaired(head.text, head.entities)
    except Expansion as error:
        raise SubscriptionError(f"{source}: {error}") from None
    document_type_lines = text.count("\n") - head.text.count("\n")
    outlines = _strictly(head.text) if not head.entities else None
    if outlines is None:
        outlines = _strictly(fixed)
    breaks_off_at = None
    if outlines is None:
        outlines = _loosely(fixed)
        if not re.search(r"</(?:[\w.-]+:)?opml\b", fixed, re.IGNORECASE):
            breaks_off_at = len(text.rstrip().split("\n"))
    feeds = tuple(outline._replace(line=outline.line + document_type_lines) for outline in outlines if outline.is_feed)
    return Outlines(feeds, breaks_off_at)


def _strictly(text: str) -> list[Outline] | None:
    """Return all outlines, or None where the text is not well-formed XML."""
    from xml.parsers import expat

    parser = expat.ParserCreate("utf-8")
    tree = _Tree()

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.lower() == "outline":
            tree.start(parser.CurrentLineNumber, {key.lower(): value for key, value in attributes.items()})

    def end(name: str) -> None:
        if name.lower() == "outline":
            tree.end()

    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError:
        return None
    return tree.outlines


class _Tree:
    """Gathers outlines while a parser walks through them."""

    def __init__(self) -> None:
        self.outlines: list[Outline] = []
        self._open: list[Outline] = []

    def start(self, line: int, attributes: Mapping[str, str]) -> None:
        folders: tuple[str, ...] = ()
        if self._open:
            # A feed that holds others was not closed, as in many broken files: it is not a folder.
            parent = self._open[-1]
            folders = parent.folders if parent.is_feed or not parent.label else (*parent.folders, parent.label)
        outline = Outline(line, attributes, folders)
        self.outlines.append(outline)
        # Deeper than any list goes: each outline carries the names of those around it.
        self._open.append(outline if len(outline.folders) < _DEEPEST else self._open[-1])

    def end(self) -> None:
        if self._open:
            self._open.pop()


_DEEPEST = 20


def _loosely(text: str) -> list[Outline]:
    """Return the outlines of a text that is not XML."""
    tree, line, position = _Tree(), 1, 0
    for tag in tags(text, "outline"):
        line, position = line + text.count("\n", position, tag.start), tag.start
        if not tag.is_end:
            tree.start(line, tag.attributes)
        if tag.is_end or tag.is_empty:
            tree.end()
    return tree.outlines
