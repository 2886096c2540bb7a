"""The feeds that an HTML page names."""

from __future__ import annotations

import time

import pytest

from condget.feeds.discovery import feed_links

PAGE = "https://example.org/blog/"
RSS = 'type="application/rss+xml"'


@pytest.mark.parametrize(
    ("page", "urls"),
    [
        (f'<link rel="alternate" {RSS} href="/feed.xml">', ["https://example.org/feed.xml"]),
        (f"<LINK HREF=feed.xml REL='home ALTERNATE' {RSS} />", ["https://example.org/blog/feed.xml"]),
        (f'<base href="//cdn.example/x/"><link rel=alternate {RSS} href=f>', ["https://cdn.example/x/f"]),
        (f'<link rel=alternate {RSS} href="?a=1&amp;b=2">', ["https://example.org/blog/?a=1&b=2"]),
        (
            f'<link rel=alternate type="application/atom+xml; charset=utf-8" href=a><link rel=alternate {RSS} href=b>'
            '<link rel=alternate type="application/feed+json" href=c>',
            ["https://example.org/blog/a", "https://example.org/blog/b", "https://example.org/blog/c"],
        ),
        (f"<link rel=alternate {RSS} href=a><link rel=alternate {RSS} href=a>", ["https://example.org/blog/a"]),
        (f"<link rel=stylesheet {RSS} href=a>", []),
        ('<link rel=alternate type="text/html" href=a>', []),
        (f"<!-- <link rel=alternate {RSS} href=a> -->", []),
        (f'<link rel=alternate {RSS} href="javascript:alert(1)">', []),
        (f'<link rel=alternate {RSS} href="http://[::1">', []),
        (f"<link rel=alternate {RSS}>", []),
    ],
)
def test_links_to_feeds_are_found(page: str, urls: list[str]) -> None:
    assert [link.url for link in feed_links(f"<html><head>{page}</head>", PAGE)] == urls


def test_a_title_is_made_safe_to_show() -> None:
    (link,) = feed_links(f'<link rel=alternate {RSS} href=a title="Te&#27;[2Ja \n x">', PAGE)
    assert link.title == "Te[2Ja x"


@pytest.mark.parametrize(
    "piece", ["<link ", '<link "', "<link '", "<!--", "<link a=", "a", " ", "a=b ", "a=", '""', "= "]
)
@pytest.mark.parametrize("frame", ["{}", "<link {}>"])
def test_hostile_pages_are_read_in_linear_time(piece: str, frame: str) -> None:
    page = frame.format(piece * (190_000 // len(piece)))
    start = time.process_time()
    assert feed_links(page, PAGE) == ()
    assert time.process_time() - start < 2
