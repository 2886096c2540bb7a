"""JSON Feed 1.0 and 1.1 (jsonfeed.org): text in, Document out. Members of an unexpected type are ignored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from condget.errors import DocumentError
from condget.feeds.entries import fingerprint, identify
from condget.feeds.links import shown
from condget.feeds.markup import beginning, clean
from condget.feeds.values import LONGEST_TEXT, MOST_ENTRIES, TOO_MANY, Document, Entry
from condget.shown import LONGEST

_VERSION = "jsonfeed.org/version/"
#: An item of a feed without a version has one of these.
_ITEM = {"content_html", "content_text", "url", "external_url", "date_published"}


def parse_json(text: str, location: str) -> Document:
    """Read a JSON Feed; `location` is the URL that answered.

    Raises:
        DocumentError: the text is not JSON, or JSON of another kind.
    """
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"JSON that cannot be read: {_cause(error)}") from error
    if not isinstance(feed, dict) or not _is_feed(feed):
        raise DocumentError('JSON, but not a JSON Feed (neither a "version" of jsonfeed.org nor a title and items)')
    items = feed.get("items")
    written = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    version = str(feed.get("version")).partition(_VERSION)[2]
    return Document(
        title=(_text(feed, "title") or "")[:LONGEST_TEXT] or None,
        version="json1" + version.removeprefix("1").replace(".", "")[:LONGEST],
        entries=identify(_entry(item, location) for item in written[:MOST_ENTRIES]),
        defect=TOO_MANY if len(written) > MOST_ENTRIES else None,
    )


def _is_feed(feed: Mapping[str, Any]) -> bool:
    """Whether an object is a feed: by its version or, since feeds are found without one, by its title and items."""
    if _VERSION in str(feed.get("version")):
        return True
    items = feed.get("items")
    if not isinstance(items, list) or not isinstance(feed.get("title"), str):
        return False
    return all(isinstance(item, dict) and _ITEM & item.keys() for item in items)


def _entry(item: Mapping[str, Any], location: str) -> Entry:
    title = _text(item, "title")
    markup, plain = _string(item, "content_html"), _string(item, "content_text") or _string(item, "summary")
    body = markup or plain
    published = _string(item, "date_published")
    return Entry(
        key="",
        id=_string(item, "id"),
        title=title,
        link=shown(_string(item, "url") or _string(item, "external_url"), location),
        published=published and _utc(published),
        fingerprint=fingerprint(title, [body or ""]),
        summary=beginning(_string(item, "summary") or "") or beginning(body or "") or None,
        author=_author(item),
        categories=_categories(item),
        content=body,
        content_type=None if body is None else "text/html" if markup else "text/plain",
        enclosure=_enclosure(item),
    )


def _enclosure(item: Mapping[str, Any]) -> str | None:
    attachments = item.get("attachments")
    members = attachments if isinstance(attachments, list) else []
    urls = (_string(member, "url") for member in members if isinstance(member, dict))
    return (next(filter(None, urls), None) or "").partition("?")[0] or None


def _author(item: Mapping[str, Any]) -> str | None:
    """Return the names of the authors of 1.1, else the author of 1.0."""
    authors = item.get("authors")
    members = [*authors] if isinstance(authors, list) else [item.get("author")]
    names = [_text(author, "name") for author in members if isinstance(author, dict)]
    return ", ".join(filter(None, names)) or None


def _categories(item: Mapping[str, Any]) -> tuple[str, ...]:
    tags = item.get("tags")
    names = [clean(tag) for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return tuple(dict.fromkeys(filter(None, names)))


def _string(members: Mapping[str, Any], name: str) -> str | None:
    """Return a member as text; a number, which some feeds have for an id, becomes text (JSON Feed 1.1)."""
    value = members.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).strip().encode("utf-8", "replace").decode() or None


def _text(members: Mapping[str, Any], name: str) -> str | None:
    return clean(_string(members, name) or "") or None


def _utc(stamp: str) -> str:
    try:
        moment = datetime.fromisoformat(stamp)
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return clean(stamp)
    # Not %Y, which writes the year 999 with three digits.
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _cause(error: Exception) -> str:
    return "it nests too deeply" if isinstance(error, RecursionError) else str(error)
