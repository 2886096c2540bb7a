"""Vary (RFC 9111 §4.1): which requests a stored response answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condget.cache.fields import Fields
from condget.cache.messages import Request, StoredResponse
from condget.cache.vary import matches, selecting_fields, varies_on_everything

Pairs = list[tuple[str, str]]


def request(*pairs: tuple[str, str]) -> Request:
    return Request("GET", "http://a/", Fields(pairs))


def does_match(vary: str | list[str], first: Pairs, second: Pairs) -> bool:
    """Whether what was stored for the first request answers the second."""
    lines = [vary] if isinstance(vary, str) else vary
    fields = Fields(("Vary", line) for line in lines)
    stored = StoredResponse("http://a/", 200, fields, 0, 0, selecting=(selecting_fields(request(*first), fields),))
    return matches(request(*second), stored)


@pytest.mark.parametrize(
    ("vary", "first", "second", "expected"),
    [
        ([], [("A", "1")], [("A", "2")], True),
        ("", [("A", "1")], [("A", "2")], True),
        ("A", [("A", "1")], [("a", "1")], True),
        ("a", [("A", "1")], [("A", "2")], False),
        ("A", [], [], True),
        ("A", [("A", "1")], [], False),
        ("A", [], [("A", "1")], False),
        ("A", [("A", "")], [], False),
        ("A, B", [("A", "1"), ("B", "2")], [("B", "2"), ("A", "1")], True),
        ("A, B", [("A", "1"), ("B", "2")], [("A", "1")], False),
        (["A", "B"], [("B", "2")], [("B", "3")], False),
        ("A", [("A", "1,2")], [("A", " 1 ,  2 ")], True),
        ("A", [("A", "1, 2")], [("A", "1"), ("A", "2")], True),
        ("A", [("A", "1, 2")], [("A", "2, 1")], False),
        ("A", [("A", "x")], [("A", "X")], False),
        ("A", [("A", "x y")], [("A", "x  y")], False),
        ("A", [("A", '"1,2"')], [("A", '"1, 2"')], False),
        ("Accept-Language", [("Accept-Language", "en, de;q=0.5")], [("Accept-Language", "DE; Q=0.5,EN")], True),
        ("Accept-Encoding", [("Accept-Encoding", "gzip, br")], [("Accept-Encoding", "BR,gzip")], True),
        ("Accept-Encoding", [("Accept-Encoding", "gzip")], [("Accept-Encoding", "gzip;q=0")], False),
        ("Accept", [("Accept", "a/b, c/d")], [("Accept", "c/d, a/b")], False),
        ("*", [], [], False),
        ("A, *", [("A", "1")], [("A", "1")], False),
        (["A", "*"], [("A", "1")], [("A", "1")], False),
        ("*,", [], [], False),
        ("A*", [("A*", "1")], [("A*", "1")], True),
    ],
)
def test_which_request_is_answered(vary: str | list[str], first: Pairs, second: Pairs, expected: bool) -> None:
    """G1: white space normalised everywhere, order and case for languages and codings; `*` anywhere."""
    assert does_match(vary, first, second) is expected


@pytest.mark.parametrize(("vary", "all_of_it"), [("*", True), ("a, *", True), ("a", False), ("", False), ("a*", False)])
def test_a_star_varies_on_everything(vary: str, all_of_it: bool) -> None:
    assert varies_on_everything(Fields([("Vary", vary)])) is all_of_it


def test_the_values_that_are_kept_hold_no_secret() -> None:
    """G3: only digests on disk."""
    kept = selecting_fields(
        request(("Cookie", "sid=hunter2"), ("Authorization", "Basic hunter2"), ("X-Key", "hunter2")),
        Fields([("Vary", "Cookie, Authorization, X-Key")]),
    )
    assert "hunter2" not in repr(kept)
    assert [name for name, _ in kept] == ["authorization", "cookie", "x-key"]


TOKENS = st.text("abcDEF*;=0.1-", min_size=1, max_size=6)
LISTS = st.lists(TOKENS, max_size=5)
SPACE = st.sampled_from(["", " ", "\t", "  "])


@given(LISTS, st.data())
def test_white_space_and_line_breaks_of_a_list_say_nothing(members: list[str], data: st.DataObject) -> None:
    spaced = ",".join(data.draw(SPACE) + member + data.draw(SPACE) for member in members)
    cut = data.draw(st.integers(0, len(members)))
    split = [("A", ", ".join(part)) for part in (members[:cut], members[cut:])]
    assert does_match("A", [("A", ",".join(members))], [("A", spaced)])
    assert does_match("A", [("A", ",".join(members))], split)


@given(LISTS.flatmap(lambda members: st.tuples(st.just(members), st.permutations(members))))
def test_order_and_case_of_languages_say_nothing(lists: tuple[list[str], list[str]]) -> None:
    first, second = lists
    assert does_match(
        "accept-language", [("Accept-Language", ", ".join(first))], [("accept-language", ",".join(second).upper())]
    )


@given(st.sampled_from(["accept", "accept-language", "accept-encoding"]), LISTS)
def test_normalising_twice_is_normalising_once(name: str, members: list[str]) -> None:
    vary = Fields([("Vary", name)])
    once = selecting_fields(request((name, ", ".join(members))), vary)
    assert once[0][1] is not None
    assert selecting_fields(request((name, once[0][1])), vary) == once


@given(st.text(max_size=20), st.text(st.characters(max_codepoint=255), max_size=20))
def test_no_vary_raises(vary: str, value: str) -> None:
    """G2"""
    fields = Fields([("Vary", vary)])
    assert selecting_fields(request((vary, value)), fields) == selecting_fields(request((vary, value)), fields)
