"""The selection of outcomes that are worth reporting, for all formats."""

from __future__ import annotations

from dataclasses import replace

import pytest

from condget.feeds.values import Outcome
from condget.reports import ReportOptions, Selection, select
from tests.reports.outcomes import CACHING, CHANGED, EDITED, FAILED, GONE, MOVED, NEW, REISSUED, SKIPPED, UNCHANGED

PLAIN = ReportOptions()
ALL = ReportOptions(all=True)
EDITS = ReportOptions(edited=True)


@pytest.mark.parametrize("outcome", [UNCHANGED, SKIPPED, EDITED])
def test_f5_nothing_new_is_nothing_to_report(outcome: Outcome) -> None:
    assert select(outcome, PLAIN) is None


@pytest.mark.parametrize("outcome", [NEW, CHANGED, MOVED, GONE, FAILED, REISSUED])
def test_news_moves_and_failures_are_reported(outcome: Outcome) -> None:
    assert select(outcome, PLAIN) is not None


@pytest.mark.parametrize("outcome", [NEW, CHANGED, UNCHANGED, EDITED, MOVED, GONE, FAILED, SKIPPED, REISSUED])
def test_all_reports_every_feed(outcome: Outcome) -> None:
    selection = select(outcome, ALL)
    assert selection is not None
    assert selection.schedule == (outcome.status != "skipped")


def test_f8_the_entries_of_first_sight_are_listed_on_request() -> None:
    """F8"""
    assert select(NEW, PLAIN) == Selection(NEW)
    assert select(NEW, ReportOptions(first_entries=True)) == Selection(NEW, entries=NEW.entries)
    assert select(CHANGED, PLAIN) == Selection(CHANGED, entries=CHANGED.entries)


def test_f5_edited_entries_are_listed_on_request() -> None:
    """F5"""
    both = replace(CHANGED, edited=(CACHING,))
    assert select(EDITED, EDITS) == Selection(EDITED, edited=(CACHING,))
    assert select(both, PLAIN) == Selection(both, entries=both.entries)
    assert select(both, EDITS) == Selection(both, entries=both.entries, edited=(CACHING,))


@pytest.mark.parametrize(
    ("outcome", "is_news"),
    [(NEW, True), (CHANGED, True), (MOVED, True), (UNCHANGED, False), (GONE, False), (FAILED, False), (SKIPPED, False)],
)
def test_news_is_what_a_script_waits_for(outcome: Outcome, is_news: bool) -> None:
    selection = select(outcome, ALL)
    assert selection is not None
    assert selection.is_news is is_news
