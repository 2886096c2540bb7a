"""The choices of a private cache, and the freshness that they lead to (RFC 9111 §4.2)."""

from __future__ import annotations

import pickle

import pytest

from condget import Policy
from condget.cache.dates import format_date
from condget.cache.freshness import Freshness
from tests.cache.literals import FRESH, T, held

MODIFIED = f"Last-Modified: {format_date(T - 1000)}"


@pytest.mark.parametrize(
    ("policy", "stored", "status", "lifetime"),
    [
        (Policy(ttl=5), FRESH, 200, 60),
        (Policy(ttl=5), "", 200, 5),
        (Policy(ttl=5), "", 403, 0),
        (Policy(ttl=5), "Pragma: no-cache", 200, 0),
        (Policy(ttl=5), MODIFIED, 200, 5),
        (Policy(heuristic_fraction=0.5), MODIFIED, 200, 500),
        (Policy(heuristic_fraction=0), MODIFIED, 200, 0),
    ],
)
def test_the_lifetime(policy: Policy, stored: str, status: int, lifetime: float) -> None:
    """G1: as the origin states it, else as the policy grants it."""
    assert policy.lifetime(held(stored, status)) == lifetime


def test_the_freshness_at_an_instant() -> None:
    freshness = Policy().freshness(held(f"{FRESH} | Age: 10"), T + 55)
    assert freshness == Freshness(age=65, lifetime=60)
    assert freshness.ttl == -5


@pytest.mark.parametrize(
    "choices",
    [{"ttl": -1}, {"heuristic_fraction": 2}, {"heuristic_fraction": -0.1}],
    ids=lambda choices: next(iter(choices)),
)
def test_a_choice_that_means_nothing_is_refused(choices: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(choices))):
        Policy(**choices)  # type: ignore[arg-type]


def test_a_policy_is_a_value() -> None:
    assert pickle.loads(pickle.dumps(Policy(ttl=5))) == Policy(ttl=5)
