"""Links for people: resolved against the base in force, without schemes that a click should not open."""

from __future__ import annotations

from urllib.parse import urljoin

from condget.feeds.markup import clean

_NEVER = ("javascript:", "data:", "vbscript:", "file:", "about:")


def shown(link: str | None, base: str) -> str | None:
    """Return the link as an absolute URL; None: there is no link that can be shown."""
    if not link:
        return None
    try:
        target = clean(urljoin(base, link.strip()))
    except ValueError:
        return None
    return None if not target or target.lower().startswith(_NEVER) else target
