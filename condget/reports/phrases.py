"""Phrases that all reports share: labels, headings, instants, numbers. `condget.shown` makes strangers' text safe."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from condget.reports.selection import is_recovered
from condget.shown import address, line

if TYPE_CHECKING:
    from condget.feeds.values import Entry, Outcome
    from condget.reports.options import ReportOptions
    from condget.reports.selection import Selection


_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")

#: Characters of its text by which an entry without a title is shown.
HEADING = 80


def label(outcome: Outcome) -> str:
    """Return what people call a feed: its name in the list, else its title, else its URL."""
    return line(outcome.name or outcome.title or "") or place(outcome)


def place(outcome: Outcome) -> str:
    """Return the URL of a feed; the digest that tells users of one URL apart is not for people."""
    return address(outcome.url.partition("#user=")[0])


def heading(entry: Entry) -> str:
    """Return the title of an entry, else the beginning of its text: titles are optional in RSS."""
    return line(entry.title or "") or line(entry.summary or "", HEADING) or "(no title)"


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


def moment_of(published: str | None) -> datetime | None:
    """Return the moment of an entry's date; None for a date that condget could not read."""
    if published is None or not _ISO.fullmatch(published):
        return None
    try:
        return datetime.fromisoformat(published)
    except ValueError:
        return None


def date_of(entry: Entry, options: ReportOptions) -> str:
    """Return the date of an entry on the reader's clocks, else as the feed has it."""
    moment = moment_of(entry.published)
    with suppress(OverflowError, ValueError):  # at the ends of the calendar
        if moment is not None:
            return moment.astimezone(options.zone).replace(tzinfo=None).isoformat(" ", "minutes")
    return line(entry.published or "", 40)


def left_out(selection: Selection) -> str:
    """Say how many entries a list of entries does not show; nothing where there is no list."""
    shown = selection.entries or selection.edited
    return f"and {selection.left_out:,} more" if selection.left_out and shown else ""


def failures(number: int) -> str:
    """Return "1 failure", "2 failures"."""
    return f"{number} failure{'' if number == 1 else 's'}"


def entries(number: int) -> str:
    """Return "1 entry", "2 entries"."""
    return f"{number} entr{'y' if number == 1 else 'ies'}"


def sentence(selection: Selection) -> str | None:
    """Say what there is to say of a feed apart from its name and its entries; None for nothing."""
    outcome = selection.outcome
    if outcome.status == "error":
        # The text of an error names its URL, which stands beside it as that of the feed.
        error = line(outcome.error or "failed").removeprefix(f"{place(outcome)}: ")
        return f"{error}; {_row(outcome)}" if _lasts(outcome) else error
    if outcome.status == "gone":
        return "gone (410) and not polled again; take it off the list"
    if outcome.status == "skipped":
        return f"not polled: {line(outcome.reason or 'not due')}"
    clauses = []
    if is_recovered(outcome):
        clauses.append(f"works again, after {_row(outcome)}")
    if outcome.status == "new":
        clauses.append(f"first seen, with {entries(len(outcome.entries) + selection.left_out)}")
    if outcome.moved_to:
        clauses.append(f"moved to {address(outcome.moved_to)} and polled there from now on; change the list")
    if outcome.reissued:
        clauses.append("the known entries came with other ids, which is no news")
    if not clauses and not selection.entries and not selection.edited:
        clauses.append("changed" if outcome.changed else "unchanged")
    return "; ".join(clauses) or None


def _lasts(outcome: Outcome) -> bool:
    """Whether a failure is not the first one of its row."""
    state = outcome.state
    begun_now = state is not None and outcome.failing_since in (state.last_polled, state.unreached)
    return outcome.failing_since is not None and not begun_now


def _row(outcome: Outcome) -> str:
    """Say how often a feed failed in a row, and since when; a machine that is offline counts no failures."""
    times = f"{failures(outcome.failures)} in a row" if outcome.failures else "failing"
    return f"{times} since {instant(outcome.failing_since)}"


def schedule(selection: Selection) -> str:
    """Say when a feed is polled next, and why then, where that is wanted; a reason ends with the instant."""
    if not selection.schedule:
        return ""
    if selection.outcome.reason:
        return line(selection.outcome.reason)
    when = instant(selection.outcome.next_poll)
    return "" if when is None else f"next at {when}"
