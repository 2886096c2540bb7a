"""Splitting a feed's text into frame and items: certain, or not at all, and in linear time."""

from __future__ import annotations

import time

import pytest

from condget.feeds import splitting
from condget.feeds.splitting import split
from tests.feeds.markup_of_feeds import posts, rss

UNCERTAIN = {
    "no item": rss(""),
    "nested": rss("<item><item></item></item>"),
    "another's item": rss("<item><media:item></media:item></item>"),
    "two names": rss("<item></item><entry></entry>"),
    "another case": rss("<item></item><Item></Item>"),
    "empty element": rss("<item/>"),
    "empty element with attributes": rss('<item a="b"/>'),
    "namespace of an item": rss('<item xmlns:x="y"></item>'),
    "text between": rss("<item></item>x<item></item>"),
    "element between": rss("<item></item><ttl>5</ttl><item></item>"),
    "CDATA between": rss("<item></item><![CDATA[ ]]><item></item>"),
    "instruction between": rss("<item></item><?x y?><item></item>"),
    "comment that is none": rss("<item></item><!-- -- --><item></item>"),
    "control character in a comment": rss("<item></item><!-- \x01 --><item></item>"),
    "unclosed": rss("<item>"),
    "unopened": rss("</item>"),
    "in another element": rss("<items><item></item></items>"),
    "deeper": rss("<a><b><item></item></b></a>"),
    "behind the root": rss("") + "<item></item>",
    "no root": "<item></item>",
    "frame that does not fit": rss("<item></item>", tail="</a>"),
    "frame that breaks off": "<rss><channel><item></item></channel>",
    "CDATA without an end": rss("<item></item>", tail="<![CDATA["),
    "comment without an end": "<!-- " + rss("<item></item>"),
    "attribute without an end": '<rss a="><channel><item></item></channel></rss>',
}


@pytest.mark.parametrize("text", UNCERTAIN.values(), ids=UNCERTAIN)
def test_a_split_that_is_not_certain_is_none(text: str) -> None:
    assert split(text.partition("?>")[2] if text.startswith("<?xml") else text) is None


def test_what_only_looks_like_an_item_is_none() -> None:
    fakes = "<![CDATA[ <item></item> ]]><!-- <item> </item> --><?x <item> ?>"
    items = (f'<item a="&gt; > /">{fakes}</item >', "<item><items/><itemx></itemx></item>")
    text = f"<rss><channel><title>{fakes}</title>{items[0]}\n{items[1]}\n<x>{fakes}</x></channel></rss>"
    pieces = split(text)
    assert pieces is not None
    assert pieces.items == items
    assert pieces.around([items[1]]) == text.replace(items[0] + "\n" + items[1], "<item></item>" + items[1])


@pytest.mark.parametrize(
    "piece",
    ["<", "<item", "<item></item>", "<![CDATA[", "<![CDATA[]", "<!--", "<!-- -", "<?", "<a ", "<a '", "<updated>"],
)
def test_f3_hostile_markup_is_split_in_linear_time(piece: str) -> None:
    """F3"""
    start = time.process_time()
    for text in (piece * 20_000, rss(posts(1, 2), piece * 20_000), rss(posts(1) + piece * 20_000 + posts(2))):
        split(text)
    assert time.process_time() - start < 3


def test_the_module_needs_no_parser() -> None:
    assert not {"feedparser", "xml"} & vars(splitting).keys()
