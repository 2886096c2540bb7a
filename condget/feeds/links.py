"""Links for people: resolved against the base in force, and none that a click should not open."""

from __future__ import annotations

from urllib.parse import urljoin

from condget.feeds.markup import clean

_NEVER = ("javascript:", "data:", "vbscript:", "file:", "about:")


def shown(link: str | None, base: str) -> str | None:
    """Return the link as an absolute URL, or None where there is none to show."""
    if not link:
        return None
    try:
        target = clean(urljoin(base, link.strip()))
    except ValueError:
        return None
    return None if not target or target.lower().startswith(_NEVER) else target
