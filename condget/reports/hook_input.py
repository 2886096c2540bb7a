"""The input of hooks: JSON on stdin or as a request's content, and variables of the environment. Pure.

A hook gets the entries that a report for people lists: those of first sight and edited ones only where wanted.
"""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from condget.reports import jsonl
from condget.reports.options import ReportOptions
from condget.reports.phrases import heading, link, place
from condget.reports.selection import Selection
from condget.shown import line

if TYPE_CHECKING:
    from condget.feeds.values import Entry, Outcome

ENTRY_SCHEMA = "condget.entry/1"


def feed_input(selection: Selection, options: ReportOptions) -> str:
    """Return the object of a feed in JSON Lines, with the entries to deliver."""
    outcome = replace(selection.outcome, entries=selection.entries, edited=selection.edited)
    return jsonl.report(replace(selection, outcome=outcome), options)


def entry_input(outcome: Outcome, entry: Entry, options: ReportOptions) -> str:
    """Return one entry as JSON, with its feed."""
    feed = {"url": place(outcome), "name": outcome.name, "title": outcome.title}
    members = {"schema": ENTRY_SCHEMA, "feed": feed, "entry": jsonl.members_of(entry, options)}
    return json.dumps(members).replace("\x7f", "\\u007f") + "\n"


def feed_variables(selection: Selection) -> dict[str, str]:
    """Return the variables for a hook of a feed."""
    outcome = selection.outcome
    return {
        "CONDGET_FEED_URL": place(outcome),
        "CONDGET_FEED_NAME": line(outcome.name or ""),
        "CONDGET_FEED_TITLE": line(outcome.title or ""),
        "CONDGET_STATUS": outcome.status,
        "CONDGET_ENTRIES": str(len(selection.entries) + len(selection.edited)),
    }


def entry_variables(selection: Selection, entry: Entry) -> dict[str, str]:
    """Return the variables for a hook of an entry."""
    return feed_variables(selection) | {
        "CONDGET_ENTRY_ID": line(entry.id or ""),
        "CONDGET_ENTRY_TITLE": heading(entry),
        "CONDGET_ENTRY_LINK": link(entry) or "",
        "CONDGET_ENTRY_PUBLISHED": line(entry.published or ""),
        "CONDGET_ENTRY_AUTHOR": line(entry.author or ""),
        "CONDGET_ENTRY_SUMMARY": line(entry.summary or "", 500),
    }


def delivery_key(outcome: Outcome, entries: tuple[Entry, ...]) -> str:
    """Return a key that is the same whenever these entries are delivered, so that a receiver knows a repetition."""
    parts = [place(outcome), *(part for entry in entries for part in (entry.key, entry.fingerprint))]
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
