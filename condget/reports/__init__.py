"""Reports: what the poll of a feed found, as text. Pure.

outcome -> select -> Format.report -> text:

    form = format_of("jsonl")
    if selection := select(outcome, options):
        sys.stdout.write(form.report(selection, options))
"""

from __future__ import annotations

from condget.reports.formats import FORMATS, Format, format_of
from condget.reports.options import ReportOptions
from condget.reports.selection import Selection, select

__all__ = ["FORMATS", "Format", "ReportOptions", "Selection", "format_of", "select"]
