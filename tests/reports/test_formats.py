"""Formats by name."""

from __future__ import annotations

import pytest

from condget.errors import UsageError
from condget.reports import FORMATS, ReportOptions, format_of
from tests.reports.outcomes import FAILED, report_as


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_reports_a_failure_in_whole_lines_or_leaves_it_to_stderr(name: str) -> None:
    assert format_of(name).entries_only or report_as(name, FAILED, ReportOptions()).endswith("\n")


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r'no format "pdf"; choose one of text, jsonl, markdown, html, atom'):
        format_of("pdf")
