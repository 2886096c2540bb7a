"""From bytes to a feed: RSS, RDF, Atom and CDF by `feedparser_driver`, JSON Feed by `jsonfeed`.

`parse` decodes a document, finds out what it is, and refuses what is not a feed. Markup is read strictly; where that
fails, strictly after `markup.repaired`; loosely at the very last. No parser sees a document type. `incremental` spares
the items that are known from the last document.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from condget.errors import DocumentError
from condget.feeds import incremental
from condget.feeds.charsets import decoded
from condget.feeds.jsonfeed import parse_json
from condget.feeds.markup import Expansion, Prologue, clean, prologue, repaired, visible
from condget.feeds.splitting import Split, closed, items_in, split
from condget.feeds.values import NO_RECALL, TOO_MANY, Document, Recall
from condget.shown import LONGEST, address

if TYPE_CHECKING:
    from condget.feeds.feedparser_driver import Reading

_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([\w.:+-]+)""", re.IGNORECASE)
_ROOTS = ("rss", "feed", "rdf", "channel")
_ATOM = re.compile(r"<[^<>]*www\.w3\.org/2005/Atom|<[^<>]*purl\.org/atom/ns#")
_START = re.compile(r"<\?xml\s|<(?:rss|feed|rdf:RDF)[\s>]")
_WRAPPED = re.compile(r"<(rss|rdf:RDF)[\s>]|<(feed)\s[^<>]*\bxmlns")
_HTML_ROOTS = ("html", "head", "body", "title", "meta", "script", "div", "p", "h1", "center")
_HTML_TITLE = re.compile(r"<title[^<>]*>([^<]{0,500})", re.IGNORECASE)
_OTHER_ROOTS = {
    "opml": "an OPML list of feeds (give it to condget as a list)",
    "urlset": "a sitemap",
    "sitemapindex": "a sitemap",
}
#: Sections in which an end tag is text; a section that never ends takes the rest.
_QUOTING = re.compile(r"<!\[CDATA\[(?:.*?\]\]>|.*)|<!--(?:.*?-->|.*)", re.DOTALL)


def parse(content: bytes, content_type: str | None, location: str, recall: Recall = NO_RECALL) -> Document:
    """Read a feed document whose content coding is already undone; `location` is the URL that answered.

    With the `recall` of the last document, items that are known are not read again where that certainly makes no
    difference.

    Raises:
        DocumentError: the content is not a feed; the text says what it is instead.
    """
    text, defect = _text(content, content_type)
    if not text:
        raise DocumentError("an empty answer")
    if text[0] in "{[":
        document = parse_json(text, location)
        return replace(document, defect=defect or document.defect)
    if "<" not in text:
        raise DocumentError(f"no feed but {_plain(text, content_type)}")
    head = prologue(text)
    if _name(head) == "html":
        if (wrapped := _wrapped(text)) is not None:
            head, defect = wrapped, "it stands in an HTML page"
    elif not _is_feed(head) and (start := _START.search(text, 1)):
        # Warnings of a server's script in front of the feed; feed readers have always ignored them.
        head, defect = prologue(text[start.start() :]), "something stands before its first element"
    if (instead := _instead(head, text, content_type)) is not None:
        raise DocumentError(f"no feed but {instead}{_named_feed(head, text, location)}")
    try:
        return _markup(head, defect, location, recall)
    except Expansion as error:
        raise DocumentError(f"a feed that was not read: {error}") from error
    except DocumentError:
        raise
    except Exception as error:
        # F4: a document that breaks the parser fails alone.
        raise DocumentError(f"the parser failed on this document: {type(error).__name__}: {error}") from error


def parse_feed(content: bytes, content_type: str | None = None, url: str = "") -> Document:
    """Read a feed: RSS, RDF, Atom, CDF or JSON Feed, as the poller does. Nothing is fetched.

    >>> document = parse_feed(b"<rss><channel><title>Tea</title><item><title>Now</title></item></channel></rss>")
    >>> document.title, [entry.title for entry in document.entries]
    ('Tea', ['Now'])

    Args:
        content: The document, without a content coding.
        content_type: The Content-Type that came with the document; its charset counts.
        url: Where the document is from; links are relative to that.

    Raises:
        DocumentError: the content is not a feed; the text says what it is instead.
    """
    if not isinstance(content, bytes):
        raise TypeError(f"parse_feed() takes the bytes of a document, not {type(content).__name__}")
    return parse(content, content_type, url)


def unread(content: bytes, content_type: str | None, location: str, recall: Recall) -> Document | None:
    """Return a document that holds nothing but what the last one held; None: parse it.

    This takes a hundredth of the time of `parse`, and no parser.
    """
    text, defect = _text(content, content_type) if recall else ("", None)
    pieces = _split(prologue(text), defect) if text.startswith("<") else None
    return incremental.unread(pieces, location, recall) if pieces else None


def _text(content: bytes, content_type: str | None) -> tuple[str, str | None]:
    charset = _CHARSET.search(content_type or "")
    text, defect = decoded(content, charset and charset[1])
    return text.lstrip("\ufeff \t\r\n\0"), defect


def _name(head: Prologue) -> str:
    return (head.root or "").rpartition(":")[2].lower()


def _named_feed(head: Prologue, text: str, location: str) -> str:
    """Say which feed an HTML page names, if it names one."""
    if _name(head) not in _HTML_ROOTS:
        return ""
    from condget.feeds.discovery import feed_links

    links = feed_links(text, location)
    return f"; it names the feed {address(links[0].url, LONGEST)}" if links else ""


def _is_feed(head: Prologue) -> bool:
    """Whether the root element is that of a feed, or an Atom entry, which is a document, too (RFC 4287 §2)."""
    name = _name(head)
    return name in _ROOTS or (name == "entry" and _ATOM.search(head.text, 0, 4_096) is not None)


def _wrapped(page: str) -> Prologue | None:
    """Return the feed in an HTML page: markup whose items stand side by side, as no example in a text does."""
    start = _WRAPPED.search(page)
    if start is None:
        return None
    end_tag = f"</{start[1] or start[2]}>"
    head = prologue(page[start.start() : page.rfind(end_tag) + len(end_tag)])
    return head if split(head.text) is not None else None


def _instead(head: Prologue, text: str, content_type: str | None) -> str | None:
    """Return what a document is instead of a feed; None: it is a feed."""
    if _is_feed(head):
        return None
    name = _name(head)
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


def _markup(head: Prologue, defect: str | None, location: str, recall: Recall) -> Document:
    pieces = _split(head, defect)
    known = pieces and (
        incremental.unread(pieces, location, recall) or incremental.partly_read(pieces, location, recall)
    )
    if known:
        return known
    from condget.feeds.feedparser_driver import read_loosely, read_strictly
    from condget.feeds.feedparser_entries import document_of

    text = repaired(head.text, head.entities) if head.entities or head.defect else head.text
    reading = first = read_strictly(text)
    cut_off = first.defect is not None and not _ends(head)
    if first.defect:
        text = repaired(text)
        text = (closed(text) or text) if cut_off else _trimmed(text, head.root or "")
        reading = read_strictly(text)
    if reading.defect:
        reading = read_loosely(text)
        if cut_off and reading.inside_entry:
            # The document breaks off inside an entry, whose id and text may be incomplete.
            reading = replace(reading, entries=reading.entries[:-1])
    document = document_of(reading, location)
    if pieces and not first.defect and first.separate and len(first.entries) == len(document.entries):
        recall = incremental.recall_of(pieces, first.context, document.entries, location)
    else:
        recall = NO_RECALL
    return replace(
        document,
        version=document.version or ("cdf" if _name(head) == "channel" else ""),
        defect=defect or head.defect or first.defect or _left_out(reading),
        cut_off=cut_off,
        recall=recall,
    )


def _left_out(reading: Reading) -> str | None:
    if reading.too_many:
        return TOO_MANY
    number = reading.left_out
    return f"feedparser fails on {number} of its elements, which were left out" if number else None


def _split(head: Prologue, defect: str | None) -> Split | None:
    """Split a document that needs no repair, and that has a name and version of its own."""
    if defect or head.defect or head.entities or _name(head) not in ("rss", "feed", "rdf"):
        return None
    return split(head.text)


def _ends(head: Prologue) -> bool:
    """Whether the root element of an ill-formed document has its end tag, whatever may follow it (B5)."""
    end_tag = rf"</(?:[\w.-]+:)?{re.escape(_name(head))}\s*>"
    return re.search(end_tag, _QUOTING.sub("", head.text), re.IGNORECASE) is not None


def _trimmed(text: str, root: str) -> str:
    """Cut off the markup that hosts append behind the end of the root element; items there go into the feed."""
    end_tag = f"</{root}>"
    end = text.rfind(end_tag)
    if end < 0:
        return text
    items = items_in(text[end + len(end_tag) :])
    before = text[:end].rstrip() if items and root == "rss" else text[:end]
    if before.endswith("</channel>"):
        return f"{before.removesuffix('</channel>')}{''.join(items)}</channel>{end_tag}"
    return before + "".join(items) + end_tag
