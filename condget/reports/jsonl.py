"""The report for programs: JSON Lines, an object for each feed. ASCII, so that every reader can decode it.

`schema` names the set of keys. Keys may be added under the same name; none is removed or changes its meaning.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from condget.reports.formats import Format
from condget.reports.options import ReportOptions
from condget.reports.phrases import instant, place
from condget.reports.selection import Selection
from condget.shown import address, without_credentials

if TYPE_CHECKING:
    from condget.feeds.values import Entry

SCHEMA = "condget.poll/1"


def report(selection: Selection, options: ReportOptions) -> str:
    """Return one line, with all entries that the outcome has."""
    outcome = selection.outcome
    members = {
        "schema": SCHEMA,
        "url": place(outcome),
        "name": outcome.name,
        "title": outcome.title,
        "status": outcome.status,
        "http_status": outcome.http_status,
        "changed": outcome.changed,
        "entries": [members_of(entry, options) for entry in outcome.entries],
        "edited": [members_of(entry, options) for entry in outcome.edited],
        "reissued": outcome.reissued,
        "defect": outcome.defect,
        "moved_to": None if outcome.moved_to is None else address(outcome.moved_to),
        "error": None if outcome.error is None else without_credentials(outcome.error),
        "reason": outcome.reason,
        "next_poll": instant(outcome.next_poll),
        "validators_sent": _fields(outcome.validators_sent),
        "validators_received": _fields(outcome.validators_received),
        "failures": outcome.failures,
        "failing_since": instant(outcome.failing_since),
        "bytes": outcome.bytes,
        "bytes_saved": outcome.bytes_saved,
    }
    # JSON escapes all controls but DEL, which can stand inside strings only.
    return json.dumps(members, ensure_ascii=True).replace("\x7f", "\\u007f") + "\n"


def members_of(entry: Entry, options: ReportOptions) -> dict[str, object]:
    """Return the members of an entry's object; its content is among them where that is wanted."""
    content = {"content": entry.content} if options.content else {}
    return {
        "id": entry.id,
        "title": entry.title,
        "link": entry.link,
        "published": entry.published,
        "summary": entry.summary,
        "author": entry.author,
        "categories": entry.categories,
        "content_type": entry.content_type,
        "content_length": None if entry.content is None else len(entry.content),
        **content,
    }


def _fields(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


FORMAT = Format(report, for_programs=True)
