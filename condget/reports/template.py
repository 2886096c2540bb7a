"""A report by the user's own template: its text once for each entry, with fields in braces.

    template("{feed_title}: {title} <{link}>")

Braces name fields and nothing else: no attributes, no conversions, no format specifications, unlike `str.format`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from condget.errors import UsageError
from condget.reports.formats import Format
from condget.reports.options import ReportOptions
from condget.reports.phrases import date_of, heading, label, link, place
from condget.reports.selection import Selection
from condget.shown import line

if TYPE_CHECKING:
    from condget.feeds.values import Entry, Outcome

FIELDS: dict[str, Callable[[Outcome, Entry, ReportOptions], str]] = {
    "feed_title": lambda outcome, entry, options: label(outcome),
    "feed_url": lambda outcome, entry, options: place(outcome),
    "title": lambda outcome, entry, options: heading(entry),
    "link": lambda outcome, entry, options: link(entry) or "",
    "date": lambda outcome, entry, options: date_of(entry, options),
    "published": lambda outcome, entry, options: line(entry.published or ""),
    "author": lambda outcome, entry, options: line(entry.author or ""),
    "categories": lambda outcome, entry, options: ", ".join(map(line, entry.categories)),
    "summary": lambda outcome, entry, options: line(entry.summary or "", 500),
    "id": lambda outcome, entry, options: line(entry.id or ""),
}
_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\"}


def template(text: str) -> Format:
    """Return the format that a template describes; `\\n` and `\\t` are a line feed and a tab.

    Raises:
        UsageError: it names a field that does not exist, or a brace stands alone.
    """
    parts = _parts(text)

    def report(selection: Selection, options: ReportOptions) -> str:
        outcome = selection.outcome
        entries = (*selection.entries, *selection.edited)
        reports = (
            "".join(part if isinstance(part, str) else part(outcome, entry, options) for part in parts)
            for entry in entries
        )
        return "".join(report if report.endswith("\n") else f"{report}\n" for report in reports)

    return Format(report, entries_only=True)


def _parts(text: str) -> list[str | Callable[[Outcome, Entry, ReportOptions], str]]:
    parts: list[str | Callable[[Outcome, Entry, ReportOptions], str]] = []
    position = 0
    for token in _TOKEN.finditer(text):
        parts.append(text[position : token.start()])
        position = token.end()
        if token[0] in ("{{", "}}"):
            parts.append(token[0][0])
        elif token[2] is not None:
            parts.append(_ESCAPES.get(token[2], token[0]))
        elif token[1] in FIELDS:
            parts.append(FIELDS[token[1]])
        elif token[1] is None:
            raise UsageError(f'the template has a single "{token[0]}"; write "{token[0] * 2}" for the character')
        else:
            raise UsageError(f'the template has no field "{{{token[1]}}}"; choose from {", ".join(FIELDS)}')
    parts.append(text[position:])
    return parts
