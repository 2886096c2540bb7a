"""Directives, lists and delta-seconds (RFC 9111 §5.2 and §1.2.2, RFC 9110 §5.6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condget.cache.directives import (
    MAX_DELTA_SECONDS,
    field_names,
    parse_cache_control,
    parse_delta_seconds,
    split_list,
)


@pytest.mark.parametrize(
    ("lines", "directives"),
    [
        ([], {}),
        ([""], {}),
        ([",, ,"], {}),
        (["no-store"], {"no-store": None}),
        (["No-Store, MAX-AGE=5"], {"no-store": None, "max-age": "5"}),
        (["max-age=5", "no-cache"], {"max-age": "5", "no-cache": None}),
        (["max-age=1, max-age=2"], {"max-age": "1"}),
        (["max-age=1", "Max-Age=2"], {"max-age": "1"}),
        (['max-age="60"'], {"max-age": "60"}),
        (['no-cache="Set-Cookie, X-A", max-age=1'], {"no-cache": "Set-Cookie, X-A", "max-age": "1"}),
        ([r'a="x\"y, z", b'], {"a": 'x"y, z', "b": None}),
        (['a="no-store", b'], {"a": "no-store", "b": None}),
        (["max-age="], {"max-age": ""}),
        (["max-age =5"], {"max-age ": "5"}),  # white space around = is not allowed: another name
        (["max-age= 5"], {"max-age": " 5"}),
        (["a=b=c"], {"a": "b=c"}),
        (['a="'], {"a": '"'}),
        (["no-cache;max-age=5"], {"no-cache;max-age": "5"}),
        (["\tno-cache\t,\tmax-age=5"], {"no-cache": None, "max-age": "5"}),
    ],
)
def test_cache_control(lines: list[str], directives: dict[str, str | None]) -> None:
    """G2: directive names in any case, quoted arguments."""
    assert dict(parse_cache_control(lines)) == directives


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0),
        ("60", 60),
        ("007", 7),
        ("0" * 50 + "7", 7),
        ("2147483648", MAX_DELTA_SECONDS),
        ("2147483649", MAX_DELTA_SECONDS),
        ("9" * 5000, MAX_DELTA_SECONDS),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("1e3", None),
        ("1_000", None),
        (" 1", None),
        ("a100", None),
        ("100a", None),
        ("²", None),
        ("١", None),
    ],
)
def test_delta_seconds(text: str | None, seconds: int | None) -> None:
    """G1: digits only, safe from overflow."""
    assert parse_delta_seconds(text) == seconds


@pytest.mark.parametrize(
    ("argument", "names"),
    [(None, set()), ("", set()), ("Set-Cookie", {"set-cookie"}), (" A ,b,, C", {"a", "b", "c"}), ("*", {"*"})],
)
def test_field_names(argument: str | None, names: set[str]) -> None:
    assert field_names(argument) == names


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("", []),
        ("a", ["a"]),
        (" a , b ,, ", ["a", "b"]),
        ('"a,b", c', ['"a,b"', "c"]),
        (r'"a\",b",c', [r'"a\",b"', "c"]),
    ],
)
def test_lists(text: str, members: list[str]) -> None:
    assert split_list(text) == members


@given(st.lists(st.text(max_size=40), max_size=4))
def test_no_cache_control_raises(lines: list[str]) -> None:
    """G2"""
    assert all(name == name.lower() for name in parse_cache_control(lines))


@given(st.integers(0, 10**30))
def test_every_number_is_read_and_capped(number: int) -> None:
    assert parse_delta_seconds(str(number)) == min(number, MAX_DELTA_SECONDS)


@given(st.lists(st.text("abc-=!", min_size=1).map(str.strip).filter(bool), max_size=6))
def test_a_list_that_was_joined_comes_apart_again(members: list[str]) -> None:
    assert split_list(" ,\t".join(members)) == members
