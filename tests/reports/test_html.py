"""The report as a page for a browser or a mail."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from html.parser import HTMLParser

from condget.feeds.values import Entry
from condget.reports import ReportOptions, format_of
from tests.reports.outcomes import CACHING, CHANGED, EDITED, FAILED, NEW, UNCHANGED, report_as

report = partial(report_as, "html")
PLAIN = ReportOptions()


class Tags(HTMLParser):
    """Collects the tags, links and words of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.links: list[str | None] = []
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src", "style")]
        assert all(not name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_page_has_a_section_for_each_feed() -> None:
    form = format_of("html")
    page = form.head(PLAIN, 1_700_000_000) + report(CHANGED, PLAIN) + report(FAILED, PLAIN) + form.foot(PLAIN, 0)
    assert page.startswith("<!DOCTYPE html>\n")
    assert "<title>News of 2023-11-14</title>" in page
    assert page.endswith("</body>\n</html>\n")
    tags = Tags(page)
    assert tags.opened.count("section") == 2
    assert tags.links == [
        CHANGED.url,
        "https://example.org/caching",
        "https://example.org/headers",
        FAILED.url,
    ]
    assert not {"script", "img", "link", "iframe"} & set(tags.opened)


def test_an_entry_has_title_date_author_and_the_beginning_of_its_text() -> None:
    assert report(CHANGED, PLAIN) == (
        '<section>\n<h2><a href="https://example.org/feed.xml">Example</a></h2>\n<ul>\n'
        '<li><a href="https://example.org/caching">Caching</a>\n<br><small>2024-05-01 10:00</small></li>\n'
        '<li><a href="https://example.org/headers">Headers</a>\n<br><small>Ann</small>\n<p>All of them.</p></li>\n'
        "</ul>\n</section>\n"
    )


def test_what_is_said_of_a_feed_is_said() -> None:
    """F8, F9"""
    assert "<p>first seen, with 2 entries</p>" in report(NEW, PLAIN)
    assert '<p class="error">the server answered 503 &quot;down&quot;; it is asked' in report(FAILED, PLAIN)
    assert "edited: <a" in report(EDITED, ReportOptions(edited=True))
    assert "<small>and 1 more</small>" in report(CHANGED, ReportOptions(limit=1))
    assert "<small>the plain minimum of 60 min; next at 22:13Z</small>" in report(UNCHANGED, ReportOptions(all=True))


def test_nothing_of_a_feed_is_markup_or_a_link_that_a_click_should_not_open() -> None:
    odd = "<script>alert(1)</script>\"'&amp;\x1b[2J\u202e"
    entry = Entry("k", odd, odd, "javascript:alert(1)", odd, "f", odd, odd, (odd,), odd)
    other = replace(CACHING, link='https://example.org/"onmouseover="x', title=odd)
    tags = Tags(report(replace(CHANGED, title=odd, entries=(entry, other)), PLAIN))
    assert set(tags.opened) <= {"section", "h2", "a", "ul", "li", "br", "small", "p"}
    assert tags.links == [CHANGED.url, 'https://example.org/"onmouseover="x']
    assert "\x1b" not in tags.words
    assert "\u202e" not in tags.words
