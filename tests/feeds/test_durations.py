"""Instants and lengths of time in words."""

from __future__ import annotations

import pytest

from condget.feeds.durations import duration, duration_or_seconds, instant, span, with_instant

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


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1_800), ("6h", 21_600), ("2d", 172_800), ("1w", 604_800), ("1.5h", 5_400)],
)
def test_durations_have_units(text: str, seconds: float) -> None:
    assert duration(text) == duration_or_seconds(text) == seconds


def test_a_number_alone_may_be_seconds_and_nothing_else() -> None:
    assert (duration_or_seconds("45"), duration_or_seconds("0.5")) == (45, 0.5)
    with pytest.raises(ValueError, match="has no unit; write 45s, 45m, 45h, 45d or 45w"):
        duration("45")


@pytest.mark.parametrize("text", ["", "h", "-1h", "1 h", "1y", "0", "0h", "1e9", "inf", "٣h"])
@pytest.mark.parametrize("read", [duration, duration_or_seconds])
def test_other_durations_are_refused(read: object, text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        read(text)  # type: ignore[operator]
