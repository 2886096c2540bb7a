"""Words that all reports share: text from feeds made safe to show, labels, instants, numbers.

A feed is written by somebody else, and a report is read in a terminal or a mail: control characters, escape
sequences and bidirectional overrides go, and so does userinfo, wherever a URL stands.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from condget.feeds.values import Entry, Outcome


#: Titles longer than this are cut; no title is meant to be.
LONGEST = 400

# CSI and OSC sequences (ECMA-48 §5.4, §8.3.89) as a whole; what is left of others is printable.
_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_USERINFO = re.compile(r"(\w://)[^\s/?#@\"'<>]*@")


def line(text: str) -> str:
    """Return text from elsewhere as one safe line.

    >>> line("Tea\\x1b[2J\\tand\\n cake")
    'Tea and cake'
    """
    if not text.isprintable():
        text = "".join(c for c in _ESCAPE.sub("", text) if c.isspace() or _is_safe(c))
    text = " ".join(redacted(text).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def _is_safe(c: str) -> bool:
    # Cc controls, Cf format characters (bidirectional overrides), Cs lone surrogates. U+200C and U+200D part and join
    # letters, which some scripts cannot do without.
    return c in "\u200c\u200d" or unicodedata.category(c) not in ("Cc", "Cf", "Cs")


def redacted(text: str) -> str:
    """Return text without the userinfo of any URL in it."""
    return _USERINFO.sub(r"\1", text)


def address(url: str) -> str:
    """Return a URL as it may be shown: one line, whole, without userinfo and blanks."""
    return "".join(c for c in _ESCAPE.sub("", redacted(url)) if c.isprintable() and not c.isspace())


def label(outcome: Outcome) -> str:
    """Return what people call a feed: its name in the list, else its title, else its URL."""
    return line(outcome.name or outcome.title or "") or place(outcome)


def place(outcome: Outcome) -> str:
    """Return the URL of a feed; the digest that tells users of one URL apart is not for people."""
    return address(outcome.url.partition("#user=")[0])


def heading(entry: Entry) -> str:
    """Return the title of an entry; titles are optional in RSS."""
    return line(entry.title or "") or "(no title)"


def link(entry: Entry) -> str | None:
    """Return the address of an entry, if it has one that people can open."""
    url = address(entry.link or "")
    return url if re.match(r"(?i)(https?|ftp|gemini|mailto|magnet):", url) else None


def instant(seconds: float | None) -> str | None:
    """Return an instant in ISO 8601, UTC; None for one that will not come."""
    try:
        moment = None if seconds is None else datetime.fromtimestamp(int(seconds), UTC)
    except (OverflowError, ValueError, OSError):  # infinite, or beyond the year 9999
        return None
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def entries(number: int) -> str:
    """Return "1 entry", "2 entries"."""
    return f"{number} entr{'y' if number == 1 else 'ies'}"


def sentence(outcome: Outcome) -> str | None:
    """Say what is to be said of a feed apart from its name and its entries; None for nothing."""
    if outcome.status == "error":
        # An error names its URL; said beside the feed's own, it would be said twice.
        return line(outcome.error or "failed").removeprefix(f"{place(outcome)}: ")
    if outcome.status == "gone":
        return "gone (410) and not asked again; take it off the list"
    if outcome.status == "skipped":
        return f"not asked: {line(outcome.reason or 'not due')}"
    clauses = []
    if outcome.status == "new":
        clauses.append(f"first seen, with {entries(len(outcome.entries))}")
    if outcome.moved_to:
        clauses.append(f"moved to {address(outcome.moved_to)} and asked there from now on; change the list")
    if outcome.reissued:
        clauses.append("the known entries came with other ids, which is no news")
    return "; ".join(clauses) or None


def schedule(outcome: Outcome) -> str:
    """Say why a feed is asked next when it is; the reason of a schedule ends with the instant."""
    if outcome.reason:
        return line(outcome.reason)
    when = instant(outcome.next_poll)
    return "" if when is None else f"next at {when}"
