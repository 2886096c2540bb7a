"""Instants and lengths of time in words."""

from __future__ import annotations

import pytest

from condget.feeds.durations import instant, span, with_instant

NOON = 1_700_049_600.0  # 2023-11-15 12:00:00 UTC


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.25, "0.25 s"),
        (90, "90 s"),
        (120, "2 min"),
        (3_600, "60 min"),
        (7_200, "2 h"),
        (12_150, "3.4 h"),
        (172_800, "2 days"),
        (604_800, "7 days"),
    ],
)
def test_a_span_is_said_in_the_unit_that_people_use(seconds: float, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("at", "words"),
    [(NOON, "12:00Z"), (NOON + 59, "12:00Z"), (NOON + 43_200, "2023-11-16 00:00Z"), (0, "1970-01-01 00:00Z")],
)
def test_an_instant_of_the_present_day_has_no_date(at: float, words: str) -> None:
    assert instant(at, NOON) == words


def test_a_reason_names_the_instant_that_it_leads_to() -> None:
    assert with_instant("no validators", NOON, NOON) == "no validators; next at 12:00Z"
