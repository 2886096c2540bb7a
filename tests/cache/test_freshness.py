"""Age and freshness lifetime (RFC 9111 §4.2)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condget.cache.dates import format_date
from condget.cache.directives import MAX_DELTA_SECONDS
from condget.cache.fields import Fields
from condget.cache.freshness import age_value, current_age, explicit_lifetime, heuristic_lifetime
from condget.cache.messages import Response
from condget.cache.policy import Policy

T = 1_000_000_000.0


def response(*fields: tuple[str, str], status: int = 200, delay: float = 0, received: float = T) -> Response:
    return Response(status, Fields(fields), received - delay, received)


def date(seconds: float) -> tuple[str, str]:
    return "Date", format_date(T + seconds)


@pytest.mark.parametrize(
    ("lines", "age"),
    [
        ([], 0),
        (["7"], 7),
        (["7, 9"], 7),
        (["7", "9"], 7),
        ([" 7 "], 7),
        (["9" * 40], MAX_DELTA_SECONDS),
        (["-7"], 0),
        (["7.5"], 0),
        (["abc"], 0),
        (["7a"], 0),
        (["x, 7"], 0),
        ([""], 0),
        (["7;foo=bar"], 0),
    ],
)
def test_age_is_the_first_member_of_the_first_line_and_digits_only(lines: list[str], age: int) -> None:
    """G2: Age counted."""
    assert age_value(Fields(("Age", line) for line in lines)) == age


@pytest.mark.parametrize(
    ("received", "later", "age"),
    [
        (response(), 0, 0),
        (response(), 10, 10),
        (response(("Age", "5")), 10, 15),
        (response(("Age", "5"), delay=2), 10, 17),
        (response(date(-30)), 10, 40),
        (response(date(-30), ("Age", "5")), 0, 30),
        (response(date(-3), ("Age", "50")), 0, 50),
        (response(date(+100)), 10, 10),
        (response(("Date", "yesterday")), 10, 10),
        (response(), -86400, 0),
        (response(delay=-50), 0, 0),
        (response(("Age", "9" * 30)), 1, MAX_DELTA_SECONDS + 1),
    ],
)
def test_current_age(received: Response, later: float, age: float) -> None:
    """G1: apparent age, response delay, resident time (§4.2.3)."""
    assert current_age(received, T + later) == age


@pytest.mark.parametrize(
    ("fields", "lifetime"),
    [
        ([], None),
        ([("Cache-Control", "max-age=60")], 60),
        ([("Cache-Control", "MAX-AGE=60")], 60),
        ([("Cache-Control", 'max-age="60"')], 60),
        ([("Cache-Control", "max-age=60"), ("Cache-Control", "max-age=90")], 60),
        ([("Cache-Control", "max-age=-1")], 0),
        ([("Cache-Control", "max-age=1.5")], 0),
        ([("Cache-Control", "max-age=")], 0),
        ([("Cache-Control", "max-age")], 0),
        ([("Cache-Control", "max-age=" + "9" * 30)], MAX_DELTA_SECONDS),
        ([("Cache-Control", "s-maxage=60")], None),  # for shared caches
        ([("Cache-Control", "s-maxage=1, max-age=60")], 60),
        ([("Cache-Control", "max-age=60"), ("Expires", format_date(T + 5))], 60),
        ([("Cache-Control", "max-age=x"), ("Expires", format_date(T + 5))], 0),
        ([("Expires", format_date(T + 60))], 60),
        ([("Expires", format_date(T + 60)), date(-40)], 100),
        ([("Expires", format_date(T + 60)), ("Date", "no date")], 60),
        ([("Expires", format_date(T - 60))], 0),
        ([("Expires", "0")], 0),
        ([("Expires", "-1")], 0),
        ([("Expires", "")], 0),
        ([("Expires", format_date(T + 60)), ("Expires", format_date(T + 60))], 0),
        ([("Expires", f"{format_date(T + 60)}, {format_date(T + 60)}")], 0),
    ],
)
def test_the_lifetime_that_an_origin_states(fields: list[tuple[str, str]], lifetime: float | None) -> None:
    """G1: max-age, else Expires less Date; invalid or repeated ones are stale."""
    assert explicit_lifetime(response(*fields)) == lifetime


@pytest.mark.parametrize(
    ("received", "lifetime"),
    [
        (response(), 0),
        (response(("Last-Modified", format_date(T - 1000))), 100),
        (response(("Last-Modified", format_date(T - 1000)), date(-500)), 50),
        (response(("Last-Modified", format_date(T + 1000))), 0),
        (response(("Last-Modified", "yesterday")), 0),
        (response(("Last-Modified", format_date(0))), 7 * 86400),
        (response(("Last-Modified", format_date(T - 1000)), ("Pragma", "no-cache")), 0),
        (response(("Last-Modified", format_date(T - 1000)), ("Pragma", "no-cache"), ("Cache-Control", "x")), 100),
        (response(("Last-Modified", format_date(T - 1000)), status=500), 0),
        (response(("Last-Modified", format_date(T - 1000)), status=404), 100),
        (response(("Last-Modified", format_date(T - 1000)), ("Cache-Control", "public"), status=599), 100),
    ],
)
def test_the_heuristic_lifetime_is_a_tenth_of_the_time_since_last_modified(received: Response, lifetime: float) -> None:
    """G1: §4.2.2"""
    assert heuristic_lifetime(received, 0.1) == lifetime


@pytest.mark.parametrize(
    ("policy", "received", "lifetime"),
    [
        (Policy(ttl=60), response(), 60),
        (Policy(ttl=60), response(("Cache-Control", "max-age=5")), 5),
        (Policy(ttl=60), response(("Expires", "0")), 0),
        (Policy(ttl=60), response(status=500), 0),
        (Policy(ttl=60), response(("Pragma", "no-cache")), 0),
        (Policy(ttl=60), response(("Last-Modified", format_date(T - 10**6))), 60),
        (Policy(), response(("Last-Modified", format_date(T - 1000))), 0),
    ],
)
def test_a_policy_gives_a_lifetime_only_where_the_origin_gives_none(
    policy: Policy, received: Response, lifetime: float
) -> None:
    """G1: the ttl rule for servers that send nothing."""
    assert policy.lifetime(received) == lifetime


INSTANTS = st.floats(0, 2**33, allow_nan=False)
VALUES = st.text("0123456789,- .", max_size=30) | st.integers(-5, 10**25).map(str)
DATES = st.integers(0, 2**33).map(format_date) | st.text(max_size=20)


@given(VALUES, DATES, INSTANTS, INSTANTS, INSTANTS, INSTANTS)
def test_age_is_never_negative_and_never_falls(
    age: str, dated: str, requested: float, received: float, now: float, later: float
) -> None:
    """G1"""
    held = Response(200, Fields([("Age", age), ("Date", dated)]), requested, received)
    ages = [current_age(held, instant) for instant in sorted((now, later))]
    assert 0 <= ages[0] <= ages[1] < math.inf


@given(VALUES, DATES, DATES, DATES)
def test_a_lifetime_is_a_finite_number_whatever_the_fields_say(
    max_age: str, expires: str, dated: str, modified: str
) -> None:
    """G2: odd dates never raise."""
    pairs = [("Expires", expires), ("Date", dated), ("Last-Modified", modified)]
    for fields in (pairs, [*pairs, ("Cache-Control", f"max-age={max_age}")], pairs[1:]):
        assert 0 <= Policy(heuristic_fraction=0.1).lifetime(response(*fields)) < math.inf
