"""The formats by name. A format is a module of this package with a constant `FORMAT`, named in `FORMATS`.

Reports are made and delivered feed by feed, so that each is out of condget's hands before its outcome is committed
(B7). The head comes before the first report and the foot behind the last one; with nothing to report, neither does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TypeAlias

from condget.errors import UsageError
from condget.reports.options import ReportOptions
from condget.reports.selection import Selection

#: The report of one feed: whole lines.
Report: TypeAlias = Callable[[Selection, ReportOptions], str]

#: The text before or behind all reports; the second argument is now, in POSIX seconds.
Frame: TypeAlias = Callable[[ReportOptions, float], str]


def _nothing(options: ReportOptions, now: float) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Format:
    """A way to report what polls found: pure functions to text."""

    report: Report
    head: Frame = _nothing
    foot: Frame = _nothing
    #: Whether failures of feeds go to stderr, apart from news; otherwise they are part of the report.
    failures_apart: bool = False
    #: Whether the report holds entries and nothing else. Words about feeds go to stderr, as text.
    entries_only: bool = False
    #: Whether each failure is reported, not only those that deserve a person's attention (C15).
    for_programs: bool = False


#: Modules by the name of their format; each is imported when its format is used.
FORMATS = {
    "text": "condget.reports.text",
    "jsonl": "condget.reports.jsonl",
    "markdown": "condget.reports.markdown",
    "html": "condget.reports.html",
    "atom": "condget.reports.atom",
}


def format_of(name: str) -> Format:
    """Return the format of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in FORMATS:
        raise UsageError(f'there is no format "{name}"; choose one of {", ".join(FORMATS)}')
    found = import_module(FORMATS[name]).FORMAT
    assert isinstance(found, Format)
    return found
