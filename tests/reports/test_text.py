"""The report for people."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from condget.feeds.values import Entry, Outcome
from condget.reports import ReportOptions
from tests.reports.outcomes import (
    CACHING,
    CHANGED,
    EDITED,
    FAILED,
    GONE,
    MOVED,
    NEW,
    REISSUED,
    SKIPPED,
    UNCHANGED,
    report_as,
)

report = partial(report_as, "text")
PLAIN = ReportOptions()
WHERE = "Example (https://example.org/feed.xml)"
NEXT = "the plain minimum of 60 min; next at 22:13Z"
ENTRIES = """\
  * Caching (2024-05-01 10:00)
    https://example.org/caching
  * Headers
    https://example.org/headers
"""


@pytest.mark.parametrize(
    ("outcome", "options", "text"),
    [
        pytest.param(CHANGED, PLAIN, f"{WHERE}\n{ENTRIES}", id="news is the title and the entries with links"),
        pytest.param(NEW, PLAIN, f"{WHERE}: first seen, with 2 entries\n", id="F8 first sight is no flood"),
        pytest.param(
            NEW,
            ReportOptions(first_entries=True),
            f"{WHERE}: first seen, with 2 entries\n{ENTRIES}",
            id="F8 an option lists the entries of first sight",
        ),
        pytest.param(
            CHANGED,
            ReportOptions(limit=1),
            f"{WHERE}\n  * Caching (2024-05-01 10:00)\n    https://example.org/caching\n  and 1 more\n",
            id="a limit counts what it leaves out",
        ),
        pytest.param(
            NEW,
            ReportOptions(limit=1),
            f"{WHERE}: first seen, with 2 entries\n",
            id="F8 first sight counts all entries",
        ),
        pytest.param(UNCHANGED, PLAIN, "", id="nothing new is nothing to say"),
        pytest.param(UNCHANGED, ReportOptions(all=True), f"{WHERE}: unchanged; {NEXT}\n", id="all tells the unchanged"),
        pytest.param(EDITED, PLAIN, "", id="F5 edits are told only when asked"),
        pytest.param(
            EDITED,
            ReportOptions(edited=True),
            f"{WHERE}\n  edited: Caching (2024-05-01 10:00)\n    https://example.org/caching\n",
            id="F5 an edited entry is apart from a new one",
        ),
        pytest.param(
            MOVED,
            PLAIN,
            f"{WHERE}: moved to https://example.net/feed.xml and polled there from now on; change the list\n",
            id="E1 a move is told",
        ),
        pytest.param(GONE, PLAIN, f"{WHERE}: gone (410) and not polled again; take it off the list\n", id="C8 gone"),
        pytest.param(
            FAILED,
            PLAIN,
            f'error: {WHERE}: the server answered 503 "down"; it is asked again later\n',
            id="F9 a failure names the feed once",
        ),
        pytest.param(SKIPPED, PLAIN, "", id="a feed that is not due is not mentioned"),
        pytest.param(
            SKIPPED,
            ReportOptions(all=True),
            "https://example.org/feed.xml: not polled: asked 5 min ago\n",
            id="all tells why a feed was not asked",
        ),
        pytest.param(
            REISSUED,
            PLAIN,
            f"{WHERE}: the known entries came with other ids, which is no news\n",
            id="F7 re-issued ids",
        ),
        pytest.param(
            CHANGED,
            ReportOptions(colour=True),
            f"\x1b[1mExample\x1b[0m (https://example.org/feed.xml)\n{ENTRIES}",
            id="colour only when asked",
        ),
    ],
)
def test_text_says(outcome: Outcome, options: ReportOptions, text: str) -> None:
    assert report(outcome, options) == text


def test_the_name_from_the_list_stands_before_the_title() -> None:
    named = replace(NEW, name="My name for it")
    assert report(named, PLAIN).startswith("My name for it (https://example.org/feed.xml)")


def test_without_a_reason_the_instant_of_the_next_poll_is_told() -> None:
    text = report(replace(UNCHANGED, reason=None), ReportOptions(all=True))
    assert text == f"{WHERE}: unchanged; next at 2023-11-14T22:13:20Z\n"


def test_a_move_at_first_sight_is_told_too() -> None:
    moved = replace(NEW, moved_to="https://example.net/f")
    assert "first seen, with 2 entries; moved to https://example.net/f" in report(moved, PLAIN)


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;owned\x07title", "title"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("bell\x07 and\x08 back", "bell and back"),
        ("C1\x9b2Jcsi", "C12Jcsi"),
        ("two\nlines\r\n\u2028three", "two lines three"),
        ("abc\u202edcba\u2066x", "abcdcbax"),
        ("\ud800lone", "lone"),
        ("\x1b", "(no title)"),
        (None, "(no title)"),
        ("R&D <b> 100 %", "R&D <b> 100 %"),
        ("x" * 1000, "x" * 399 + "…"),
    ],
)
def test_a_title_cannot_write_to_the_terminal(title: str | None, shown: str) -> None:
    entry = Entry("k", None, title, "https://example.org/\x1b[2Ja", None, "f")
    lines = report(replace(CHANGED, entries=(entry,)), PLAIN).splitlines()
    assert lines == [WHERE, f"  * {shown}", "    https://example.org/a"]


def test_feed_title_name_and_error_cannot_write_to_the_terminal() -> None:
    hostile = replace(FAILED, title="a\x1b[2Jb", name=None, error="oh\x1b]0;x\x07\nno", moved_to=None)
    assert report(hostile, PLAIN) == "error: ab (https://example.org/feed.xml): oh no\n"


@pytest.mark.parametrize(
    ("published", "shown"),
    [
        ("2024-05-01T23:30:00Z", "2024-05-02 01:30"),
        ("2024-01-01T00:00:00Z", "2024-01-01 01:00"),
        ("next\x1b[2J week", "next week"),
        ("0000-00-00T00:00:00Z", "0000-00-00T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("0800-01-01T00:00:00Z", "0800-01-01 00:53"),
    ],
)
def test_dates_are_on_the_clocks_of_the_reader(published: str, shown: str) -> None:
    dated = replace(CHANGED, entries=(replace(CACHING, published=published, link=None),))
    assert report(dated, ReportOptions(zone=ZoneInfo("Europe/Berlin"))) == f"{WHERE}\n  * Caching ({shown})\n"


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_an_entry_without_a_title_is_shown_by_the_beginning_of_its_text(form: str) -> None:
    entry = Entry("k", None, None, None, None, "f", summary="Tea\x1b[2J is ready" + ", again" * 20)
    shown = report_as(form, replace(CHANGED, entries=(entry,)), PLAIN)
    (item,) = [line for line in shown.splitlines() if "Tea is ready" in line]
    assert item.strip(" *-").endswith(", ag…")
    assert len(item.strip(" *-")) == 80


def test_a_link_that_is_no_address_is_left_out() -> None:
    entry = Entry("k", None, "Click", "javascript:alert(1)", None, "f")
    assert report(replace(CHANGED, entries=(entry,)), PLAIN) == f"{WHERE}\n  * Click\n"


def test_userinfo_is_never_shown() -> None:
    """F9, F12."""
    secret = replace(
        FAILED,
        url="https://me:hunter2@example.org/feed.xml#user=abc",
        error="https://me:hunter2@example.org/feed.xml: no",
    )
    assert report(secret, PLAIN) == f"error: {WHERE}: no\n"
