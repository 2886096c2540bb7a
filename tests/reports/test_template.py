"""The report by a template of the user's own."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from condget.errors import UsageError
from condget.feeds.values import Outcome
from condget.reports import ReportOptions, select
from condget.reports.template import FIELDS, template
from tests.reports.outcomes import CACHING, CHANGED, EDITED, FAILED, NEW


def report(text: str, outcome: Outcome = CHANGED, options: ReportOptions | None = None) -> str:
    options = options or ReportOptions()
    selection = select(outcome, options)
    return template(text).report(selection, options) if selection else ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{feed_title}: {title} <{link}>", "Example: Caching <https://example.org/caching>\n"),
        ("{title}\\t{date}\\n", "Caching\t2024-05-01 12:00\n"),
        ("{{{id}}} {published}", "{urn:1} 2024-05-01T10:00:00Z\n"),
        ("- {title}\n  {feed_url}\n", "- Caching\n  https://example.org/feed.xml\n"),
        ("[{author}{summary}{categories}]", "[]\n"),
        ("\\\\n \\d", "\\n \\d\n"),
        ("fixed", "fixed\n"),
    ],
)
def test_a_template_is_filled_in_for_each_entry(text: str, expected: str) -> None:
    one = replace(CHANGED, entries=(CACHING,))
    assert report(text, one, ReportOptions(zone=ZoneInfo("Europe/Berlin"))) == expected
    assert report(text).count("\n") == 2 * expected.count("\n")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("{titel}", r'no field "\{titel\}"; choose from feed_title, feed_url, title'),
        ("{title.__class__}", "no field"),
        ("{title!r}", "no field"),
        ("{title:>10}", "no field"),
        ("{}", "no field"),
        ("{title", r'a single "\{"; write "\{\{"'),
        ("title}", r'a single "\}"'),
    ],
)
def test_a_template_that_names_anything_else_is_refused(text: str, cause: str) -> None:
    with pytest.raises(UsageError, match=cause):
        template(text)


def test_only_entries_are_reported() -> None:
    """F5, F8"""
    assert report("{title}", NEW) == report("{title}", FAILED) == report("{title}", EDITED) == ""
    assert report("{title}", NEW, ReportOptions(first_entries=True)) == "Caching\nHeaders\n"
    assert report("{title}", EDITED, ReportOptions(edited=True)) == "Caching\n"


def test_what_strangers_wrote_is_one_safe_line_and_never_a_template() -> None:
    odd = "{title}\x1b[2J\r\n\u202e{{"
    entry = replace(CACHING, title=odd, author=odd, summary=odd, id=odd, published=odd, categories=(odd,))
    every = " ".join(f"{{{name}}}" for name in FIELDS if name not in ("link", "feed_url"))
    text = report(every, replace(CHANGED, title=odd, entries=(entry,)))
    assert text == " ".join(["{title} {{"] * text.count("{{")) + "\n"
