"""Functions that see the bytes of strangers take linear time: 1 MB of the worst bytes of every kind (F3)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from condget.feeds import charsets, documents, markup, splitting
from tests.feeds.markup_of_feeds import HERE, posts, rss

FEED = rss(posts(1, 2))
RECALL = documents.parse(FEED.encode(), None, HERE).recall

PIECES = [
    "< <a <a>",
    "<a ",
    "<a '",
    '<a "',
    "<a/>",
    "<!",
    "<!--",
    "<!-- -",
    "--",
    "-->",
    "<![CDATA[",
    "<![CDATA[]",
    "]]",
    "]]>",
    "]",
    "<?",
    "<?xml ",
    "?>",
    "&",
    "&a",
    "&#1",
    "&a;",
    "&amp;",
    "<!DOCTYPE",
    "<!DOCTYPE a>",
    "<!DOCTYPE a [",
    "<!ENTITY ",
    '<!ENTITY a "',
    "<item",
    "<item>",
    "<item></item>",
    "</item",
    "<script",
    "<script>",
    "</script",
    "<style>",
    "</style >",
    "<rss ",
    "<rss>",
    "<feed ",
    "<feed xmlns",
    "<html>",
    "<title>",
    "<title",
    "<x:item",
    "a:",
    "a.",
    "=",
    "a=",
    ";",
    "; charset=",
    "'",
    '"',
    "'\"",
    "<updated>",
    "<lastBuildDate>0",
    "encoding",
    "<link ",
    "<sub",
    "<sub >",
    "</channel>",
    "</rss>",
    "<!-- x -->",
    "é",
    "\x00",
    "\x01",
    "\xa0",
    "�",
    " ",
    "x",
]
HEADS = ["", "<", "<!DOCTYPE a [", "<!--", "<![CDATA[", "<a ", "<?xml ", "<script>", "<title>", "&", FEED, FEED[:-16]]
READERS: dict[str, Callable[[str], object]] = {
    "decoded": lambda text: charsets.decoded(text.encode("utf-8", "replace"), text[:100]),
    "prologue": markup.prologue,
    "repaired": markup.repaired,
    "visible": markup.visible,
    "folded": markup.folded,
    "beginning": markup.beginning,
    "split": splitting.split,
    "closed": splitting.closed,
    "items_in": splitting.items_in,
    "unread": lambda text: documents.unread(text.encode("utf-8", "replace"), text[:1_000], HERE, RECALL),
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@given(st.sampled_from(HEADS), st.sampled_from(PIECES), st.sampled_from(["", FEED[-16:], FEED]))
@settings(max_examples=15, deadline=None)
def test_f3_a_megabyte_of_the_worst_bytes_takes_linear_time(
    reader: Callable[[str], object], head: str, piece: str, tail: str
) -> None:
    """F3: quadratic time would be minutes"""
    text = head + piece * (1_000_000 // len(piece)) + tail
    start = time.process_time()
    with contextlib.suppress(markup.Expansion):
        reader(text)
    assert time.process_time() - start < 3


@pytest.mark.parametrize("piece", PIECES)
def test_f3_what_the_event_loop_reads_takes_milliseconds(piece: str) -> None:
    """F3: a document is compared with the last one in the event loop, up to 100 kB"""
    times = []
    for head in (FEED[:-16], FEED, FEED[: FEED.index("<item>")]):
        text = (head + piece * (100_000 // len(piece)))[:100_000].encode("utf-8", "replace")
        start = time.process_time()
        documents.unread(text, None, HERE, RECALL)
        times.append(time.process_time() - start)
    assert max(times) < 0.5
