"""The first question of a cache (RFC 9111 §4, §5.2.1, RFC 5861): what is done with a request."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condget.cache.actions import Forward, Reuse, Unsatisfiable
from condget.cache.dates import format_date
from condget.cache.decisions import decide
from condget.cache.messages import StoredResponse
from condget.cache.policy import MODES, Mode, Policy
from tests.cache.literals import BOTH, BROWSER, FRESH, VALIDATE, T, get, held


def said(decision: Reuse | Forward | Unsatisfiable) -> str:
    """A decision in a few words."""
    if isinstance(decision, Unsatisfiable):
        return "504"
    if isinstance(decision, Reuse):
        return f"{decision.status_code}{' and refresh' if decision.refresh else ''}"
    own = decision.caller.fields.pairs
    added = [f"{name}={value}" for name, value in decision.request.fields if (name, value) not in own]
    return " ".join([decision.fwd, *added, *(["or stale"] if decision.fallback else [])])


@pytest.mark.parametrize(
    ("stored", "age", "asked", "expected"),
    [
        (FRESH, 0, "", "200"),
        (FRESH, 59, "", "200"),
        (FRESH, 60, "", "stale or stale"),
        (f"{FRESH} | Age: 30", 29, "", "200"),
        (f"{FRESH} | Age: 30", 30, "", "stale or stale"),
        (f"{FRESH} | Date: {format_date(T - 30)}", 30, "", "stale or stale"),
        (BOTH, 60, "", f"stale {VALIDATE} or stale"),
        ('ETag: "a"', 0, "", 'stale If-None-Match="a" or stale'),
        (f"Last-Modified: {format_date(T - 1000)}", 99, "", "200"),
        (
            f"Last-Modified: {format_date(T - 1000)}",
            101,
            "",
            f"stale If-Modified-Since={format_date(T - 1000)} or stale",
        ),
        # what the origin forbids
        ("Cache-Control: max-age=60, no-cache", 0, "", "stale"),
        ("Cache-Control: no-cache | Cache-Control: max-age=60", 0, "", "stale"),
        ('Cache-Control: max-age=60, no-cache="X-A"', 0, "", "200"),
        ("Cache-Control: max-age=60, must-revalidate", 59, "", "200"),
        ("Cache-Control: max-age=60, must-revalidate", 60, "", "stale"),
        ("Cache-Control: max-age=60, must-revalidate", 61, "Cache-Control: max-stale", "stale"),
        ("Cache-Control: max-age=60, proxy-revalidate", 60, "", "stale or stale"),  # for shared caches
        ("Cache-Control: max-age=60, s-maxage=0", 59, "", "200"),
        ("Cache-Control: max-age=60, immutable", 59, "", "200"),
        ("Cache-Control: max-age=60, immutable", 60, "", "stale or stale"),
        # what the caller asks for (§5.2.1)
        (BOTH, 0, "Cache-Control: no-cache", f"request {VALIDATE}"),
        (BOTH, 0, "Pragma: no-cache", f"request {VALIDATE}"),
        (FRESH, 0, "Pragma: no-cache | Cache-Control: max-age=99", "200"),
        (BOTH, 0, "Cache-Control: no-store", "bypass"),
        (BOTH, 11, "Cache-Control: max-age=10", f"request {VALIDATE}"),
        (BOTH, 10, "Cache-Control: max-age=10", "200"),
        (BOTH, 1, "Cache-Control: max-age=0", f"request {VALIDATE}"),
        (BOTH, 50, "Cache-Control: max-age=x", "200"),
        (BOTH, 50, "Cache-Control: min-fresh=10", "200"),
        (BOTH, 51, "Cache-Control: min-fresh=10", f"request {VALIDATE}"),
        (BOTH, 90, "Cache-Control: max-stale", "200"),
        (BOTH, 90, "Cache-Control: max-stale=30", "200"),
        (BOTH, 91, "Cache-Control: max-stale=30", f"stale {VALIDATE} or stale"),
        (BOTH, 90, "Cache-Control: max-stale=x", f"stale {VALIDATE} or stale"),
        (BOTH, 0, "Cache-Control: only-if-cached", "200"),
        (BOTH, 60, "Cache-Control: only-if-cached", "504"),
        (BOTH, 60, "Cache-Control: only-if-cached, max-stale", "200"),
        # content, which HTTP gives no meaning
        (BOTH, 0, "Content-Length: 5", "bypass"),
        (BOTH, 0, "Transfer-Encoding: chunked", "bypass"),
        (BOTH, 0, "Content-Length: 0", "200"),
        (BOTH, 0, "Connection: Upgrade | Upgrade: websocket", "bypass"),
        (BOTH, 0, "Content-Length: 5 | Cache-Control: only-if-cached", "504"),
        # RFC 5861
        ("Cache-Control: max-age=60, stale-while-revalidate=30", 89, "", "200 and refresh"),
        ("Cache-Control: max-age=60, stale-while-revalidate=30", 90, "", "stale or stale"),
        ("Cache-Control: max-age=60, stale-while-revalidate=30, must-revalidate", 70, "", "stale"),
        ("Cache-Control: max-age=60, stale-while-revalidate=30", 70, "Cache-Control: no-cache", "request"),
        ("Cache-Control: max-age=60, stale-if-error=30", 90, "", "stale or stale"),
        ("Cache-Control: max-age=60, stale-if-error=30", 91, "", "stale"),
        ("Cache-Control: max-age=60, stale-if-error=0", 61, "", "stale"),
        (FRESH, 91, "Cache-Control: stale-if-error=30", "stale"),
        ("Cache-Control: max-age=60, must-revalidate, stale-if-error=30", 61, "", "stale"),
        # the caller's own conditions (RFC 9110 §13)
        (BOTH, 0, 'If-None-Match: "a"', "304"),
        (BOTH, 0, 'If-None-Match: W/"a"', "304"),
        (BOTH, 0, 'If-None-Match: "x", "a"', "304"),
        (BOTH, 0, "If-None-Match: *", "304"),
        (BOTH, 0, 'If-None-Match: "x"', "200"),
        (BOTH, 0, f"If-Modified-Since: {format_date(T - 1000)}", "304"),
        (BOTH, 0, f"If-Modified-Since: {format_date(T - 1001)}", "200"),
        (BOTH, 0, f'If-None-Match: "x" | If-Modified-Since: {format_date(T)}', "200"),
        (BOTH, 0, "If-Modified-Since: yesterday", "200"),
        (f'{FRESH} | ETag: "a"', 0, f"If-Modified-Since: {format_date(T)}", "304"),  # Date, else time of receipt
        (BOTH, 0, 'If-Match: "a"', "200"),
        (BOTH, 0, 'If-Match: "x"', "request"),
        (BOTH, 0, f"If-Unmodified-Since: {format_date(T)}", "200"),
        (BOTH, 0, f"If-Unmodified-Since: {format_date(T - 2000)}", "request"),
        (BOTH, 60, 'If-None-Match: "x"', 'stale If-None-Match="x", "a" or stale'),
        (BOTH, 60, 'If-None-Match: "a"', "stale or stale"),
        (BOTH, 60, "If-None-Match: *", "stale or stale"),
        (BOTH, 60, 'If-Match: "a"', "stale or stale"),
        # ranges
        (BOTH, 0, "Range: bytes=2-4", "206"),
        (BOTH, 0, "Range: bytes=10-", "416"),
        (BOTH, 0, "Range: bytes=-0", "416"),
        (BOTH, 0, "Range: bytes=1-2,4-5", "200"),
        (BOTH, 0, "Range: lines=1-2", "200"),
        (BOTH, 0, 'Range: bytes=0-1 | If-Range: "a"', "206"),
        (BOTH, 0, 'Range: bytes=0-1 | If-Range: "b"', "200"),
        (BOTH, 0, 'Range: bytes=0-1 | If-None-Match: "a"', "304"),
    ],
)
def test_what_is_done_with_a_get(stored: str, age: float, asked: str, expected: str) -> None:
    """G1, G9, G10"""
    assert said(decide(get(asked), [held(stored)], BROWSER, T + age)) == expected


@pytest.mark.parametrize(
    ("stored", "age", "expected"),
    [
        (FRESH, 0, "200"),
        (BOTH, 60, f"stale {VALIDATE}"),
        (f"Last-Modified: {format_date(T - 1000)}", 0, f"stale If-Modified-Since={format_date(T - 1000)}"),
        ('ETag: "a"', 0, 'stale If-None-Match="a"'),
        (f"{FRESH}, stale-if-error=30", 90, "stale or stale"),
        (f"{FRESH}, stale-if-error=30", 91, "stale"),
        (f"{FRESH}, stale-if-error=0", 60, "stale"),
    ],
)
def test_only_what_the_origin_states_is_reused_by_default(stored: str, age: float, expected: str) -> None:
    """G1, G9: no heuristic freshness, no stale response in place of an error."""
    assert said(decide(get(), [held(stored)], Policy(), T + age)) == expected


@pytest.mark.parametrize("mode", ["default", "force-cache", "no-cache"])
def test_credentials_that_change_with_each_request_are_always_validated(mode: Mode) -> None:
    """G3: only the origin can check them, whatever the mode."""
    request = replace(get(), must_validate=True)
    decision = decide(request, [held(BOTH)], BROWSER, T, mode)
    assert isinstance(decision, Forward)
    assert ("If-None-Match", '"a"') in decision.request.fields.pairs
    assert decision.fallback is None
    assert said(decide(request, [held(BOTH)], BROWSER, T, "only-if-cached")) == "504"


def test_a_request_without_a_key_bypasses_the_cache() -> None:
    """G1"""
    request = replace(get(), unkeyed="its target is no path")
    decision = decide(request, [held(BOTH)], BROWSER, T)
    assert isinstance(decision, Forward)
    assert (decision.fwd, decision.request, decision.not_stored) == ("bypass", request, "its target is no path")
    assert said(decide(request, [held(BOTH)], BROWSER, T, "only-if-cached")) == "504"


@pytest.mark.parametrize(
    ("mode", "age", "expected"),
    [
        ("default", 0, "200"),
        ("no-store", 0, "bypass Cache-Control=no-cache Pragma=no-cache"),
        ("reload", 0, "request Cache-Control=no-cache Pragma=no-cache"),
        ("no-cache", 0, f"request Cache-Control=max-age=0 {VALIDATE}"),
        ("force-cache", 0, "200"),
        ("force-cache", 10**8, "200"),
        ("only-if-cached", 10**8, "200"),
    ],
)
def test_the_modes_of_the_fetch_standard(mode: Mode, age: float, expected: str) -> None:
    """G9: https://fetch.spec.whatwg.org/#concept-request-cache-mode"""
    assert said(decide(get(), [held(BOTH)], BROWSER, T + age, mode)) == expected


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("force-cache", "uri-miss"), ("only-if-cached", "504"), ("no-cache", "uri-miss Cache-Control=max-age=0")],
)
def test_the_modes_when_nothing_is_stored(mode: Mode, expected: str) -> None:
    """G9"""
    assert said(decide(get(), [], BROWSER, T, mode)) == expected


@pytest.mark.parametrize(
    ("candidates", "asked", "expected"),
    [
        ([], "", "uri-miss"),
        ([held(f"{FRESH} | Vary: X", asked="X: 1")], "X: 2", "vary-miss"),
        (
            [
                held(f'{FRESH} | Vary: X | ETag: "1"', asked="X: 1"),
                held(f'{FRESH} | Vary: X | ETag: "2"', asked="X: 2"),
            ],
            "X: 3",
            'vary-miss If-None-Match="1", "2"',
        ),
        ([held(f'{FRESH} | Vary: * | ETag: "1"')], "", 'vary-miss If-None-Match="1"'),
        ([held(f"Vary: X | Last-Modified: {format_date(T)}", asked="X: 1")], "X: 2", "vary-miss"),
        ([held(FRESH, 206, complete_length=20)], "", "partial"),
        ([held(FRESH, 206, complete_length=20)], "Range: bytes=0-9", "206"),
        ([held(FRESH, 206, complete_length=20)], "Range: bytes=9-10", "partial"),
        ([held(FRESH, 206, complete_length=20)], "Range: bytes=-5", "partial"),
        ([held(FRESH, 206, complete_length=20, first_byte=10)], "Range: bytes=-5", "206"),
        ([held(f'{FRESH} | ETag: "a"', 206, complete_length=20)], "", 'partial Range=bytes=10- If-Range="a"'),
        ([held(f'{FRESH} | ETag: W/"a"', 206, complete_length=20)], "", "partial"),
        ([held(FRESH, 404)], "", "404"),
        ([held(FRESH, 404)], 'If-None-Match: "a"', "404"),
        ([held(FRESH, 404)], "Range: bytes=0-1", "404"),
    ],
)
def test_what_is_done_where_what_is_stored_does_not_suffice(
    candidates: list[StoredResponse], asked: str, expected: str
) -> None:
    """G2, G10, G12"""
    assert said(decide(get(asked), candidates, BROWSER, T)) == expected


@pytest.mark.parametrize(
    ("method", "age", "expected"),
    [
        ("HEAD", 0, "200"),
        ("HEAD", 60, "stale or stale"),
        ("POST", 0, "method"),
        ("FOO", 0, "method"),
        ("get", 0, "method"),
    ],
)
def test_what_is_done_with_other_methods(method: str, age: float, expected: str) -> None:
    """G1: HEAD is answered from a stored GET; methods compare with case."""
    assert said(decide(get(method=method), [held(BOTH)], BROWSER, T + age)) == expected


DIRECTIVE = st.sampled_from(["max-age=5", "max-age=0", "max-age=x", "no-cache", "no-store", "must-revalidate"])
DIRECTIVE |= st.sampled_from(["max-stale", "max-stale=3", "min-fresh=2", "only-if-cached", "immutable", "x"])
DIRECTIVE |= st.sampled_from(["stale-while-revalidate=9", "stale-if-error=9"])
CONTROL = st.lists(DIRECTIVE, max_size=3).map(", ".join)


@given(CONTROL, CONTROL, st.integers(-5, 20), st.sampled_from(MODES), st.sampled_from(["GET", "HEAD"]))
def test_what_is_reused_was_allowed_by_both_sides(theirs: str, ours: str, age: int, mode: Mode, method: str) -> None:
    """G1: as §4 lists the conditions."""
    stored = held(f'Cache-Control: {theirs} | ETag: "a"')
    request = replace(get(f"Cache-Control: {ours}"), method=method)
    decision = decide(request, [stored], BROWSER, T + age, mode)
    if isinstance(decision, Reuse) and mode == "default":
        assert "no-cache" not in theirs
        assert "no-cache" not in ours
        lifetime = 5 if theirs.find("max-age=5") in range(theirs.find("max-age=") + 1) else 0
        if decision.refresh is None and "max-stale" not in ours:
            assert max(age, 0) < lifetime
        if "must-revalidate" in theirs:
            assert max(age, 0) < lifetime
    assert not isinstance(decision, Unsatisfiable) or "only-if-cached" in (mode, *ours.split(", "))
    assert mode not in ("reload", "no-store", "no-cache") or not isinstance(decision, Reuse) or "only-if-cached" in ours
