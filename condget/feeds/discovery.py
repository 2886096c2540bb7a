"""The feeds that an HTML page names in `<link rel="alternate">` (https://www.rssboard.org/rss-autodiscovery). Pure.

Only the beginning of a page is read, by expressions that are linear in its length: pages are written by strangers.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin

from condget.feeds.feed_urls import target_of
from condget.feeds.loose_tags import tags
from condget.shown import line

_TYPES = {"application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml"}
#: Characters of a page that are read; links stand in its head.
_READ = 200_000
_FOUND = 20


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed that a page names."""

    url: str
    title: str | None = None


def feed_links(text: str, location: str) -> tuple[FeedLink, ...]:
    """Return the feeds that a page names, in its order.

    >>> page = '<link rel="alternate" type="application/rss+xml" title="Tea" href="/feed.xml">'
    >>> feed_links(page, "https://example.org/blog/")
    (FeedLink(url='https://example.org/feed.xml', title='Tea'),)
    """
    base = location
    links: dict[str, FeedLink] = {}
    for tag in tags(text[:_READ], "link", "base"):
        values = tag.attributes
        href = values.get("href", "").strip()
        if tag.name == "base":
            base = _joined(location, href) or base
        elif (
            "alternate" in values.get("rel", "").lower().split()
            and values.get("type", "").partition(";")[0].strip().lower() in _TYPES
            and href
            and (url := _joined(base, href))
        ):
            links.setdefault(url, FeedLink(url, line(values.get("title", "")) or None))
            if len(links) == _FOUND:
                break
    return tuple(links.values())


def _joined(base: str, href: str) -> str | None:
    """Return the target of a reference, None where there is none that can be requested."""
    try:
        return target_of(urljoin(base, "".join(href.split())))[0]
    except ValueError:
        return None
