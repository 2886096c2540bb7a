"""The report for people, as a terminal or a mail from cron shows it: news and moves, and failures apart from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from condget.reports.formats import Format
from condget.reports.options import ReportOptions
from condget.reports.phrases import date_of, heading, label, left_out, link, place, schedule, sentence
from condget.reports.selection import Selection

if TYPE_CHECKING:
    from condget.feeds.values import Entry


def report(selection: Selection, options: ReportOptions) -> str:
    """Return the lines about one feed."""
    outcome = selection.outcome
    name, url = label(outcome), place(outcome)
    title = _styled(name, "1", options) + ("" if name == url else f" ({url})")
    if outcome.status == "error":
        title = f"{_styled('error:', '31', options)} {title}"
    clauses = "; ".join(filter(None, (sentence(selection), schedule(selection))))
    lines = [f"{title}: {clauses}" if clauses else title]
    for entry in selection.entries:
        lines += _entry("*", entry, options)
    for entry in selection.edited:
        lines += _entry("edited:", entry, options)
    if more := left_out(selection):
        lines.append(f"  {more}")
    return "\n".join(lines) + "\n"


def _entry(mark: str, entry: Entry, options: ReportOptions) -> list[str]:
    url, date = link(entry), date_of(entry, options)
    return [f"  {mark} {heading(entry)}{f' ({date})' if date else ''}", *([f"    {url}"] if url else [])]


def _styled(text: str, code: str, options: ReportOptions) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if options.colour else text


FORMAT = Format(report, failures_apart=True)
