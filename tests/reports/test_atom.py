"""The report as an Atom feed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from condget.feeds.documents import parse
from condget.feeds.values import Document, Entry, FeedState, Outcome
from condget.reports import ReportOptions, format_of
from tests.reports.outcomes import CACHING, CHANGED, EDITED, FAILED, HEADERS, NEW, report_as

report = partial(report_as, "atom")
PLAIN = ReportOptions()
POLLED = replace(CHANGED, state=FeedState(CHANGED.url, last_polled=1_714_600_000))


def page(*outcomes: Outcome, options: ReportOptions = PLAIN) -> str:
    form = format_of("atom")
    reports = [report(outcome, options) for outcome in outcomes]
    return form.head(options, 1_700_000_000) + "".join(reports) + form.foot(options, 1_700_000_000)


def read(text: str) -> Document:
    """Read a feed as condget does; its reader notes what is not well-formed."""
    document = parse(text.encode(), "application/atom+xml", "https://here.example/planet.xml")
    assert document.defect is None
    return document


def test_it_is_one_feed_of_the_new_entries_of_all_feeds() -> None:
    other = replace(POLLED, url="https://example.net/", title="Other", entries=(replace(CACHING, id="urn:3"),))
    document = read(page(POLLED, other))
    assert (document.version, document.title) == ("atom10", "News from condget")
    assert [(entry.id, entry.title, entry.link, entry.published) for entry in document.entries] == [
        ("urn:1", "Caching", "https://example.org/caching", "2024-05-01T10:00:00Z"),
        ("urn:2", "Headers", "https://example.org/headers", "2024-05-01T21:46:40Z"),
        ("urn:3", "Caching", "https://example.org/caching", "2024-05-01T10:00:00Z"),
    ]
    assert [entry.author for entry in document.entries] == ["Example", "Ann", "Other"]
    assert document.entries[1].categories == ("http",)
    assert document.entries[1].summary == "All of them."


def test_an_entry_names_its_feed_as_its_source() -> None:
    assert (
        "<source><id>https://example.org/feed.xml</id><title>Example</title><updated>2024-05-01T21:46:40Z</updated>"
        '<link rel="self" href="https://example.org/feed.xml"/></source>'
    ) in report(POLLED, PLAIN)


def test_content_is_there_where_it_is_wanted() -> None:
    assert "<content" not in report(CHANGED, PLAIN)
    with_content = read(page(CHANGED, options=ReportOptions(content=True))).entries[1]
    assert (with_content.content, with_content.content_type) == (HEADERS.content, "text/html")


@pytest.mark.parametrize("id_", ["7", None, "not an iri", "x:\u202e", "http://a b/", "x:<"])
def test_an_entry_without_an_iri_gets_one_that_stays(id_: str | None) -> None:
    entry = replace(CACHING, id=id_)
    (first, second) = (read(page(replace(CHANGED, entries=(entry,)))).entries[0].id for _ in range(2))
    (other,) = read(page(replace(CHANGED, entries=(replace(entry, key="k"),)))).entries
    assert first == second != other.id
    assert str(first).startswith("urn:uuid:")


def test_first_sight_edits_and_failures_are_no_entries_unless_wanted() -> None:
    """F5, F8"""
    assert report(NEW, PLAIN) == report(EDITED, PLAIN) == report(FAILED, PLAIN) == ""
    assert report(NEW, ReportOptions(first_entries=True)).count("<entry>") == 2
    assert report(EDITED, ReportOptions(edited=True)).count("<entry>") == 1


def test_nothing_of_a_feed_is_markup() -> None:
    odd = "</title>\x1b[2J&amp;<b>\x0b\ufffe\ud800]]>\u202e"
    entry = Entry("k", odd, odd, f"https://example.org/?{odd}\"'", odd, "f", odd, odd, (odd,), odd, odd)
    document = read(page(replace(CHANGED, title=odd, name=odd, entries=(entry,)), options=ReportOptions(content=True)))
    (read_back,) = document.entries
    assert read_back.author == "</title>&amp;<b> ]]>"
    assert read_back.title == "</title>&amp;<b> ]]>"
    assert str(read_back.link).startswith("https://example.org/?%3C/title%3E&amp;%3Cb%3E")
