"""Entries that pass filters, and entries that do not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from condget.feeds.filters import Filter, passes, pattern, texts_of
from condget.feeds.subscriptions import parse_list, read_list
from condget.feeds.values import Entry

ENTRY = Entry("k", "id", "Green Tea", "https://example.org/tea", None, "f", "about leaves", "Ann", ("drinks", "leaf"))


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (Filter(), True),
        (Filter(match="tea"), True),
        (Filter(match="^tea"), False),
        (Filter(match=r"example\.org/t"), True),
        (Filter(match="ann"), True),
        (Filter(match="^leaf$"), True),
        (Filter(match="leaves"), False),
        (Filter(not_match="coffee"), True),
        (Filter(not_match="DRINKS"), False),
        (Filter(match="tea", not_match="green"), False),
        (Filter(match="(?-i:TEA)"), False),
    ],
)
def test_title_link_author_and_categories_are_searched(filter_: Filter, expected: bool) -> None:
    assert passes(filter_, texts_of(ENTRY)) is expected


def test_an_entry_without_a_title_is_known_by_its_text() -> None:
    assert passes(Filter(match="leaves"), texts_of(replace(ENTRY, title=None)))


def test_texts_are_bounded() -> None:
    assert max(map(len, texts_of(replace(ENTRY, title="x" * 100_000)))) == 2_000


@pytest.mark.parametrize(("text", "cause"), [("(", "not a regular expression"), ("", "1 to"), ("x" * 1_001, "1 to")])
def test_what_is_not_a_regular_expression_is_refused(text: str, cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        pattern(text)


def test_d9_a_list_has_filters_for_each_feed() -> None:
    """D9"""
    (feed,) = parse_list("https://example.org/ match='\\btea\\b' not-match=\"green tea\"", "feeds.txt")
    assert (feed.options.match, feed.options.not_match) == (r"\btea\b", "green tea")
    (refused,) = read_list("https://example.org/ match=(", "feeds.txt").refused
    assert str(refused).startswith('feeds.txt:1: "(" is not a regular expression')
