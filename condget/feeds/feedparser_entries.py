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
from condget.feeds.values import Document, Entry, Hints

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PERIODS = {"hourly": HOUR, "daily": DAY, "weekly": 7 * DAY, "monthly": 30 * DAY, "yearly": 365 * DAY}


def document_of(reading: Reading, location: str) -> Document:
    """Return the document that a reading holds; `location` is the URL that links are relative to."""
    return Document(
        title=_title(reading.feed),
        version=reading.version,
        entries=identify(_entry(entry, location, reading.loose) for entry in reading.entries),
        hints=_hints(reading.feed, reading.hours, reading.days),
    )


def _entry(entry: Mapping[str, Any], location: str, loose: bool) -> Entry:
    id_ = _get(entry, "id")
    # The loose parser leaves references in ids as they are; the strict parser does not.
    id_ = unescape(id_) if id_ and loose else id_
    title = _title(entry)
    texts = [part.get("value") or "" for part in _get(entry, "content") or ()] or [_get(entry, "summary") or ""]
    content, content_type = _content(entry)
    return Entry(
        key="",
        id=id_ or None,
        title=title,
        link=_link(entry, location),
        published=_published(entry),
        fingerprint=fingerprint(title, texts),
        summary=beginning(_get(entry, "summary") or "") or beginning(content or "") or None,
        author=_author(entry),
        categories=_categories(entry),
        content=content,
        content_type=content_type,
    )


def _content(entry: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the longest text of an entry, and its media type."""
    details = [*(_get(entry, "content") or ()), _get(entry, "summary_detail") or {}]
    detail = max(details, key=lambda detail: len(detail.get("value") or ""))
    text = detail.get("value")
    return (text, detail.get("type") or "text/plain") if text else (None, None)


def _author(entry: Mapping[str, Any]) -> str | None:
    names = [author.get("name") for author in _get(entry, "authors") or ()]
    return clean(", ".join(filter(None, names)) or _get(entry, "author") or "") or None


def _categories(entry: Mapping[str, Any]) -> tuple[str, ...]:
    terms = [clean(tag.get("label") or tag.get("term") or "") for tag in _get(entry, "tags") or ()]
    return tuple(dict.fromkeys(filter(None, terms)))


def _get(members: Mapping[str, Any], name: str) -> Any:
    """Read a member as it is, without the renaming and the warnings of feedparser's dictionaries."""
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
        link = None  # a permalink guid that is not a link
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
