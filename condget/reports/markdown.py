"""The report as Markdown (CommonMark): a heading for each feed, a list item for each entry, everything escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from condget.reports.formats import Format
from condget.reports.options import ReportOptions
from condget.reports.phrases import heading, label, left_out, link, place, schedule, sentence
from condget.reports.selection import Selection

if TYPE_CHECKING:
    from condget.feeds.values import Entry

_SPECIAL = re.compile(r"[\\`*_\[\]<>&~|$]")
_LEADING = re.compile(r"^([-+#=]|\d{1,9}(?=[.)]))")
_UNSAFE = re.compile(r"[()<>\\\"`]")


def report(selection: Selection, options: ReportOptions) -> str:
    """Return the section about one feed, with an empty line behind it."""
    outcome = selection.outcome
    parts = [f"## {_anchor(label(outcome), place(outcome))}"]
    if words := sentence(selection):
        parts.append(f"**Error**: {_text(words)}" if outcome.status == "error" else _text(words))
    items = [_item("", entry) for entry in selection.entries]
    items += [_item("edited: ", entry) for entry in selection.edited]
    if more := left_out(selection):
        items.append(f"- {more}")
    if items:
        parts.append("\n".join(items))
    if when := schedule(selection):
        parts.append(_text(when))
    return "\n\n".join(parts) + "\n\n"


def _item(mark: str, entry: Entry) -> str:
    url = link(entry)
    return f"- {mark}{_anchor(heading(entry), url) if url else _text(heading(entry))}"


def _anchor(text: str, url: str) -> str:
    return f"[{_text(text)}]({_UNSAFE.sub(lambda match: f'%{ord(match[0]):02X}', url)})"


def _text(text: str) -> str:
    escaped = _SPECIAL.sub(r"\\\g<0>", text)
    return _LEADING.sub(lambda match: f"{match[0]}\\" if match[0].isdigit() else f"\\{match[0]}", escaped)


FORMAT = Format(report)
