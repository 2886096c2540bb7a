"""From bytes to a feed: RSS, RDF, Atom and CDF through feedparser, which is imported nowhere else; JSON by `jsonfeed`.

feedparser's own `parse` resolves ids against an address and falls back to a loose parser whose ids differ. So its
two parsers are driven here: strict; strict again after `markup.repaired`; loose at the very last. Resolution is
off: ids stay as written, and links are resolved afterwards against the base in force (RFC 3986 §5.1). No parser
sees a document type.

The strict parser reads every item in the state that the frame around the items leaves. So an item that is known
from the last document (see `cutting`) need not be read again as long as that state is the same.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from html import unescape
from typing import Any

from condget.errors import DocumentError
from condget.feeds import incremental
from condget.feeds.entries import apart, fingerprint, identify
from condget.feeds.incremental import Cut, Memory
from condget.feeds.jsonfeed import parse_json
from condget.feeds.links import shown
from condget.feeds.markup import Expansion, Prologue, clean, decode, prologue, repaired, visible
from condget.feeds.values import Document, Entry, Hints

_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([\w.:+-]+)""", re.IGNORECASE)
_ROOTS = ("rss", "feed", "rdf", "channel")
_START = re.compile(r"<\?xml\s|<(?:rss|feed|rdf:RDF)[\s>]")
_HTML_ROOTS = ("html", "head", "body", "title", "meta", "script", "div", "p", "h1", "center")
_HTML_TITLE = re.compile(r"<title[^<>]*>([^<]{0,500})", re.IGNORECASE)
_OTHER_ROOTS = {
    "opml": "an OPML list of feeds (give it to condget as a list)",
    "urlset": "a sitemap",
    "sitemapindex": "a sitemap",
}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
#: What an end tag may be quoted in; what never ends takes the rest.
_QUOTING = re.compile(r"<!\[CDATA\[(?:.*?\]\]>|.*)|<!--(?:.*?-->|.*)", re.DOTALL)
_PERIODS = {"hourly": 3600.0, "daily": 86_400.0, "weekly": 604_800.0, "monthly": 2_592_000.0, "yearly": 31_536_000.0}


def parse(content: bytes, content_type: str | None, location: str, items: str = "") -> Document:
    """Read a feed document whose content coding is already undone; `location` is the URL that answered.

    With the `items` of the last document only what is new is read, if that is certain to make no difference.

    Raises:
        DocumentError: the content is not a feed; the text says what it is instead.
    """
    text = _text(content, content_type)
    if not text:
        raise DocumentError("an empty answer")
    if text[0] in "{[":
        return parse_json(text, location)
    if "<" not in text:
        raise DocumentError(f"no feed but {_plain(text, content_type)}")
    head, defect = prologue(text), None
    if _name(head) not in _ROOTS and _name(head) != "html" and (start := _START.search(text, 1)):
        # Warnings of a server's script in front of the feed; readers have always looked past them.
        head, defect = prologue(text[start.start() :]), "something stands before its first element"
    if (instead := _instead(head, text, content_type)) is not None:
        raise DocumentError(f"no feed but {instead}")
    try:
        return _markup(head, defect, location, items)
    except Expansion as error:
        raise DocumentError(f"a feed that was not read: {error}") from error
    except DocumentError:
        raise
    except Exception as error:
        # F4: whatever a document does to the parser, it costs only itself.
        raise DocumentError(f"the parser failed on this document: {type(error).__name__}: {error}") from error


def unread(content: bytes, content_type: str | None, location: str, items: str) -> Document | None:
    """Return a document that holds nothing but what the last one held, whose `items` these are; None: parse it.

    That takes a hundredth of the time of `parse`, and no parser.
    """
    memory = incremental.recalled(items)
    text = _text(content, content_type) if memory else ""
    if memory is None or not text.startswith("<"):
        return None
    head = prologue(text)
    cut = _cut(head, None)
    if cut is None or memory.frame != _frame(cut, location):
        return None
    digests = incremental.digests(cut.items)
    return _known(digests, memory) if memory.keys.keys() >= set(digests) else None


def _text(content: bytes, content_type: str | None) -> str:
    charset = _CHARSET.search(content_type or "")
    return decode(content, charset and charset[1]).lstrip("\ufeff \t\r\n\0")


def _name(head: Prologue) -> str:
    return (head.root or "").rpartition(":")[2].lower()


def _instead(head: Prologue, text: str, content_type: str | None) -> str | None:
    """Return what a document is that is no feed, or None."""
    name = _name(head)
    if name in _ROOTS:
        return None
    if name in _HTML_ROOTS:
        title = _HTML_TITLE.search(text)
        return f'an HTML page titled "{visible(title[1])[:80]}"' if title else "an HTML page"
    if head.defect and not head.root:
        return f"a document that cannot be read: {head.defect}"
    if not name:
        return _plain(text, content_type)
    return _OTHER_ROOTS.get(name, f"markup with the root element <{head.root}>")


def _plain(text: str, content_type: str | None) -> str:
    kind = (content_type or "").partition(";")[0].strip().lower()
    if "\0" in text[:1000] or text[:1000].count("\ufffd") > 20:
        return f"binary data ({kind or 'no content type'})"
    return f'text that begins "{clean(text[:200])[:60]}"'


def _markup(head: Prologue, defect: str | None, location: str, items: str) -> Document:
    cut = _cut(head, defect)
    memory = incremental.recalled(items) if cut else None
    if cut and memory and (document := _partly(cut, location, memory)):
        return document
    strict, loose = _parsers()
    defect = defect or head.defect
    text = repaired(head.text, head.entities) if head.entities or head.defect else head.text
    parser, cause = _strictly(strict, text)
    whole = None if cause else parser
    cut_off = cause is not None and not _ends(head)
    if cause:
        defect = defect or cause
        text = _trimmed(repaired(text), head.root or "")
        parser, cause = _strictly(strict, text)
    if cause:
        parser = loose("", None, "utf-8", {})
        parser.resolve_relative_uris = parser.sanitize_html = False
        parser.feed(text)
        if parser.inentry and cut_off and parser.entries:
            # The document breaks off inside an entry, whose id and text may be half of themselves.
            del parser.entries[-1]
    document = _document(parser, parser.entries, location, bool(cause))
    return replace(
        document,
        version=document.version or ("cdf" if _name(head) == "channel" else ""),
        defect=defect,
        cut_off=cut_off,
        items=_remembered(cut, whole, document.entries, location) if cut and whole else "",
    )


def _ends(head: Prologue) -> bool:
    """Whether the root element of an ill-formed document has its end tag, whatever may follow it (B5)."""
    end_tag = rf"</(?:[\w.-]+:)?{re.escape(_name(head))}\s*>"
    return re.search(end_tag, _QUOTING.sub("", head.text), re.IGNORECASE) is not None


def _document(parser: Any, entries: Iterable[Mapping[str, Any]], location: str, loose: bool) -> Document:
    feed: Mapping[str, Any] = parser.feeddata
    return Document(
        title=_title(feed),
        link=_link(feed, location),
        version=parser.version,
        entries=identify(_entry(entry, location, loose) for entry in entries),
        hints=_hints(feed, parser.hours, parser.days),
    )


def _cut(head: Prologue, defect: str | None) -> Cut | None:
    """Cut a document that needs no repair and has a name and version of its own."""
    if defect or head.defect or head.entities or _name(head) not in ("rss", "feed", "rdf"):
        return None
    return incremental.cut(head.text)


def _frame(cut: Cut, location: str) -> str:
    return incremental.digest(fingerprint(None, ()), location, cut.frame)


def _context(cut: Cut, parser: Any, location: str) -> str:
    """Return the digest of all that the reading of an item depends on, beside itself."""
    return incremental.digest(fingerprint(None, ()), location, *cut.opened, parser.context)


def _remembered(cut: Cut, parser: Any, entries: Sequence[Entry], location: str) -> str:
    """Return by what the items of a document that was read whole are known again, or nothing."""
    keys = dict(zip(incremental.digests(cut.items), (entry.key for entry in entries), strict=False))
    if not parser.separate or not len(parser.entries) == len(cut.items) == len(entries) == len(keys):
        return ""
    if not apart(entries, ()):
        return ""
    return incremental.remembered(_frame(cut, location), _context(cut, parser, location), keys)


def _known(digests: Sequence[str], memory: Memory) -> Document | None:
    """Return a document of which nothing has to be read."""
    keys = {digest: memory.keys[digest] for digest in digests}
    if len(keys) != len(digests):
        return None
    items = incremental.remembered(memory.frame, memory.context, keys)
    return Document(None, None, "", (), kept=tuple(keys.values()), unread=True, items=items)


def _partly(cut: Cut, location: str, memory: Memory) -> Document | None:
    """Read the frame and the items that are not known; None where a whole reading could find something else."""
    digests = incremental.digests(cut.items)
    unseen = {digest: item for digest, item in zip(digests, cut.items, strict=True) if digest not in memory.keys}
    frame = _frame(cut, location)
    if not unseen and frame == memory.frame:
        return _known(digests, memory)
    if len(set(digests)) != len(digests) or 2 * len(unseen) > len(digests):
        return None
    strict, _ = _parsers()
    parser, cause = _strictly(strict, cut.around(list(unseen.values())))
    if cause or not parser.separate or len(parser.entries) != len(unseen) + 1:
        return None
    if _context(cut, parser, location) != memory.context:
        return None
    document = _document(parser, parser.entries[1:], location, False)
    kept = {digest: memory.keys[digest] for digest in digests if digest in memory.keys}
    if len(document.entries) != len(unseen) or not apart(document.entries, set(kept.values())):
        return None
    fresh = dict(zip(unseen, (entry.key for entry in document.entries), strict=True))
    keys = {digest: kept.get(digest) or fresh[digest] for digest in digests}
    return replace(document, kept=tuple(kept.values()), items=incremental.remembered(frame, memory.context, keys))


@cache
def _parsers() -> tuple[Any, Any]:
    """Return feedparser's strict and loose parsers, changed as told below; importing feedparser costs 60 ms."""
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
                # feedparser goes on with an element's base where none was in force before it.
                self.baseuri = self.basestack[-1]

    class Itemwise:
        """Reads each item in the state in which the first one was begun, whatever the items before it left behind."""

        def __init__(self: Any, *args: Any) -> None:
            #: That state as text.
            self.context = ""
            self.before: dict[str, Any] | None = None
            self.tangled = False
            self.ended = 0
            super().__init__(*args)

        @property
        def separate(self: Any) -> bool:
            """Whether no item had an influence on anything but its own entry."""
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
            # These would reach beyond their item.
            self.tangled = self.tangled or bool(self.inentry)
            start(self, attributes)

        return method

    names = ("item", "entry", "image", "textinput", "channel", "feed", "rss")
    starts = {f"_start_{name}": begun(getattr(feedparser.api.StrictFeedParser, f"_start_{name}")) for name in names}
    strict = type("Strict", (Itemwise, Unresolved, feedparser.api.StrictFeedParser), starts)
    loose = type("Loose", (Unresolved, feedparser.api.LooseFeedParser), {})
    return strict, loose


#: What a parser has collected, and what it is told or notes of itself: no part of the state in which it reads.
_RESULTS = frozenset(
    {"entries", "feeddata", "hours", "days", "property_depth_map", "_locator"}
    | {"context", "before", "tangled", "ended"}
)


def _state(state: Mapping[str, Any]) -> str:
    """Return a parser's state as text; of unfinished elements the names, since an item sees no more of them."""
    names = [element[:2] for element in state["elementstack"]]
    return repr(sorted({**state, "elementstack": names}.items()))


@cache
def _reader() -> Any:
    """Return a SAX reader that hands on text in few pieces: expat ends one at each reference and line."""
    from xml.sax.expatreader import ExpatParser

    class Reader(ExpatParser):
        def reset(self) -> None:
            super().reset()
            self._parser.buffer_text = True  # type: ignore[attr-defined]

    return Reader


def _strictly(strict: Any, text: str) -> tuple[Any, str | None]:
    """Return the parser after it has read the text, and why it stopped, if it did."""
    import xml.sax
    import xml.sax.handler

    from feedparser.exceptions import UndeclaredNamespace

    # Without an address to start from, since joining it at every element would be a third of the time.
    handler = strict("", None, "utf-8")
    handler.resolve_relative_uris = handler.sanitize_html = False
    reader = _reader()()
    reader.setFeature(xml.sax.handler.feature_namespaces, True)
    reader.setFeature(xml.sax.handler.feature_external_ges, False)
    reader.setContentHandler(handler)
    reader.setErrorHandler(handler)
    try:
        reader.parse(io.BytesIO(text.encode("utf-8", "replace")))
    except xml.sax.SAXParseException as error:
        return handler, f"{error.getMessage()} (line {error.getLineNumber()})"
    except UndeclaredNamespace as error:
        return handler, str(error)
    return handler, None


def _trimmed(text: str, root: str) -> str:
    """Cut what hosts append behind the end of the root element."""
    end = text.rfind(f"</{root}>")
    return text[: end + len(root) + 3] if end >= 0 else text


def _entry(entry: Mapping[str, Any], location: str, loose: bool) -> Entry:
    id_ = _get(entry, "id")
    # The loose parser leaves references in ids as they are; the strict one does not.
    id_ = unescape(id_) if id_ and loose else id_
    title = _title(entry)
    texts = [part.get("value") or "" for part in _get(entry, "content") or ()] or [_get(entry, "summary") or ""]
    return Entry(
        key="",
        id=id_ or None,
        title=title,
        link=_link(entry, location),
        published=_published(entry),
        fingerprint=fingerprint(title, texts),
    )


def _get(members: Mapping[str, Any], name: str) -> Any:
    """Read a member as it is, without the renaming and the warnings of feedparser's dictionary."""
    return dict.get(members, name)  # type: ignore[call-overload]


def _title(members: Mapping[str, Any]) -> str | None:
    title = _get(members, "title")
    if not isinstance(title, str):
        return None
    kind = (_get(members, "title_detail") or {}).get("type", "")
    return (visible(title) if "html" in kind else clean(title)) or None


def _link(members: Mapping[str, Any], location: str) -> str | None:
    base = shown(_get(members, "base_in_force"), location) or location
    link = _get(members, "link")
    if link and link == _get(members, "id") and not re.match(r"(?:https?:)?/", link, re.IGNORECASE):
        link = None  # A permalink guid that is no link at all.
    if not link:
        others = [other for other in _get(members, "links") or () if other.get("rel") == "alternate"]
        link = next((other["href"] for other in others if other.get("href")), None)
    return shown(link, base)


def _published(entry: Mapping[str, Any]) -> str | None:
    for name in ("published", "updated", "created"):
        if raw := _get(entry, name):
            moment = _get(entry, name + "_parsed")
            if moment is None:
                return clean(raw) or None
            return "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*moment[:6])
    return None


def _hints(feed: Mapping[str, Any], hours: Iterable[str], days: Iterable[str]) -> Hints:
    ttl = _number(_get(feed, "ttl"))
    period = _PERIODS.get(str(_get(feed, "sy_updateperiod")).lower())
    skipped = {int(hour) % 24 for hour in hours if hour.isascii() and hour.isdigit() and int(hour[:3]) <= 24}
    names = {day.strip().capitalize() for day in days}
    return Hints(
        ttl=ttl and ttl * 60,
        skip_hours=tuple(sorted(skipped)),
        skip_days=tuple(day for day in _DAYS if day in names),
        update_period=period and period / (_number(_get(feed, "sy_updatefrequency")) or 1),
    )


def _number(text: object) -> float | None:
    """Return a positive number below a century of minutes, or None."""
    matched = re.fullmatch(r"\s*([0-9]{1,8})(?:\.[0-9]*)?\s*", text) if isinstance(text, str) else None
    return float(matched[1]) or None if matched else None
