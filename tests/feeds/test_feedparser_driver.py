"""feedparser as condget drives it: items have no influence on each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from condget.feeds.documents import parse
from tests.feeds.markup_of_feeds import HERE, LEAVINGS, atom, post, rdf, rss


@pytest.mark.parametrize("leaving", LEAVINGS)
@pytest.mark.parametrize("make", [rss, atom, rdf])
def test_f7_an_entry_is_the_same_whatever_stands_before_it(make: Callable[..., str], leaving: str) -> None:
    """F7"""
    for other in LEAVINGS if make is rss else [""]:
        parts = post(1, leaving), post(2, other), post(3)
        before, after = (parse(make("".join(order)).encode(), None, HERE) for order in (parts, parts[::-1]))
        assert {entry.key: entry for entry in before.entries} == {entry.key: entry for entry in after.entries}
        assert (before.title, before.version) == (after.title, after.version)


def test_a_base_does_not_outlive_its_element() -> None:
    first = '<entry xml:base="http://b.example/"><id>1</id><link href="p"/></entry>'
    second = '<entry><content xml:base="http://b.example/">x</content><id>2</id><link href="p"/></entry>'
    links = [entry.link for entry in parse(atom(first + second).encode(), None, HERE).entries]
    assert links == ["http://b.example/p", "https://example.org/feeds/p"]
    content = '<content type="html">x<div>y</div></content>'  # a div that feedparser does not close
    first = first.replace("</id>", f"</id>{content}")
    assert parse(atom(first + second).encode(), None, HERE).entries[1].link == "https://example.org/feeds/p"
