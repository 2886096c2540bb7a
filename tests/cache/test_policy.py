"""The choices of a private cache, and the freshness that they lead to (RFC 9111 §4.2)."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import timedelta

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
        (Policy(), MODIFIED, 200, 0),
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
    "choices", [{"ttl": -1}, {"stale_if_error": -1}, {"heuristic_fraction": 1.1}, {"heuristic_fraction": -0.1}], ids=str
)
def test_a_choice_out_of_range_is_refused(choices: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(choices))):
        Policy(**choices)  # type: ignore[arg-type]


@pytest.mark.parametrize("choices", [{"ttl": "1h"}, {"stale_if_error": True}, {"credential_fields": "cookie"}], ids=str)
def test_a_choice_of_another_type_is_refused(choices: dict[str, object]) -> None:
    with pytest.raises(TypeError, match=next(iter(choices))):
        Policy(**choices)  # type: ignore[arg-type]


def test_a_duration_is_seconds_or_a_timedelta() -> None:
    policy = Policy(ttl=timedelta(minutes=1), stale_if_error=timedelta(days=1))
    assert (policy.ttl, policy.stale_if_error) == (60, 86400)
    assert policy == Policy(ttl=60, stale_if_error=86400)
    assert replace(policy, ttl=5).stale_if_error == 86400


def test_names_of_credential_fields_compare_without_case() -> None:
    assert Policy(credential_fields=["X-Me", "Cookie"]).credential_fields == {"x-me", "cookie"}


def test_a_policy_is_a_value() -> None:
    assert pickle.loads(pickle.dumps(Policy(ttl=5))) == Policy(ttl=5)
