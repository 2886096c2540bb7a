"""OPML as it is found: well-formed, nearly so, and not at all."""

from __future__ import annotations

import pytest

from condget.errors import SubscriptionError
from condget.feeds.subscriptions import Subscription, parse_list, read_list

PLAIN = """<?xml version="1.0" encoding="utf-8"?>
<!-- exported -->
<opml version="2.0">
<head><title>Mine</title></head>
<body>
<outline text="Folder">
  <outline type="rss" text="One &amp; only" title="ignored" xmlUrl="https://a.example/?x=1&amp;y=2" htmlUrl="https://a.example/"/>
  <outline title="Two"
    xmlurl="https://b.example/"/>
</outline>
<outline text="A bookmark" url="https://c.example/"/>
<outline text="Empty" xmlUrl=""/>
</body>
</opml>
"""


def read(data: bytes | str) -> tuple[Subscription, ...]:
    return parse_list(data, "feeds.opml")


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        PLAIN.encode(),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        PLAIN.replace("&amp;", "&"),
        PLAIN.replace("&amp;", "&").replace("</outline>", ""),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("opml", "OPML").replace("<outline", "<Outline").replace("</o", "</O").replace("xmlUrl", "XMLURL"),
        PLAIN.replace("</body>", "<outline text='\x0b'/></body>"),
    ],
    ids=[
        "text",
        "bytes",
        "byte order mark",
        "utf-16",
        "stray ampersands",
        "stray ampersands and unclosed outlines",
        "crlf",
        "upper case",
        "control character",
    ],
)
def test_outlines_with_an_xml_url_are_feeds(data: bytes | str) -> None:
    feeds = read(data)
    assert [(feed.url, feed.name) for feed in feeds] == [
        ("https://a.example/?x=1&y=2", "One & only"),
        ("https://b.example/", "Two"),
    ]
    assert feeds[0].source == "feeds.opml:7"


def test_latin_1_is_read_as_declared() -> None:
    text = '<?xml version="1.0" encoding="iso-8859-1"?><opml><body><outline text="Zoë" xmlUrl="http://a.example/"/></body></opml>'
    assert read(text.encode("latin-1"))[0].name == "Zoë"


def test_options_are_attributes() -> None:
    (feed,) = read(
        """<opml xmlns:condget="x"><body><outline text="t" xmlUrl="http://a.example/" condget:every="6h"
        validators="none"
        header="X-Key:@file:/k&#10;X-Other: 2" created="whenever" condget:name="N"/></body></opml>"""
    )
    assert feed.name == "N"
    assert (feed.options.every, feed.options.validators) == (21_600, "none")
    assert feed.options.headers == (("X-Key", "@file:/k"), ("X-Other", "2"))


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ('xmlUrl="a.example/feed"', "not a URL"),
        ('xmlUrl="http://a.example/a b"', "U+0020"),
        ('xmlUrl="http://a.example/" every="soon"', "not a duration"),
        ('xmlUrl="http://a.example/" condget:evry="1h"', 'unknown option "evry"'),
    ],
)
def test_d9_a_bad_outline_is_refused_by_line(attributes: str, reason: str) -> None:
    """D9"""
    with pytest.raises(SubscriptionError) as caught:
        read(f"<opml>\n<body>\n<outline {attributes}/>\n</body></opml>")
    assert str(caught.value).startswith("feeds.opml:3: ")
    assert reason in str(caught.value)


@pytest.mark.parametrize("data", [b"<html><body></body></html>", b"<rss><channel/></rss>", b"<", b"<!-- x -->"])
def test_other_markup_is_no_list(data: bytes) -> None:
    with pytest.raises(SubscriptionError, match="not a list of feeds"):
        read(data)


def test_f3_entities_are_not_expanded() -> None:
    """F3"""
    bomb = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    text = f'<!DOCTYPE opml [<!ENTITY e0 "x">\n{bomb}<!ENTITY f SYSTEM "file:///etc/passwd">]>\n<opml><body>'
    text += '<outline text="&e11;&f;" xmlUrl="http://a.example/"/></body></opml>'
    (feed,) = read(text)
    assert (feed.name, feed.source) == ("&e11;&f;", "feeds.opml:3")


def test_d9_a_readers_own_outlines_are_skipped_and_said() -> None:
    """D9: newsboat exports commands and queries, miniflux feeds that are switched off; none of that is a mistake."""
    feeds = read_list(
        """<opml><body>
        <outline text="A" xmlUrl="http://a.example/"/>
        <outline xmlUrl="exec:~/bin/feed"/><outline xmlUrl="query:Unread:unread = &quot;yes&quot;"/>
        <outline xmlUrl="filter:~/bin/x:http://b.example/"/><outline xmlUrl="file:///etc/passwd"/>
        <outline xmlUrl="exec:other"/>
        <outline xmlUrl="http://off.example/" disabled="true"/><outline xmlUrl="feed://on.example/" disabled="false"/>
        </body></opml>""",
        "feeds.opml",
    )
    assert [feed.url for feed in feeds.subscriptions] == ["http://a.example/", "http://on.example/"]
    assert feeds.refused == ()
    assert feeds.skipped == (
        "feeds.opml: outlines are skipped: 5 that are not http or https (exec, file, filter, query) "
        "and 1 that are disabled"
    )


@pytest.mark.parametrize(
    "end", ["", "\n<outline", '\n<outline text="B" xmlUrl="http://b.exam', "\n<outline xmlUrl='", "\n</bod"]
)
def test_d9_a_file_that_breaks_off_is_read_as_far_as_it_goes(end: str) -> None:
    """D9"""
    feeds = read_list(f'<opml>\n<body>\n<outline text="A" xmlUrl="http://a.example/"/>{end}', "f.opml")
    assert [feed.url for feed in feeds.subscriptions] == ["http://a.example/"]
    (refused,) = feeds.refused
    assert str(refused) == f"f.opml:{4 if end else 3}: the file breaks off here; feeds behind this line are missing"
