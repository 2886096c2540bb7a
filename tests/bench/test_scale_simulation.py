"""The simulated week asks the schedule's own rules, and shows that feeds that were added at once part (C11)."""

from __future__ import annotations

import pytest

from condget.feeds.durations import DAY, HOUR
from tests.bench.scale_simulation import Load, report, simulate


def by_hour(load: Load) -> list[float]:
    return [sum(load.polls[start : start + 60]) for start in range(0, len(load.polls), 60)]


def test_c11_feeds_that_were_added_at_once_part() -> None:
    """C11: within a day, although most of them are polled every six hours, and the sample is small."""
    load = simulate(3_000, 3_000, days=2)
    assert load.polls[0] == 3_000
    hours = by_hour(load.part(DAY, 2 * DAY))
    assert max(hours) < 1.6 * sum(hours) / len(hours)


def test_no_more_is_polled_than_there_is_capacity_for() -> None:
    load = simulate(10_000, 1_000, days=2, capacity=2, outage=(DAY, DAY + 2 * HOUR))
    assert max(load.polls) == pytest.approx(120)
    assert set(load.part(DAY, DAY + 2 * HOUR).polls) == {0}
    assert load.waiting[-1] < load.waiting[0]


def test_a_report_is_made_of_figures() -> None:
    lines = list(report(1_000, 200))
    assert any("nothing waits any more" in line for line in lines)
