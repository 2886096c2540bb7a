"""OPML (opml.org/spec2): the outlines of a list that have an xmlUrl, with their line numbers.

Two thirds of real OPML files are not well-formed. So there are three readers, each used where the one before fails:
XML as it stands, XML with stray ampersands escaped, and a reader of HTML, which accepts anything. None of them is
given the document type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser

from condget.errors import SubscriptionError
from condget.feeds.markup import Expansion, prologue, repaired

Outline = tuple[int, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Outlines:
    """The feeds of a document: line number and attributes (names in lower case) of each outline with an xmlUrl."""

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
        raise SubscriptionError(f"{source}: {what} is no list of feeds; give OPML, or a text file with a URL per line")
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
        reader = _Outlines()
        reader.feed(fixed)
        reader.close()
        outlines = reader.found
        if not re.search(r"</(?:[\w.-]+:)?opml\b", fixed, re.IGNORECASE):
            breaks_off_at = len(text.rstrip().split("\n"))
    found = tuple(
        (line + document_type_lines, attributes)
        for line, attributes in outlines
        if attributes.get("xmlurl", "").strip()
    )
    return Outlines(found, breaks_off_at)


def _strictly(text: str) -> list[Outline] | None:
    """Return all outlines, or None where the text is not well-formed XML."""
    from xml.parsers import expat

    parser = expat.ParserCreate("utf-8")
    found: list[Outline] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.lower() == "outline":
            found.append((parser.CurrentLineNumber, {key.lower(): value for key, value in attributes.items()}))

    parser.StartElementHandler = start
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError:
        return None
    return found


class _Outlines(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Outline] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "outline":
            self.found.append((self.getpos()[0], {key: value or "" for key, value in attrs}))
