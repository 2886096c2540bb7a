"""Outcomes for the tests of reports."""

from __future__ import annotations

from dataclasses import replace

from condget.feeds.values import Entry, Outcome
from condget.reports import ReportOptions, format_of, select

CACHING = Entry("1", "urn:1", "Caching", "https://example.org/caching", "2024-05-01T10:00:00Z", "f1")
HEADERS = Entry(
    "2",
    "urn:2",
    "Headers",
    "https://example.org/headers",
    None,
    "f2",
    summary="All of them.",
    author="Ann",
    categories=("http",),
    content="<p>All of them.</p>",
    content_type="text/html",
)

CHANGED = Outcome(
    url="https://example.org/feed.xml",
    status="changed",
    http_status=200,
    title="Example",
    entries=(CACHING, HEADERS),
    changed=True,
    reason="the plain minimum of 60 min; next at 22:13Z",
    next_poll=1_700_000_000.7,
    validators_sent=(("If-None-Match", '"a"'),),
    validators_received=(("ETag", 'W/"b\xe9"'),),
    bytes=512,
)
NEW = replace(CHANGED, status="new", validators_sent=())
UNCHANGED = replace(CHANGED, status="unchanged", http_status=304, entries=(), changed=False, bytes=0, bytes_saved=512)
EDITED = replace(CHANGED, entries=(), edited=(CACHING,))
MOVED = replace(UNCHANGED, status="moved", moved_to="https://example.net/feed.xml")
GONE = replace(UNCHANGED, status="gone", http_status=410, next_poll=None)
FAILED = replace(
    UNCHANGED,
    status="error",
    http_status=503,
    error='https://example.org/feed.xml: the server answered 503 "down"; it is asked again later',
)
SKIPPED = Outcome(
    url="https://example.org/feed.xml",
    status="skipped",
    reason="asked 5 min ago",
    next_poll=1_700_000_000,
)
REISSUED = replace(CHANGED, entries=(), reissued=True)


def report_as(name: str, outcome: Outcome, options: ReportOptions) -> str:
    """Return what a format makes of an outcome, "" where there is nothing to report."""
    selection = select(outcome, options)
    return format_of(name).report(selection, options) if selection else ""
