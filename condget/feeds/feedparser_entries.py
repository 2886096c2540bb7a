"""From feedparser's dictionaries to a `Document`: titles, links, dates, texts and hints as condget shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import unescape
from typing import Any

from condget.feeds.durations import DAY, HOUR
from condget.feeds.entries import fingerprint, identify
from condget.feeds.feedparser_driver import Reading
from condget.feeds.links import shown
from condget.feeds.markup import beginning, clean, visible
from condget.feeds.values import LONGEST_TEXT, Document, Entry, Hints

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PERIODS = {"hourly": HOUR, "daily": DAY, "weekly": 7 * DAY, "monthly": 30 * DAY, "yearly": 365 * DAY}


def document_of(reading: Reading, location: str) -> Document:
    """Return the document that a reading holds; `location` is the URL that links are relative to."""
    return Document(
        title=(_title(reading.feed) or "")[:LONGEST_TEXT] or None,
        version=reading.version,
        entries=identify(_entry(entry, location, reading.loose) for entry in reading.entries),
        hints=_hints(reading.feed, reading.hours, reading.days),
    )


def _entry(entry: Mapping[str, Any], location: str, loose: bool) -> Entry:
    id_ = _text(entry, "id")
    # The loose parser leaves references in ids as they are; the strict parser does not.
    id_ = unescape(id_) if id_ and loose else id_
    title = _title(entry)
    texts = [_text(part, "value") or "" for part in _dictionaries(entry, "content")] or [_text(entry, "summary") or ""]
    content, content_type = _content(entry)
    return Entry(
        key="",
        id=id_ or None,
        title=title,
        link=_link(entry, location),
        published=_published(entry),
        fingerprint=fingerprint(title, texts),
        summary=beginning(_text(entry, "summary") or "") or beginning(content or "") or None,
        author=_author(entry),
        categories=_categories(entry),
        content=content,
        content_type=content_type,
        enclosure=_enclosure(entry),
    )


def _content(entry: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the longest text of an entry, and its media type."""
    details = [*_dictionaries(entry, "content"), _dictionary(entry, "summary_detail")]
    detail = max(details, key=lambda detail: len(_text(detail, "value") or ""))
    text = _text(detail, "value")
    return (text, _text(detail, "type") or "text/plain") if text else (None, None)


def _enclosure(entry: Mapping[str, Any]) -> str | None:
    links = (_text(link, "href") for link in _dictionaries(entry, "links") if link.get("rel") == "enclosure")
    return (next(filter(None, links), None) or "").partition("?")[0] or None


def _author(entry: Mapping[str, Any]) -> str | None:
    names = [_text(author, "name") for author in _dictionaries(entry, "authors")]
    return clean(", ".join(filter(None, names)) or _text(entry, "author") or "") or None


def _categories(entry: Mapping[str, Any]) -> tuple[str, ...]:
    terms = [clean(_text(tag, "label") or _text(tag, "term") or "") for tag in _dictionaries(entry, "tags")]
    return tuple(dict.fromkeys(filter(None, terms)))


def _member(members: Mapping[str, Any], name: str) -> Any:
    """Read a member as it is, without the renaming and the warnings of feedparser's dictionaries.

    Its type is uncertain: an element that feedparser does not know becomes a member of that name.
    """
    return dict.get(members, name)  # type: ignore[call-overload]


def _text(members: Mapping[str, Any], name: str) -> str | None:
    value = _member(members, name)
    return value if isinstance(value, str) else None


def _dictionaries(members: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = _member(members, name)
    return [member for member in value if isinstance(member, dict)] if isinstance(value, list) else []


def _dictionary(members: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = _member(members, name)
    return value if isinstance(value, dict) else {}


def _title(members: Mapping[str, Any]) -> str | None:
    title = _text(members, "title")
    if title is None:
        return None
    kind = _text(_dictionary(members, "title_detail"), "type") or ""
    return (visible(title) if "html" in kind else clean(title)) or None


def _link(members: Mapping[str, Any], location: str) -> str | None:
    base = shown(_text(members, "base_in_force"), location) or location
    link = _text(members, "link")
    if link and link == _text(members, "id") and not re.match(r"(?:https?:)?/", link, re.IGNORECASE):
        link = None  # a permalink guid that is not a link
    if not link:
        others = (_text(other, "href") for other in _dictionaries(members, "links") if other.get("rel") == "alternate")
        link = next(filter(None, others), None)
    return shown(link, base)


def _published(entry: Mapping[str, Any]) -> str | None:
    for name in ("published", "updated", "created"):
        if raw := _text(entry, name):
            moment = _member(entry, name + "_parsed")
            if not isinstance(moment, tuple):
                return clean(raw) or None
            return "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*moment[:6])
    return None


def _hints(feed: Mapping[str, Any], hours: Iterable[str], days: Iterable[str]) -> Hints:
    ttl = _number(_text(feed, "ttl"))
    period = _PERIODS.get((_text(feed, "sy_updateperiod") or "").strip().lower())
    skipped = {int(hour) % 24 for hour in hours if hour.isascii() and hour.isdigit() and int(hour[:3]) <= 24}
    names = {day.strip().capitalize() for day in days}
    return Hints(
        ttl=ttl and ttl * 60,
        skip_hours=tuple(sorted(skipped)),
        skip_days=tuple(day for day in _DAYS if day in names),
        update_period=period and period / (_number(_text(feed, "sy_updatefrequency")) or 1),
    )


def _number(text: str | None) -> float | None:
    """Return a positive number below a century of minutes, or None."""
    matched = re.fullmatch(r"\s*([0-9]{1,8})(?:\.[0-9]*)?\s*", text or "")
    return float(matched[1]) or None if matched else None
