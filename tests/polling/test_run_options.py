"""The values that say how a run behaves."""

from __future__ import annotations

import pickle

import pytest

from condget.polling.run_options import Budget, RunOptions


@pytest.mark.parametrize(
    ("limits", "budget"),
    [
        ((None, None, None), None),
        ((240.0, None, None), Budget(seconds=240.0)),
        ((None, 0, None), Budget(requests=0)),
        ((None, None, 50_000_000), Budget(bytes=50_000_000)),
    ],
)
def test_there_is_a_budget_where_anything_is_limited(
    limits: tuple[float | None, int | None, int | None], budget: Budget | None
) -> None:
    assert Budget.of(*limits) == budget


def test_they_reach_another_process_as_they_are() -> None:
    options = RunOptions(force=True, budget=Budget(requests=3), match="tea")
    assert pickle.loads(pickle.dumps(options)) == options
