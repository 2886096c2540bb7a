"""feedparser as condget drives it: items have no influence on each other, and what it fails on costs little."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import feedparser.api
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


#: Elements that feedparser fails on, and whether it does so inside items and outside.
FAILING = {
    "textInput with a link": "<textInput><link>x</link></textInput>",
    "position without a place": "<gml:pos>1 2</gml:pos>",
    "unknown reference system": '<gml:Point srsName="EPSG:x"><gml:pos>1 2</gml:pos></gml:Point>',
    "chapter without a start": "<psc:chapters><psc:chapter/></psc:chapters>",
}
NAMESPACES = 'xmlns:gml="http://www.opengis.net/gml" xmlns:psc="http://podlove.org/simple-chapters"'


def failing(element: str, where: str) -> str:
    inside, outside = (element, "") if where == "item" else ("", element)
    items = "".join(f"<item><guid>g{n}</guid>{inside}<title>{n}</title><link>/{n}</link></item>" for n in range(3))
    return f'<rss version="2.0" {NAMESPACES}><channel><title>Posts</title>{outside}{items}</channel></rss>'


@pytest.mark.parametrize("where", ["item", "channel"])
@pytest.mark.parametrize("element", FAILING.values(), ids=FAILING)
@pytest.mark.parametrize("crack", ["", "<b>"], ids=["strict", "loose"])
def test_f4_an_element_that_feedparser_fails_on_costs_only_itself(element: str, where: str, crack: str) -> None:
    """F4"""
    document = parse(failing(element + crack, where).encode(), None, HERE)
    assert [(entry.id, entry.title) for entry in document.entries] == [("g0", "0"), ("g1", "1"), ("g2", "2")]
    assert document.title == "Posts"


@pytest.mark.parametrize("name", [name for name in FAILING if name != "textInput with a link"])
@pytest.mark.parametrize("where", ["item", "channel"])
def test_feedparser_still_fails_on_these_elements(name: str, where: str) -> None:
    """Where this test fails, feedparser is better than it was: see which detours of the driver can go."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        feedparser.parse(io.BytesIO(failing(FAILING[name], where).encode()))


def test_feedparser_still_fails_on_a_text_input_with_a_link_in_an_item() -> None:
    """As above; outside of items it does not fail."""
    with pytest.raises(KeyError):
        feedparser.parse(io.BytesIO(failing(FAILING["textInput with a link"], "item").encode()))


def test_f4_a_member_that_feedparser_fails_on_costs_that_member_and_no_item(monkeypatch: pytest.MonkeyPatch) -> None:
    """F4: one element of an item, of many items, all items, an item itself, and the frame."""
    parser = feedparser.api.StrictFeedParser
    start = parser._start_link

    def failing_start(self: Any, attributes: dict[str, str]) -> None:
        if attributes.get("fail"):
            raise ZeroDivisionError
        start(self, attributes)

    monkeypatch.setattr(parser, "_start_link", failing_start, raising=False)
    fail = {1: " fail='x'", 5: " fail='x'"}
    items = "".join(
        f"<item><guid>g{n}</guid><title>{n}</title><link{fail.get(n, '')}>/{n}</link></item>" for n in range(10)
    )
    document = parse(f"<rss><channel><title>T</title><link fail='1'/>{items}</channel></rss>".encode(), None, HERE)
    assert [entry.id for entry in document.entries] == [f"g{n}" for n in range(10)]
    assert [entry.link is None for entry in document.entries] == [n in (1, 5) for n in range(10)]
    assert document.defect == "feedparser fails on 3 of its elements, which were left out"
    assert document.recall == ""


def test_f4_an_item_that_feedparser_fails_on_costs_that_item_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """F4: where leaving out its elements does not help"""
    parser = feedparser.api.StrictFeedParser
    end = parser._end_item

    def failing_end(self: Any) -> None:
        if dict.get(self.entries[-1], "title") in ("0", "4", "9"):
            raise ZeroDivisionError
        end(self)

    monkeypatch.setattr(parser, "_end_item", failing_end, raising=False)
    items = "".join(f"<item><title>{n}</title><guid>g{n}</guid></item>" for n in range(10))
    document = parse(f"<rss><channel><title>T</title>{items}</channel></rss>".encode(), None, HERE)
    assert [entry.title for entry in document.entries] == [str(n) for n in (1, 2, 3, 5, 6, 7, 8)]
    assert document.defect is not None
    assert "left out" in document.defect


@pytest.mark.parametrize("crack", ["", "<b>"], ids=["strict", "loose"])
@pytest.mark.parametrize("where", ["rss", "item", "title"])
def test_f3_attributes_are_read_in_linear_time(where: str, crack: str) -> None:
    """F3"""
    attributes = " ".join(f'a{n}="{n}"' for n in range(40_000))
    text = f"<rss><channel>{crack}<item><title>One</title><guid>g</guid></item></channel></rss>"
    start = time.process_time()
    document = parse(text.replace(f"<{where}>", f"<{where} {attributes}>", 1).encode(), None, HERE)
    assert [entry.title for entry in document.entries] == ["One"]
    assert time.process_time() - start < 5
