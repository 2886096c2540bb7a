"""The status of a request in the words of RFC 9211 (G12)."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from condget.cache.actions import Forward, Freshen, Reuse, Save, Settlement, Unsatisfiable
from condget.cache.freshness import Freshness
from condget.cache.status import (
    CacheStatus,
    not_stored_after_all,
    status_of_collapsed,
    status_of_forwarded,
    status_of_hit,
    status_of_unsatisfiable,
)
from tests.cache.literals import FRESH, get, held

STORED = held(FRESH)
REUSE = Reuse(STORED, 200, "OK", STORED.fields, Freshness(age=12.9, lifetime=60.0))
MISS = Forward(get(), get(), "uri-miss")
STALE = Forward(get(), get(), "stale")


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (status_of_hit(REUSE), "condget; hit; ttl=48"),
        (status_of_hit(replace(REUSE, freshness=Freshness(61.5, 60.0))), "condget; hit; ttl=-1"),
        (status_of_collapsed(REUSE), "condget; fwd=uri-miss; ttl=48; collapsed"),
        (
            status_of_unsatisfiable(Unsatisfiable("stale", "only-if-cached")),
            'condget; fwd=stale; detail="only-if-cached"',
        ),
        (
            status_of_forwarded(MISS, Settlement((Save(STORED),), freshness=Freshness(0.0, 60.0)), 200),
            "condget; fwd=uri-miss; fwd-status=200; ttl=60; stored",
        ),
        (
            status_of_forwarded(MISS, Settlement(freshness=Freshness(0.0, 0.0), not_stored="no-store"), 200),
            'condget; fwd=uri-miss; fwd-status=200; ttl=0; detail="not stored: no-store"',
        ),
        (
            status_of_forwarded(STALE, Settlement((Freshen(STORED),), REUSE), 304),
            "condget; fwd=stale; fwd-status=304; ttl=48; stored",
        ),
        (
            status_of_forwarded(STALE, Settlement(reuse=REUSE, stale="stale, ConnectError: no"), None),
            'condget; fwd=stale; ttl=48; detail="stale, ConnectError: no"',
        ),
        (CacheStatus(detail='a "quoted" \\ and \x1b odd word'), 'condget; detail="a \\"quoted\\" \\\\ and ? odd word"'),
    ],
)
def test_the_status_in_words(status: CacheStatus, text: str) -> None:
    """G12"""
    assert str(status) == text


def test_a_response_whose_storing_fails_on_the_way_says_why() -> None:
    """G5, G12"""
    status = not_stored_after_all(CacheStatus(fwd="uri-miss", stored=True), "its content broke off")
    assert (status.stored, status.detail, status.fwd) == (False, "not stored: its content broke off", "uri-miss")


def test_a_304_of_the_origin_is_a_revalidation() -> None:
    assert CacheStatus(fwd="stale", fwd_status=304).revalidated
    assert not CacheStatus(fwd="stale", fwd_status=200).revalidated


def test_a_status_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        CacheStatus().hit = True  # type: ignore[misc]
