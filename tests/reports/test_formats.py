"""Formats by name."""

from __future__ import annotations

import pytest

from condget.errors import UsageError
from condget.reports import FORMATS, ReportOptions, report_function
from tests.reports.outcomes import FAILED


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_a_function_of_one_outcome_that_returns_whole_lines(name: str) -> None:
    assert report_function(name)(FAILED, ReportOptions()).endswith("\n")


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r'no format "html"; choose one of text, jsonl, markdown'):
        report_function("html")
