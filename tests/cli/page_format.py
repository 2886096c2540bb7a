"""A format for tests: a page with a head and a foot."""

from __future__ import annotations

from condget.reports import Format

FORMAT = Format(
    report=lambda selection, options: f"{selection.outcome.title} {selection.outcome.status}\n",
    head=lambda options, now: f"<page made={now:.0f}>\n",
    foot=lambda options, now: "</page>\n",
)
