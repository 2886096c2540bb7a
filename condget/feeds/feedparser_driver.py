"""Drives feedparser's two parsers, which are imported nowhere else, over text that holds no document type.

feedparser's own `parse` resolves ids against an address, and falls back to a loose parser whose ids differ. The parsers
are therefore driven here, with three changes:

1. URIs stay as written, and the base in force is noted beside them (RFC 3986 §5.1).
2. The strict parser reads each item in the state that the frame around the items leaves, whatever an item before it
   left behind.
3. Every skipHours/hour and skipDays/day is kept, not only the last.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Reading:
    """What a parser found in a text."""

    #: feedparser's dictionaries. `dict.get` reads them without the renaming and the warnings of their own `get`.
    feed: Mapping[str, Any]
    entries: Sequence[Mapping[str, Any]]
    version: str
    hours: Sequence[str] = ()
    days: Sequence[str] = ()
    #: Why the strict parser stopped; None: it read the whole text.
    defect: str | None = None
    #: The text ended inside an entry, the last one.
    inside_entry: bool = False
    #: The references in ids are as written, because the loose parser read the text.
    loose: bool = False
    #: No item had an influence on anything but its own entry.
    separate: bool = False
    #: The state in which the items were read, as text.
    context: str = ""


def read_strictly(text: str) -> Reading:
    """Read well-formed XML, or ill-formed XML up to the first error."""
    import xml.sax
    import xml.sax.handler

    from feedparser.exceptions import UndeclaredNamespace

    # Without an address to start from, since joining it at every element would be a third of the time.
    parser = _parsers()[0]("", None, "utf-8")
    parser.resolve_relative_uris = parser.sanitize_html = False
    reader = _reader()()
    reader.setFeature(xml.sax.handler.feature_namespaces, True)
    reader.setFeature(xml.sax.handler.feature_external_ges, False)
    reader.setContentHandler(parser)
    reader.setErrorHandler(parser)
    defect = None
    try:
        reader.parse(io.BytesIO(text.encode("utf-8", "replace")))
    except xml.sax.SAXParseException as error:
        defect = f"{error.getMessage()} (line {error.getLineNumber()})"
    except UndeclaredNamespace as error:
        defect = str(error)
    return _reading(parser, defect=defect, separate=parser.separate, context=parser.context)


def read_loosely(text: str) -> Reading:
    """Read anything that resembles a feed."""
    parser = _parsers()[1]("", None, "utf-8", {})
    parser.resolve_relative_uris = parser.sanitize_html = False
    parser.feed(text)
    return _reading(parser, loose=True)


def _reading(parser: Any, **more: Any) -> Reading:
    return Reading(
        parser.feeddata,
        parser.entries,
        parser.version,
        parser.hours,
        parser.days,
        inside_entry=bool(parser.inentry and parser.entries),
        **more,
    )


@cache
def _parsers() -> tuple[Any, Any]:
    """Return feedparser's strict and loose parsers with the changes above; importing feedparser takes 60 ms."""
    import feedparser.api

    class Unresolved:
        """Leaves URIs as written, notes the base in force, and keeps every skipHours/hour and skipDays/day."""

        def __init__(self, *args: Any) -> None:
            self.hours: list[str] = []
            self.days: list[str] = []
            super().__init__(*args)

        def resolve_uri(self: Any, uri: str) -> str:
            dict.setdefault(self._get_context(), "base_in_force", self.baseuri)
            return uri

        def pop(self: Any, element: str, strip_whitespace: int = 1) -> Any:
            output = super().pop(element, strip_whitespace)  # type: ignore[misc]
            if output and not self.inentry and element in ("hour", "day"):
                (self.hours if element == "hour" else self.days).append(output)
            return output

        def unknown_endtag(self: Any, tag: str) -> None:
            super().unknown_endtag(tag)  # type: ignore[misc]
            if self.basestack:
                # feedparser keeps an element's base where none was in force before it.
                self.baseuri = self.basestack[-1]

    class Itemwise:
        """Reads each item in the state in which the first one began."""

        def __init__(self: Any, *args: Any) -> None:
            #: That state as text.
            self.context = ""
            #: The state before the present item.
            self.before: dict[str, Any] | None = None
            self.tangled = False
            self.ended = 0
            super().__init__(*args)

        @property
        def separate(self: Any) -> bool:
            """Whether no item had an influence on anything but its own entry (F7)."""
            return not self.tangled and not self.inentry and self.ended == len(self.entries)

        def unknown_starttag(self: Any, tag: str, attributes: Any) -> None:
            if self.inentry or not tag.endswith(("item", "entry")):
                super().unknown_starttag(tag, attributes)  # type: ignore[misc]
                return
            before = {
                name: type(value)(value) if isinstance(value, list | dict) else value
                for name, value in vars(self).items()
                if name not in _RESULTS
            }
            super().unknown_starttag(tag, attributes)  # type: ignore[misc]
            if self.inentry:
                self.before = before
                self.context = self.context or _state(before)

        def unknown_endtag(self: Any, tag: str) -> None:
            super().unknown_endtag(tag)  # type: ignore[misc]
            if self.before is not None and not self.inentry:
                self.tangled = self.tangled or self.version != self.before["version"]
                self.before["version"] = self.version
                for name in vars(self).keys() - self.before.keys() - _RESULTS:
                    delattr(self, name)
                vars(self).update(self.before)
                self.before = None
                self.ended += 1

    def begun(start: Any) -> Any:
        def method(self: Any, attributes: Any) -> None:
            # Inside an item, these elements reach beyond it.
            self.tangled = self.tangled or bool(self.inentry)
            start(self, attributes)

        return method

    names = ("item", "entry", "image", "textinput", "channel", "feed", "rss")
    starts = {f"_start_{name}": begun(getattr(feedparser.api.StrictFeedParser, f"_start_{name}")) for name in names}
    strict = type("Strict", (Itemwise, Unresolved, feedparser.api.StrictFeedParser), starts)
    loose = type("Loose", (Unresolved, feedparser.api.LooseFeedParser), {})
    return strict, loose


#: Attributes of a parser that are no part of the state in which it reads: results, and notes about itself.
_RESULTS = frozenset(
    {"entries", "feeddata", "hours", "days", "property_depth_map", "_locator"}
    | {"context", "before", "tangled", "ended"}
)


def _state(state: Mapping[str, Any]) -> str:
    """Return a parser's state as text; an item sees only the names of unfinished elements."""
    names = [element[:2] for element in state["elementstack"]]
    return repr(sorted({**state, "elementstack": names}.items()))


@cache
def _reader() -> Any:
    """Return a SAX reader that hands on text in few pieces; expat by itself ends a piece at each reference and line."""
    from xml.sax.expatreader import ExpatParser

    class Reader(ExpatParser):
        def reset(self) -> None:
            super().reset()
            self._parser.buffer_text = True  # type: ignore[attr-defined]

    return Reader
