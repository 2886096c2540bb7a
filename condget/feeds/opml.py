"""OPML (opml.org/spec2): the outlines of a list that have an xmlUrl, with their line numbers.

Two thirds of real OPML files are not well-formed. So three readers in turn: XML as it stands, XML once the stray
ampersands are escaped, and at last a reader of HTML, which accepts anything. No document type reaches any of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser

from condget.errors import SubscriptionError
from condget.feeds.markup import Expansion, prologue, repaired

Outline = tuple[int, Mapping[str, str]]


def outlines(text: str, source: str) -> list[Outline]:
    """Return line number and attributes (names in lower case) of each outline that has an xmlUrl.

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
    lost = text.count("\n") - head.text.count("\n")
    found = _strictly(head.text) if not head.entities else None
    if found is None:
        found = _strictly(fixed)
    if found is None:
        reader = _Outlines()
        reader.feed(fixed)
        reader.close()
        found = reader.found
    return [(line + lost, attributes) for line, attributes in found if attributes.get("xmlurl", "").strip()]


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
