"""Reports: what one poll of one feed found, as text. Pure; a format is a function in a file of its own.

report = report_function("jsonl")
sys.stdout.write(report(outcome, ReportOptions()))
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from condget.errors import UsageError
from condget.reports.options import Report, ReportOptions

_HOMES = {
    "text": "condget.reports.text",
    "jsonl": "condget.reports.jsonl",
    "markdown": "condget.reports.markdown",
}

FORMATS: tuple[str, ...] = tuple(_HOMES)

__all__ = ["FORMATS", "Report", "ReportOptions", "report_function"]


def report_function(name: str) -> Report:
    """Return the report of that format.

    Raises:
        UsageError: there is none of that name.
    """
    home = _HOMES.get(name)
    if home is None:
        raise UsageError(f'there is no format "{name}"; choose one of {", ".join(FORMATS)}')
    return cast(Report, import_module(home).report)
