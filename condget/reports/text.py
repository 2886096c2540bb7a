"""The report for people, as a terminal or a mail from cron shows it: news, moves and failures, else nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from condget.reports.options import ReportOptions
from condget.reports.phrases import heading, label, link, place, schedule, sentence

if TYPE_CHECKING:
    from condget.feeds.values import Entry, Outcome


def report(outcome: Outcome, options: ReportOptions) -> str:
    """Return the lines about one feed."""
    name, url = label(outcome), place(outcome)
    title = _styled(name, "1", options) + ("" if name == url else f" ({url})")
    said = sentence(outcome)
    if outcome.status == "error":
        return f"{_styled('error:', '31', options)} {title}: {said}\n"
    if outcome.status == "skipped":
        return f"{title}: {said}\n" if options.all else ""
    lines = []
    if outcome.status != "new" or options.first_entries:
        for entry in outcome.entries:
            lines += _entry("*", entry)
    if options.edited:
        for entry in outcome.edited:
            lines += _entry("edited:", entry)
    if said is None:
        if not lines and not options.all:
            return ""
        said = "changed" if outcome.changed else "unchanged"
        title += f": {said}" if not lines else ""
    else:
        title += f": {said}"
    if options.all and (when := schedule(outcome)):
        title += f"; {when}"
    return "\n".join((title, *lines)) + "\n"


def _entry(mark: str, entry: Entry) -> list[str]:
    url = link(entry)
    return [f"  {mark} {heading(entry)}", *([f"    {url}"] if url else [])]


def _styled(text: str, code: str, options: ReportOptions) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if options.colour else text
