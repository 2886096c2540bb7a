"""Drives feedparser's two parsers, which are imported nowhere else, over text that holds no document type.

feedparser's own `parse` resolves ids against an address, and falls back to a loose parser whose ids differ. Its parsers
are therefore driven here, with these changes:

1. URIs stay as written, and the base in force is noted beside them (RFC 3986 §5.1). Every skipHours/hour and
   skipDays/day is kept, not only the last.
2. expat calls the strict parser without SAX in between, whose look-up of attributes takes quadratic time.
3. The strict parser reads each item in the state that the frame around the items leaves, whatever an item before it
   left behind.
4. Elements of an item that say nothing of what `feedparser_entries` reads are skipped with all that is in them: much
   of the time, and most of what feedparser fails on.
5. Categories of an item are read here.
6. An element that makes feedparser raise is left out; where that does not help, its item is (F4).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

import feedparser.api

from condget.feeds.values import MOST_ENTRIES

#: Elements of an item, in other namespaces than those of RSS and Atom, that say something of what `feedparser_entries`
#: reads. All other prefixed elements are skipped.
_TELLING = frozenset(
    {"content:encoded", "xhtml:body", "itunes:summary", "media:group", "media:content", "media:title"}
    | {"media:description", "dc:title", "dc:description", "dc:date"}
    | {"dcterms:created", "dcterms:issued", "dcterms:modified"}
    | {"dc:author", "dc:creator", "itunes:author", "dc:subject", "media:category", "media:keywords", "itunes:keywords"}
)
#: Elements of RSS and Atom that are skipped in an item.
_SILENT = frozenset(
    {"cloud", "comments", "contributor", "copyright", "generator", "image", "rights", "source"}
    | {"subtitle", "textinput", "webmaster"}
)
#: Children of an item that are read here, since feedparser takes quadratic time for many of them.
_CATEGORIES = frozenset({"category", "dc:subject"})
#: Inside an item, these elements reach beyond it.
_REACHING = frozenset({"item", "entry", "channel", "feed", "rss"})
#: How often a document is read again without the elements that feedparser failed on.
_RETRIES = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of one parser for one text."""

    #: feedparser's dictionaries. `dict.get` reads them without the renaming and the warnings of their own `get`.
    feed: Mapping[str, Any]
    entries: Sequence[Mapping[str, Any]]
    version: str
    hours: Sequence[str] = ()
    days: Sequence[str] = ()
    #: Why the strict parser stopped; None: it read the whole text.
    defect: str | None = None
    #: How many elements were left out because feedparser fails on them.
    left_out: int = 0
    #: There are more than `MOST_ENTRIES` entries.
    too_many: bool = False
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
    data = text.encode("utf-8", "replace")
    faulty: set[int] = set()
    for attempt in range(_RETRIES + 1):
        parser = _Strict(faulty)
        defect = parser.read(data)
        if parser.place.faults <= faulty or attempt == _RETRIES:
            break
        faulty |= parser.place.faults
    place = parser.place
    separate = not place.tangled and not parser.inentry and place.ended == len(parser.entries) and not faulty
    left_out = len(faulty | place.faults)
    return _reading(parser, defect=defect, separate=separate, context=place.context, left_out=left_out)


def read_loosely(text: str) -> Reading:
    """Read anything that resembles a feed."""
    parser = _Loose()
    parser.feed(text)
    return _reading(parser, loose=True, left_out=parser.faults)


def _reading(parser: Any, **more: Any) -> Reading:
    return Reading(
        parser.feeddata,
        parser.entries[:MOST_ENTRIES],
        parser.version,
        parser.hours,
        parser.days,
        too_many=len(parser.entries) > MOST_ENTRIES,
        inside_entry=bool(parser.inentry and parser.entries),
        **more,
    )


class _Unresolved:
    """Leaves URIs as written, notes the base in force, and keeps every skipHours/hour and skipDays/day."""

    def __init__(self, *args: Any) -> None:
        self.hours: list[str] = []
        self.days: list[str] = []
        self.resolve_relative_uris = self.sanitize_html = False
        super().__init__(*args)
        self.contentparams = _Parameters()

    def resolve_uri(self: Any, uri: str) -> str:
        dict.setdefault(self._get_context(), "base_in_force", self.baseuri)
        return uri

    def pop(self: Any, element: str, strip_whitespace: int = 1) -> Any:
        output = super().pop(element, strip_whitespace)  # type: ignore[misc]
        if output and not self.inentry and element in ("hour", "day"):
            (self.hours if element == "hour" else self.days).append(output)
        return output

    def push_content(self: Any, *args: Any) -> None:
        super().push_content(*args)  # type: ignore[misc]
        self.contentparams = _Parameters(self.contentparams)

    def unknown_endtag(self: Any, tag: str) -> None:
        super().unknown_endtag(tag)  # type: ignore[misc]
        if self.basestack:
            # feedparser keeps an element's base where none was in force before it.
            self.baseuri = self.basestack[-1]


class _Parameters(feedparser.api.FeedParserDict):  # type: ignore[misc]
    """The type, language and base of a text, which feedparser copies deeply for each text.

    None of these is a name that feedparser's dictionaries have another name for, so that no look-up translates it.
    """

    get = dict.get
    __getitem__ = dict.__getitem__

    def __deepcopy__(self, memo: object) -> Any:
        return feedparser.api.FeedParserDict(self)


class _Loose(_Unresolved, feedparser.api.LooseFeedParser):  # type: ignore[misc]
    def __init__(self) -> None:
        self.faults = 0
        super().__init__("", None, "utf-8", {})

    def unknown_starttag(self, tag: str, attributes: Any) -> None:
        self._tried(super().unknown_starttag, tag, attributes)

    def unknown_endtag(self, tag: str) -> None:
        self._tried(super().unknown_endtag, tag)

    def _tried(self, handle: Callable[..., None], *args: Any) -> None:
        try:
            handle(*args)
        except Exception:  # noqa: BLE001 - F4: the tag is left out, and the states that it may have left half-way
            self.faults += 1
            self.incontent = self.inimage = self.intextinput = self.insource = 0
            self.contentparams.clear()


class _Text(str):
    """Text that feedparser translates from windows-1252 only where it holds such characters: a third of the time."""

    __slots__ = ()

    def translate(self, table: Any) -> str:
        return super().translate(table) if not self.isascii() and _C1.search(self) else str(self)


_C1 = re.compile("[\x80-\x9f]")


@dataclass(slots=True)
class _Place:
    """Where in a document the strict parser is, and what it noted on the way."""

    #: Numbers of elements that are skipped because feedparser failed on them.
    faulty: AbstractSet[int]
    #: How many elements have begun, and how deep the present one stands.
    number: int = 0
    level: int = 0
    #: The level of the present item, and of the element that is skipped; 0: there is none.
    item: int = 0
    skipped: int = 0
    #: The number of the present part: a child of the item, or an element of the frame.
    part: int = 0
    faults: set[int] = field(default_factory=set)
    #: By expat's name of an element: feedparser's name, whether an item's is skipped, and whether it reaches beyond.
    tags: dict[str, tuple[str, bool, bool]] = field(default_factory=dict)
    #: How many entries there were before the present item.
    kept: int = 0
    #: The text of the present category.
    words: list[str] | None = None
    #: The state of the parser before the present item.
    before: dict[str, Any] | None = None
    #: The state in which the first item was read, as text.
    context: str = ""
    #: Whether an item had an influence on others, and how many items have ended.
    tangled: bool = False
    ended: int = 0


class _Strict(_Unresolved, feedparser.api.StrictFeedParser):  # type: ignore[misc]
    def __init__(self, faulty: AbstractSet[int]) -> None:
        # Without an address to start from, since joining it at every element would be a third of the time.
        super().__init__("", None, "utf-8")
        self.place = _Place(faulty)

    def read(self, data: bytes) -> str | None:
        """Read a document, and return why it is not well-formed."""
        parser = expat.ParserCreate("utf-8", " ")
        parser.namespace_prefixes = True
        # expat by itself ends a piece of text at each reference and line.
        parser.buffer_text = True
        parser.buffer_size = 65_536
        parser.StartNamespaceDeclHandler = self.startPrefixMapping
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            return f"{expat.ErrorString(error.code)} (line {error.lineno})"
        except _FrameFault:
            return None
        return None

    @staticmethod
    def decode_entities(element: str, data: str) -> str:
        return _Text(data)

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        place = self.place
        place.level += 1
        place.number += 1
        if place.skipped:
            return
        tag, silent, reaching = place.tags.get(name) or self._tag(name)
        if self.inentry:
            if place.level == place.item + 1:
                place.part = place.number
            if not self.incontent:
                place.tangled = place.tangled or reaching
                if tag in _CATEGORIES and place.level == place.item + 1:
                    self._categorize(attributes.get("label") or attributes.get("term") or "")
                    place.words, silent = [], True
                if silent:
                    place.skipped = place.level
                    return
        else:
            place.part = place.number
        if place.number in place.faulty:
            place.skipped = place.level
            return
        begins = not self.inentry and tag.endswith(("item", "entry"))
        if begins and len(self.entries) > MOST_ENTRIES:
            place.skipped = place.level
            return
        before, kept = self._state() if begins else None, len(self.entries)
        self._tried(self.unknown_starttag, tag, self._attributes(name, attributes))
        if before is not None and self.inentry:
            place.before, place.item, place.kept = before, place.level, kept
            place.context = place.context or _described(before)

    def _end(self, name: str) -> None:
        place = self.place
        place.level -= 1
        if place.skipped:
            if place.level < place.skipped:
                place.skipped = 0
                if place.words is not None:
                    self._categorize("".join(place.words).strip())
                    place.words = None
            return
        self._tried(self.unknown_endtag, place.tags[name][0])
        if place.before is not None and not self.inentry:
            place.tangled = place.tangled or self.version != place.before["version"]
            self._reset()
            place.ended += 1

    def _characters(self, text: str) -> None:
        if not self.place.skipped:
            self.handle_data(text)
        elif self.place.words is not None:
            self.place.words.append(text)

    def _categorize(self, name: str) -> None:
        if name:
            dict.setdefault(self.entries[-1], "tags", []).append({"term": name})

    def _tried(self, handle: Callable[..., None], *args: Any) -> None:
        place = self.place
        try:
            handle(*args)
        except Exception as error:
            place.faults.add(place.part)
            if place.before is None:
                raise _FrameFault from error
            # The rest of the item is skipped, and the document is read again without that part.
            del self.entries[place.kept :]
            place.skipped = place.item if place.level >= place.item else 0
            self._reset()

    def _state(self) -> dict[str, Any]:
        return {
            name: type(value)(value) if isinstance(value, list | dict) else value
            for name, value in vars(self).items()
            if name not in _RESULTS
        }

    def _reset(self) -> None:
        """Return to the state before the present item."""
        place = self.place
        assert place.before is not None
        place.before["version"] = self.version
        for name in vars(self).keys() - place.before.keys() - _RESULTS:
            delattr(self, name)
        self.__dict__.update(place.before)
        place.before, place.item = None, 0

    def _tag(self, name: str) -> tuple[str, bool, bool]:
        """Return feedparser's name of an element, by its namespace or else its prefix."""
        uri, local, prefix = _named(name)
        known = self._matchnamespaces.get(_canonical(uri), prefix.lower())
        tag = f"{known}:{local.lower()}" if known else local.lower()
        entry = tag, tag in _SILENT or (":" in tag and tag not in _TELLING), tag in _REACHING
        self.place.tags[name] = entry
        return entry

    def _attributes(self, element: str, attributes: Mapping[str, str]) -> list[tuple[str, str]]:
        """Return attributes with feedparser's names and, where they have a prefix, with those as written."""
        if not attributes and not self.decls and " " not in element:
            return []
        members: dict[str, str] = self.decls
        self.decls: dict[str, str] = {}
        for name, value in attributes.items():
            if " " in name:
                uri, local, prefix = _named(name)
                known = self._matchnamespaces.get(uri.lower(), "")
                members[(f"{known}:{local}" if known else local).lower()] = value
                members[f"{prefix}:{local}".lower()] = value
            else:
                members[name.lower()] = value
        if element.endswith((" math", " svg")) or " math " in element or " svg " in element:
            uri, local, _ = _named(element)
            if uri in ("http://www.w3.org/1998/Math/MathML", "http://www.w3.org/2000/svg"):
                members["xmlns"] = uri
        return list(members.items())


class _FrameFault(Exception):
    """feedparser fails on an element outside all items."""


#: Attributes of a parser that do not belong to its reading state: results, and its position.
_RESULTS = frozenset({"entries", "feeddata", "hours", "days", "property_depth_map", "place"})


def _described(state: Mapping[str, Any]) -> str:
    """Return a parser's state as text; an item sees only the names of unfinished elements."""
    names = [element[:2] for element in state["elementstack"]]
    return repr(sorted({**state, "elementstack": names}.items()))


def _named(name: str) -> tuple[str, str, str]:
    """Return namespace, local name and prefix of a name as expat writes it: with blanks between."""
    parts = name.split(" ")
    if len(parts) == 1:
        return "", name, ""
    return (parts[0], parts[1], parts[2] if len(parts) > 2 else "")


def _canonical(uri: str) -> str:
    return "http://backend.userland.com/rss" if "backend.userland.com/rss" in uri.lower() else uri.lower()
