"""Functions that see the bytes of strangers take linear time: 1 MB of the worst bytes of every kind (F3)."""

from __future__ import annotations

import contextlib
import gc
import math
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
#: Seconds of CPU for a megabyte: of an expression, and of a function that only the parser's child process calls, where
#: it holds nobody up. Measured: 0.5 for `repaired` and `visible`, 0.1 for the others.
AT_ONCE, IN_CHILD = 0.05, 1.0
READERS: dict[str, tuple[float, Callable[[str], object]]] = {
    "decoded": (AT_ONCE, lambda text: charsets.decoded(text.encode("utf-8", "replace"), text[:100])),
    "prologue": (AT_ONCE, markup.prologue),
    "beginning": (AT_ONCE, markup.beginning),
    "repaired": (IN_CHILD, markup.repaired),
    "visible": (IN_CHILD, markup.visible),
    "folded": (IN_CHILD, markup.folded),
    "split": (IN_CHILD, splitting.split),
    "closed": (IN_CHILD, splitting.closed),
    "items_in": (IN_CHILD, splitting.items_in),
}


def cpu(read: Callable[[], object], most: float) -> float:
    """Return the CPU seconds of the fastest of five readings, so that a busy machine is not a failure."""
    fastest = math.inf
    gc.disable()
    try:
        for _ in range(5):
            began = time.thread_time()
            with contextlib.suppress(markup.Expansion):
                read()
            fastest = min(fastest, time.thread_time() - began)
            if fastest < most:
                break
    finally:
        gc.enable()
    return fastest


@pytest.mark.parametrize("reader", READERS)
@given(st.sampled_from(HEADS), st.sampled_from(PIECES), st.sampled_from(["", FEED[-16:], FEED]))
@settings(max_examples=15, deadline=None)
def test_f3_a_megabyte_of_the_worst_bytes_takes_linear_time(reader: str, head: str, piece: str, tail: str) -> None:
    most, read = READERS[reader]
    text = head + piece * (1_000_000 // len(piece)) + tail
    assert cpu(lambda: read(text), most) < most


@pytest.mark.parametrize("piece", PIECES)
def test_f3_what_the_event_loop_reads_takes_milliseconds(piece: str) -> None:
    """F1, F3: a document is compared with the last one in the event loop, up to 100 kB"""
    for head in (FEED[:-16], FEED, FEED[: FEED.index("<item>")]):
        text = (head + piece * (100_000 // len(piece)))[:100_000].encode("utf-8", "replace")
        assert cpu(lambda text=text: documents.unread(text, None, HERE, RECALL), AT_ONCE) < AT_ONCE  # type: ignore[misc]
