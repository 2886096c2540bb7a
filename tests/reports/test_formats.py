"""Formats by name."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from condget.errors import UsageError
from condget.feeds.values import LONGEST_CONTENT, LONGEST_TEXT
from condget.reports import FORMATS, ReportOptions, format_of
from tests.reports.outcomes import CHANGED, FAILED, HEADERS, report_as


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_reports_a_failure_in_whole_lines_or_leaves_it_to_stderr(name: str) -> None:
    assert format_of(name).entries_only or report_as(name, FAILED, ReportOptions()).endswith("\n")


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r'no format "pdf"; choose one of text, jsonl, markdown, html, atom'):
        format_of("pdf")


@pytest.mark.parametrize("piece", ["\x1b[", "é", "<", "&", "*", "](", "://", "\\", "\u202e", "- ", "{", "]]>", '"'])
@pytest.mark.parametrize("name", FORMATS)
def test_f1_the_longest_entry_is_reported_in_linear_time(name: str, piece: str) -> None:
    """F1: texts of strangers, as long as an entry can hold them"""
    text = (piece * LONGEST_TEXT)[:LONGEST_TEXT]
    content = (piece * LONGEST_CONTENT)[:LONGEST_CONTENT]
    giant = replace(HEADERS, id=text, title=text, link=text, published=text, author=text, content=content)
    outcome = replace(CHANGED, title=text, entries=(giant,), edited=(giant,))
    began = time.thread_time()
    report_as(name, outcome, ReportOptions(content=True, edited=True))
    assert time.thread_time() - began < 2
