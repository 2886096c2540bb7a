"""The report as Markdown (CommonMark): a heading for each feed, a list item for each entry, everything escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from condget.reports.options import ReportOptions
from condget.reports.phrases import heading, label, link, place, schedule, sentence

if TYPE_CHECKING:
    from condget.feeds.values import Entry, Outcome

_SPECIAL = re.compile(r"[\\`*_\[\]<>&~|$]")
_LEADING = re.compile(r"^([-+#=]|\d{1,9}(?=[.)]))")
_UNSAFE = re.compile(r"[()<>\\\"`]")


def report(outcome: Outcome, options: ReportOptions) -> str:
    """Return the section about one feed, with an empty line behind it."""
    said = sentence(outcome)
    if outcome.status == "skipped" and not options.all:
        return ""
    items = []
    if outcome.status != "new" or options.first_entries:
        items += [_item("", entry) for entry in outcome.entries]
    if options.edited:
        items += [_item("edited: ", entry) for entry in outcome.edited]
    if said is None and not items:
        if not options.all:
            return ""
        said = "changed" if outcome.changed else "unchanged"
    name = label(outcome)
    if said:
        said = f"**Error**: {_text(said)}" if outcome.status == "error" else _text(said)
    parts = [f"## {_anchor(name, place(outcome))}"]
    if said:
        parts.append(said)
    if items:
        parts.append("\n".join(items))
    if options.all and outcome.status != "skipped" and (when := schedule(outcome)):
        parts.append(_text(when))
    return "\n\n".join(parts) + "\n\n"


def _item(mark: str, entry: Entry) -> str:
    url = link(entry)
    return f"- {mark}{_anchor(heading(entry), url) if url else _text(heading(entry))}"


def _anchor(text: str, url: str) -> str:
    return f"[{_text(text)}]({_UNSAFE.sub(lambda found: f'%{ord(found[0]):02X}', url)})"


def _text(text: str) -> str:
    escaped = _SPECIAL.sub(r"\\\g<0>", text)
    return _LEADING.sub(lambda found: f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}", escaped)
