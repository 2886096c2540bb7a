"""The conditional request that validates what is stored, and the stored response that its 304 confirms (§4.3)."""

from __future__ import annotations

import pytest

from condget.cache.conditional import bypassing, conditional_request, confirmed_by, unconditional
from condget.cache.messages import Request, Response, StoredResponse
from tests.cache.literals import BOTH, FRESH, T, fields, get, held

A = held(f'{FRESH} | ETag: "a" | Vary: X', asked="X: 1")
B = held(f'{FRESH} | ETag: "b" | Vary: X', asked="X: 2", id=2)
TAGGED = held(BOTH)
DATED = held(f"{FRESH} | Last-Modified: yesterday")


def added(request: Request, current: StoredResponse | None, candidates: list[StoredResponse]) -> list[tuple[str, str]]:
    forward = conditional_request(request, current, candidates, candidates, "stale", "default")
    return [pair for pair in forward.request.fields if pair not in request.fields.pairs]


@pytest.mark.parametrize(
    ("request_fields", "expected"),
    [
        ("", ["If-None-Match", "If-Modified-Since"]),
        ('If-None-Match: "x"', ["If-None-Match"]),
        ("If-None-Match: *", []),
        ('If-Match: "a"', []),
        ("If-Unmodified-Since: yesterday", []),
    ],
)
def test_the_callers_own_conditions_are_kept(request_fields: str, expected: list[str]) -> None:
    """A7"""
    assert [name for name, _ in added(get(request_fields), TAGGED, [TAGGED])] == expected


def test_the_tags_of_all_variants_are_offered() -> None:
    """G2"""
    assert added(get("X: 1"), A, [A, B]) == [("If-None-Match", '"a", "b"')]


def test_a_date_cannot_tell_variants_apart() -> None:
    assert added(get(), DATED, [DATED, A]) == [("If-Modified-Since", "yesterday")]
    assert added(get(), None, [DATED]) == []


def test_a_head_validates_nothing() -> None:
    assert added(get(method="HEAD"), TAGGED, [TAGGED]) == []


@pytest.mark.parametrize(
    ("request_fields", "etag", "expected"),
    [
        ("", "", A),
        ('If-None-Match: "x"', 'ETag: "a"', A),
        ('If-None-Match: "x"', 'ETag: "x"', None),
        ('If-None-Match: "x"', "", None),
        ('If-None-Match: "a"', "", A),
    ],
)
def test_the_stored_response_that_a_304_confirms(
    request_fields: str, etag: str, expected: StoredResponse | None
) -> None:
    """A7, G2"""
    forward = conditional_request(get(request_fields), A, [A], [A], "stale", "default")
    assert confirmed_by(forward, Response(304, fields(etag), T, T)) == expected


def test_a_304_to_several_variants_means_the_one_it_names() -> None:
    forward = conditional_request(get(), A, [A], [A, B], "stale", "default")
    assert confirmed_by(forward, Response(304, fields('ETag: W/"b"'), T, T)) == B
    assert confirmed_by(forward, Response(304, fields(""), T, T)) is None


def test_the_request_without_our_conditions_is_the_callers() -> None:
    forward = unconditional(conditional_request(get(), A, [A], [A], "stale", "default"))
    assert (forward.request, forward.validates) == (get(), ())


def test_a_request_that_bypasses_caches_says_so_unless_the_caller_did() -> None:
    assert [name for name, _ in bypassing(get()).fields] == ["Cache-Control", "Pragma"]
    assert bypassing(get("Cache-Control: max-age=0")) == get("Cache-Control: max-age=0")
