"""Document types, repair and visible text: whatever comes, in bounded time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condget.feeds.markup import SUMMARY, Expansion, beginning, clean, folded, prologue, repaired, visible


def test_the_document_type_is_taken_out_and_its_plain_entities_are_kept() -> None:
    head = prologue(
        """<?xml version="1.1"?><!-- <rss> --><?style x?>
        <!DOCTYPE rss PUBLIC "-//N//DTD RSS 0.91//EN" "http://my.netscape.com/rss-0.91.dtd" [
          <!-- ]> "'-->
          <!ENTITY copy "&#169;"> <!ENTITY rdf 'http://w3.org/?a]>'>
        ]>
        <rss>&copy;</rss>"""
    )
    assert head.root == "rss"
    assert "DOCTYPE" not in head.text
    assert "ENTITY" not in head.text
    assert head.entities == {"copy": "©", "rdf": "http://w3.org/?a]>"}
    assert head.defect is None


@pytest.mark.parametrize(
    "subset",
    [
        '<!ENTITY a "x"><!ENTITY b "&a;&a;">',
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!ENTITY a PUBLIC "x" "http://127.0.0.1/">',
        '<!ENTITY % a SYSTEM "http://127.0.0.1/x.dtd"> %a;',
        '<!ENTITY a "' + "x" * 5_000 + '">',
    ],
    ids=["nested", "file", "request", "parameter", "long"],
)
def test_f3_entities_that_nest_or_lie_outside_are_dropped(subset: str) -> None:
    """F3"""
    head = prologue(f"<!DOCTYPE r [{subset}]><r>&b;&a;</r>")
    assert head.text == "<r>&b;&a;</r>"
    assert "b" not in head.entities
    assert head.defect


@pytest.mark.parametrize("text", ["<!DOCTYPE r [", "<!DOCTYPE r 'x", "<!DOCTYPE r [<!ENTITY a '>]><r/>"])
def test_a_document_type_without_an_end_has_no_root(text: str) -> None:
    assert prologue(text).root is None


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("a & b &c &d= &amp; &lt;", "a &amp; b &amp;c &amp;d= &amp; &lt;"),
        ("&nbsp;&eacute;&hellip;", "\xa0é…"),
        ("&own;&none;", "1 &lt; 2&amp;none;"),
        ("&#233;&#xE9;&#0;&#x1F;&#1114112;&#99999999999999;", "&#233;&#xe9;"),
        ("<![CDATA[a & b &nbsp;]]>&<!-- & -->", "<![CDATA[a & b &nbsp;]]>&amp;<!-- & -->"),
        ("<![CDATA[ & never ended", "<![CDATA[ & never ended"),
        ("a\x00\x08\x0b\ufffeb\tc", "ab\tc"),
    ],
)
def test_repair_leaves_only_references_that_xml_knows(text: str, fixed: str) -> None:
    assert repaired(text, {"own": "1 < 2"}) == fixed


def test_f3_many_references_to_one_entity_have_a_limit() -> None:
    """F3"""
    with pytest.raises(Expansion):
        repaired("&a;" * 10_000, {"a": "x" * 200})


@pytest.mark.parametrize(
    "piece",
    ["<", "<!DOCTYPE", "<!--", "<![CDATA[", "&", "&a", "<!DOCTYPE a [<!--", "'", '<!ENTITY a "', "<?", "<a '"],
)
def test_f3_hostile_markup_takes_linear_time(piece: str) -> None:
    """F3"""
    start = time.process_time()
    for text in (piece * 20_000, "<!DOCTYPE a [" + piece * 20_000):
        prologue(text)
        repaired(text)
        visible(text)
    assert time.process_time() - start < 3


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<p>Fish&nbsp;&amp; <b\nclass='x'>chips</b></p> 1 < 2 > 1", "Fish & chips 1 < 2 > 1"),
        ("H<sub>2</sub>O, E=mc<SUP>2</SUP>, <i>i</i>t<a-b>s", "H2O, E=mc2, it s"),
        ("one<br>two<p>three</p>four", "one two three four"),
        ("a<script nonce='1'>x</script>b<STYLE>y</style >c", "a b c"),
        ("a <script> element &amp; <style>", "a element &"),
        ("a<script>x</script>b<script>c", "a b c"),
        ("<scripts>a</scripts>", "a"),
    ],
)
def test_visible_is_what_a_reader_sees(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert folded(text).replace(" ", "") == shown.replace(" ", "")


def test_clean_text_is_one_line_without_control_characters() -> None:
    assert clean("a\n\x1b[31mb\x9b1m\ud800") == "a [31mb 1m?"


PIECES = ["Tea and cake. ", "<p>", "<b>", "</b>", "<script>", "</script>", "<style>", "&amp;", "&", "<", "\x1b", "é"]


@given(st.lists(st.sampled_from(PIECES), max_size=300))
def test_the_beginning_of_a_text_is_what_a_reader_of_the_whole_sees_first(pieces: list[str]) -> None:
    text = "".join(pieces)
    words = visible(text)
    assert beginning(text) == (words if len(words) <= SUMMARY else words[: SUMMARY - 1].rstrip() + "…")


def test_of_a_long_text_no_more_than_the_beginning_is_read() -> None:
    assert beginning("<p>" + "tea " * 100_000) == ("tea " * 125)[: SUMMARY - 1].rstrip() + "…"
    assert beginning("<p>Tea" + "<br>" * 300 + " and cake" + "<br>" * 100_000) == "Tea and cake"
