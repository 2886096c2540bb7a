"""The report as Markdown."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from condget.feeds.values import Entry, Outcome
from condget.reports import ReportOptions
from tests.reports.outcomes import CHANGED, EDITED, FAILED, NEW, SKIPPED, UNCHANGED, report_as

report = partial(report_as, "markdown")
PLAIN = ReportOptions()
HEADING = "## [Example](https://example.org/feed.xml)\n\n"


@pytest.mark.parametrize(
    ("outcome", "options", "text"),
    [
        (
            CHANGED,
            PLAIN,
            f"{HEADING}- [Caching](https://example.org/caching)\n- [Headers](https://example.org/headers)\n\n",
        ),
        (NEW, PLAIN, f"{HEADING}first seen, with 2 entries\n\n"),
        (EDITED, PLAIN, ""),
        (
            EDITED,
            ReportOptions(edited=True),
            f"{HEADING}- edited: [Caching](https://example.org/caching)\n\n",
        ),
        (UNCHANGED, PLAIN, ""),
        (
            UNCHANGED,
            ReportOptions(all=True),
            f"{HEADING}unchanged\n\nthe plain minimum of 60 min; next at 22:13Z\n\n",
        ),
        (FAILED, PLAIN, f'{HEADING}**Error**: the server answered 503 "down"; it is asked again later\n\n'),
        (SKIPPED, PLAIN, ""),
    ],
)
def test_markdown_says(outcome: Outcome, options: ReportOptions, text: str) -> None:
    assert report(outcome, options) == text


@pytest.mark.parametrize(
    ("title", "link", "item"),
    [
        ("*bold* [x](y) `c` <b> &amp;", None, r"- \*bold\* \[x\](y) \`c\` \<b\> \&amp;"),
        ("# heading", None, r"- \# heading"),
        ("- list", None, r"- \- list"),
        ("2024. A year", None, r"- 2024\. A year"),
        ("a_b\\c ~~d~~ $e$ |f|", None, r"- a\_b\\c \~\~d\~\~ \$e\$ \|f\|"),
        ("two\n\n## lines", None, "- two ## lines"),
        ("T", "https://e.org/a_(b)?<c>", "- [T](https://e.org/a_%28b%29?%3Cc%3E)"),
        ("T", "javascript:alert(1)", "- T"),
    ],
)
def test_titles_and_links_cannot_add_markup(title: str, link: str | None, item: str) -> None:
    entry = Entry("k", None, title, link, None, "f")
    text = report(replace(CHANGED, entries=(entry,)), PLAIN)
    assert text == f"{HEADING}{item}\n\n"
