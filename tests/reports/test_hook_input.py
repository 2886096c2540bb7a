"""The input of hooks."""

from __future__ import annotations

import json
from dataclasses import replace

from condget.reports import ReportOptions, Selection, select
from condget.reports.hook_input import delivery_key, entry_input, entry_variables, feed_input, feed_variables
from tests.reports.outcomes import CACHING, CHANGED, HEADERS, NEW

PLAIN = ReportOptions()


def test_a_feed_is_told_with_the_entries_to_deliver() -> None:
    """F8"""
    assert len(json.loads(feed_input(Selection(NEW, entries=(HEADERS,)), PLAIN))["entries"]) == 1
    first_sight = select(NEW, PLAIN)
    assert first_sight is not None
    assert json.loads(feed_input(first_sight, PLAIN))["entries"] == []


def test_an_entry_is_told_with_its_feed() -> None:
    told = json.loads(entry_input(replace(CHANGED, name="Mine"), HEADERS, ReportOptions(content=True)))
    assert told["feed"] == {"url": "https://example.org/feed.xml", "name": "Mine", "title": "Example"}
    assert (told["entry"]["title"], told["entry"]["content"]) == ("Headers", "<p>All of them.</p>")


def test_f9_variables_are_single_safe_lines() -> None:
    """F9, F12: a NUL, which no variable can hold, and userinfo included."""
    odd = "a\x00b\n\x1b[2Jc\u202e"
    feed = replace(CHANGED, url="https://me:pw@example.org/#user=abc", title=odd, name=odd)
    entry = replace(CACHING, title=odd, id=odd, author=odd, summary=odd, published=odd, link="javascript:alert(1)")
    variables = entry_variables(Selection(feed, entries=(entry,)), entry)
    assert variables["CONDGET_FEED_URL"] == "https://example.org/"
    assert variables["CONDGET_ENTRY_TITLE"] == variables["CONDGET_FEED_NAME"] == "ab c"
    assert variables["CONDGET_ENTRY_LINK"] == ""
    assert all(value.isprintable() for value in variables.values())
    assert feed_variables(Selection(feed)).items() <= variables.items() | {("CONDGET_ENTRIES", "0")}


def test_the_key_of_a_delivery_is_that_of_its_entries() -> None:
    both, one = (CACHING, HEADERS), (CACHING,)
    assert delivery_key(CHANGED, both) == delivery_key(replace(CHANGED, bytes=7, title="x"), both)
    edited = (replace(CACHING, fingerprint="f9"),)
    other = replace(CHANGED, url="https://example.net/")
    keys = [
        delivery_key(CHANGED, both),
        delivery_key(CHANGED, one),
        delivery_key(CHANGED, edited),
        delivery_key(other, one),
    ]
    assert len(set(keys)) == 4
