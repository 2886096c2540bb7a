"""The report for programs."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest

from condget.feeds.values import Outcome
from condget.reports import ReportOptions
from tests.reports.outcomes import CACHING, CHANGED, EDITED, FAILED, GONE, NEW, SKIPPED, UNCHANGED, report_as

report = partial(report_as, "jsonl")
PLAIN = ReportOptions()


def test_a_changed_feed_is_one_line_with_every_key() -> None:
    text = report(CHANGED, PLAIN)
    assert text.count("\n") == 1
    assert json.loads(text) == {
        "schema": "condget.poll/1",
        "url": "https://example.org/feed.xml",
        "name": None,
        "title": "Example",
        "status": "changed",
        "http_status": 200,
        "changed": True,
        "entries": [
            {
                "id": "urn:1",
                "title": "Caching",
                "link": "https://example.org/caching",
                "published": "2024-05-01T10:00:00Z",
                "summary": None,
                "author": None,
                "categories": [],
                "content_type": None,
                "content_length": None,
            },
            {
                "id": "urn:2",
                "title": "Headers",
                "link": "https://example.org/headers",
                "published": None,
                "summary": "All of them.",
                "author": "Ann",
                "categories": ["http"],
                "content_type": "text/html",
                "content_length": 19,
            },
        ],
        "edited": [],
        "reissued": False,
        "defect": None,
        "moved_to": None,
        "error": None,
        "reason": "the plain minimum of 60 min; next at 22:13Z",
        "next_poll": "2023-11-14T22:13:20Z",
        "failures": 0,
        "failing_since": None,
        "validators_sent": {"If-None-Match": '"a"'},
        "validators_received": {"ETag": 'W/"b\xe9"'},
        "bytes": 512,
        "bytes_saved": 0,
    }


def test_content_is_there_where_it_is_wanted() -> None:
    entries = json.loads(report(CHANGED, ReportOptions(content=True)))["entries"]
    assert [entry["content"] for entry in entries] == [None, "<p>All of them.</p>"]


def test_a_limit_cuts_the_entries() -> None:
    entries = json.loads(report(CHANGED, ReportOptions(limit=1)))["entries"]
    assert [entry["title"] for entry in entries] == ["Caching"]


def test_f8_first_sight_carries_all_entries() -> None:
    assert len(json.loads(report(NEW, PLAIN))["entries"]) == 2


def test_f5_edited_entries_are_apart() -> None:
    members = json.loads(report(EDITED, ReportOptions(edited=True)))
    assert (members["entries"], [entry["title"] for entry in members["edited"]]) == ([], ["Caching"])


def test_f5_edited_entries_of_a_feed_with_news_are_in_its_line_at_all_times() -> None:
    members = json.loads(report(replace(CHANGED, edited=(CACHING,)), PLAIN))
    assert [entry["title"] for entry in members["edited"]] == ["Caching"]


@pytest.mark.parametrize(("outcome", "status"), [(UNCHANGED, "unchanged"), (FAILED, "error"), (GONE, "gone")])
def test_with_all_every_feed_has_a_line(outcome: Outcome, status: str) -> None:
    assert json.loads(report(outcome, ReportOptions(all=True)))["status"] == status


def test_a_skipped_feed_has_a_line_only_when_all_are_wanted() -> None:
    assert report(SKIPPED, PLAIN) == ""
    assert json.loads(report(SKIPPED, ReportOptions(all=True)))["reason"] == "asked 5 min ago"


def test_lines_are_ascii_without_controls_and_odd_text_survives() -> None:
    """A3: the latin-1 bytes of a validator; and whatever a feed holds."""
    odd = 'é\x00\n\r\x1b[2J\x7f\x85\u2028\ud800🦆"'
    text = report(
        replace(
            CHANGED,
            title=odd,
            name=odd,
            entries=(replace(CACHING, title=odd),),
            validators_received=(("ETag", odd),),
        ),
        PLAIN,
    )
    assert all(" " <= c <= "~" for c in text.removesuffix("\n"))
    members = json.loads(text)
    assert members["title"] == members["entries"][0]["title"] == members["validators_received"]["ETag"] == odd


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), 1e18, None])
def test_an_instant_that_never_comes_is_null(seconds: float | None) -> None:
    assert json.loads(report(replace(CHANGED, next_poll=seconds), PLAIN))["next_poll"] is None


def test_two_lines_of_one_validator_are_a_list() -> None:
    """A6."""
    twice = replace(CHANGED, validators_received=(("ETag", '"a"'), ("ETag", '"b"')))
    assert json.loads(report(twice, PLAIN))["validators_received"] == {"ETag": '"a", "b"'}


def test_userinfo_is_never_shown() -> None:
    """F9, F12."""
    secret = replace(
        FAILED,
        url="https://me:hunter2@example.org/",
        error="https://me:hunter2@example.org/: no",
        moved_to="http://a:hunter2@b/",
    )
    assert "hunter2" not in report(secret, PLAIN)
