"""The report as one Atom feed (RFC 4287) of all new entries, each with its feed as `source`: what planets are made of.

Entries keep their ids where those are IRIs, so that readers of several such files know them again. Words about feeds
are for people, and go to stderr.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from condget.reports.formats import Format
from condget.reports.options import ReportOptions
from condget.reports.phrases import heading, instant, label, link, moment_of, place
from condget.reports.selection import Selection
from condget.settings import PROJECT_URL, __version__
from condget.shown import line

if TYPE_CHECKING:
    from condget.feeds.values import Entry, Outcome

_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\"<>\\^`{|}\x00-\x20\x7f]+")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
#: Types of text constructs (§3.1) by media type; the content of an entry is markup as the feed wrote it.
_TYPES = {"text/plain": "text"}


def head(options: ReportOptions, now: float) -> str:
    """Return what stands before the entries."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<feed xmlns="http://www.w3.org/2005/Atom">\n'
        "<title>News from condget</title>\n"
        f"<id>{uuid5(NAMESPACE_URL, PROJECT_URL).urn}</id>\n"
        f"<updated>{instant(now)}</updated>\n"
        f'<generator uri="{PROJECT_URL}" version="{__version__}">condget</generator>\n'
    )


def report(selection: Selection, options: ReportOptions) -> str:
    """Return the entries of one feed."""
    entries = (*selection.entries, *selection.edited)
    return "".join(_entry(selection.outcome, entry, options) for entry in entries)


def foot(options: ReportOptions, now: float) -> str:
    """Return what stands behind the entries."""
    return "</feed>\n"


def _entry(outcome: Outcome, entry: Entry, options: ReportOptions) -> str:
    polled = outcome.state.last_polled if outcome.state else None
    published = moment_of(entry.published)
    feed = outcome.moved_to or place(outcome)
    members = [
        f"<id>{_text(_id(outcome, entry))}</id>",
        f"<title>{_text(heading(entry))}</title>",
        f"<updated>{instant(published.timestamp() if published else polled or 0)}</updated>",
        f"<author><name>{_text(line(entry.author or '') or label(outcome))}</name></author>",
    ]
    if url := link(entry):
        members.append(f'<link href="{_uri(url)}"/>')
    members += [f'<category term="{_text(line(term))}"/>' for term in entry.categories]
    if entry.summary:
        members.append(f"<summary>{_text(line(entry.summary, len(entry.summary)))}</summary>")
    if options.content and entry.content:
        base = f' xml:base="{_uri(url)}"' if url else ""
        kind = _TYPES.get(entry.content_type or "", "html")
        members.append(f'<content type="{kind}"{base}>{_text(entry.content)}</content>')
    source = (
        f"<source><id>{_text(place(outcome))}</id><title>{_text(label(outcome))}</title>"
        f'<updated>{instant(polled or 0)}</updated><link rel="self" href="{_uri(feed)}"/></source>'
    )
    return "<entry>\n" + "\n".join((*members, source)) + "\n</entry>\n"


def _id(outcome: Outcome, entry: Entry) -> str:
    """Return an IRI that is the same in every report (§4.2.6)."""
    if entry.id and len(entry.id) < 1_000 and _IRI.fullmatch(entry.id) and entry.id.isprintable():
        return entry.id
    return uuid5(NAMESPACE_URL, f"{place(outcome)}#{entry.key}").urn


def _uri(url: str) -> str:
    return _text(quote(url, safe="!#$%&'()*+,/:;=?@[]~"))


def _text(text: str) -> str:
    return escape(_FORBIDDEN.sub("", text))


FORMAT = Format(report, head, foot, entries_only=True)
