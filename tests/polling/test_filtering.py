"""Filters applied to outcomes, by a child process that ends in time."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from condget.feeds.filters import Filter
from condget.polling.filtering import Filtering
from tests.origin import Origin, ok
from tests.polling.support import Poller, rss, titles
from tests.reports.outcomes import CACHING, CHANGED, EDITED, FAILED, HEADERS, NEW, REISSUED


@pytest.fixture
def filtering() -> Iterator[Filtering]:
    applied = Filtering(seconds=0.5)
    yield applied
    applied.close()


def test_entries_that_do_not_pass_are_left_out(filtering: Filtering) -> None:
    filtered = filtering.applied(CHANGED, [Filter(match="head"), Filter()])
    assert filtered == replace(CHANGED, entries=(HEADERS,))
    assert filtering.applied(NEW, [Filter(not_match="."), Filter()]) == replace(NEW, entries=(), changed=False)


def test_all_filters_must_be_passed(filtering: Filtering) -> None:
    filtered = filtering.applied(CHANGED, [Filter(match="a"), Filter(not_match="caching")])
    assert filtered.entries == (HEADERS,)


def test_f5_a_feed_without_entries_that_pass_is_unchanged(filtering: Filtering) -> None:
    """F5"""
    nothing = [Filter(match="tea")]
    for outcome in (CHANGED, EDITED):
        filtered = filtering.applied(outcome, nothing)
        assert (filtered.status, filtered.changed, filtered.entries, filtered.edited) == ("unchanged", False, (), ())
    assert filtering.applied(REISSUED, nothing) == REISSUED
    assert filtering.applied(FAILED, nothing) == FAILED


def test_an_expression_that_does_not_end_filters_nothing(
    filtering: Filtering, caplog: pytest.LogCaptureFixture
) -> None:
    endless = replace(CHANGED, entries=(HEADERS, replace(CACHING, title="a" * 60 + "!"), CACHING))
    with caplog.at_level(logging.WARNING, "condget"):
        filtered = filtering.applied(endless, [Filter(match="^(a|aa)+$")])
    assert filtered.entries == endless.entries[1:]
    assert "https://example.org/feed.xml: match= or not-match= took longer than 0.5 seconds; 2 entries" in caplog.text
    assert filtering.applied(CHANGED, [Filter(match="head")]).entries == (HEADERS,)


def test_what_is_filtered_out_counts_as_seen(poller: Poller, origin: Origin) -> None:
    origin.script("/feed", ok(rss(1, 2)), ok(rss(1, 2, 3)))
    feed = origin.url("/feed")
    assert titles(poller.one(f"{feed} match='entry 2'")) == ["Entry 2"]
    assert titles(poller.one(feed)) == ["Entry 3"]
