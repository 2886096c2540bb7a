"""Tags of markup that is not well-formed, in linear time."""

from __future__ import annotations

import time

import pytest

from condget.feeds.loose_tags import tags
from condget.feeds.opml import read_outlines


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("<a x=1 Y='2' z=\"3 > 2\" w>", {"x": "1", "y": "2", "z": "3 > 2", "w": ""}),
        ('<a x="1"y="2"/>', {"x": "1", "y": "2"}),
        ('<a x = "a&amp;b">', {"x": "a&b"}),
        ('<a text="he said "no" to it" url="u">', {"text": "he said ", "url": "u"}),
        ("<a x='it''s' url=u>", {"x": "it", "url": "u"}),
        ("<a x=1 x=2>", {"x": "1"}),
        ('<ns:a x="1">', {"x": "1"}),
        ('<a x="1\n2">', {"x": "1\n2"}),
    ],
)
def test_attributes_are_read_as_people_meant_them(text: str, attributes: dict[str, str]) -> None:
    (tag,) = tags(text, "a")
    assert {name: tag.attributes[name] for name in attributes} == attributes


def test_a_stray_quotation_mark_costs_no_other_tag() -> None:
    found = list(tags('<a u="1" t="x"y"/><a u="2"/><!-- <a u="3"/> --><a u="4"></a><abc u="5">', "a"))
    assert [(tag.attributes.get("u"), tag.is_end, tag.is_empty) for tag in found] == [
        ("1", False, True),
        ("2", False, True),
        ("4", False, False),
        (None, True, False),
    ]


PIECES = ["<a ", '<a "', "<a '", '<a x="', "<!--", "<![CDATA[", "=", '="', "='", "=' \"", "< ", "x ", "x=", "<a x=1 "]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("frame", ["{}", "<a {}>", "<a x={}"])
def test_hostile_text_is_read_in_linear_time(piece: str, frame: str) -> None:
    text = frame.format(piece * (1_000_000 // len(piece)))
    start = time.process_time()
    for _ in tags(text, "a"):
        pass
    assert time.process_time() - start < 5


def test_a_hostile_list_is_read_in_linear_time() -> None:
    for piece in ('<outline "', "<outline x='", "<outline xmlUrl=u "):
        start = time.process_time()
        read_outlines("<opml>" + piece * 100_000, "l")
        assert time.process_time() - start < 10
