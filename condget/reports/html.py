"""The report as an HTML page, to be read in a browser or a mail: no script, no image, nothing that is fetched."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from condget.reports.formats import Format
from condget.reports.options import ReportOptions
from condget.reports.phrases import date_of, heading, label, left_out, link, place, schedule, sentence
from condget.reports.selection import Selection
from condget.shown import line

if TYPE_CHECKING:
    from condget.feeds.values import Entry

#: Characters of the text of an entry that are shown below its title.
_EXCERPT = 240

# Programs for mail that drop the style sheet show headings and lists, which is all that the page needs.
_STYLE = """\
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 42em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.1em; font-weight: normal; opacity: .75; }
h2 { font-size: 1.2em; margin: 1.8em 0 .4em; }
ul { padding: 0; margin: 0; list-style: none; }
li { margin: .8em 0; overflow-wrap: anywhere; }
p { margin: .2em 0; overflow-wrap: anywhere; }
small { opacity: .75; }
.error { border-left: .25em solid #c33; padding-left: .75em; }"""


def head(options: ReportOptions, now: float) -> str:
    """Return the beginning of the page."""
    day = f"{datetime.fromtimestamp(now, UTC).astimezone(options.zone):%Y-%m-%d}"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>News of {day}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<h1>News of {day}</h1>\n"
    )


def report(selection: Selection, options: ReportOptions) -> str:
    """Return the section about one feed."""
    outcome = selection.outcome
    parts = [f"<h2>{_anchor(label(outcome), place(outcome))}</h2>"]
    if words := sentence(selection):
        parts.append(
            f'<p class="error">{escape(words)}</p>' if outcome.status == "error" else f"<p>{escape(words)}</p>"
        )
    items = [_item(entry, "", options) for entry in selection.entries]
    items += [_item(entry, "edited: ", options) for entry in selection.edited]
    if more := left_out(selection):
        items.append(f"<li><small>{more}</small></li>")
    if items:
        parts.append("\n".join(("<ul>", *items, "</ul>")))
    if when := schedule(selection):
        parts.append(f"<p><small>{escape(when)}</small></p>")
    return "\n".join(("<section>", *parts, "</section>")) + "\n"


def foot(options: ReportOptions, now: float) -> str:
    """Return the end of the page."""
    return "</body>\n</html>\n"


def _item(entry: Entry, mark: str, options: ReportOptions) -> str:
    url, title = link(entry), heading(entry)
    lines = [f"<li>{mark}{_anchor(title, url) if url else escape(title)}"]
    about = " · ".join(filter(None, (date_of(entry, options), line(entry.author or "", 80))))
    if about:
        lines.append(f"<br><small>{escape(about)}</small>")
    if entry.summary and entry.title:
        lines.append(f"<p>{escape(line(entry.summary, _EXCERPT))}</p>")
    return "\n".join(lines) + "</li>"


def _anchor(text: str, url: str) -> str:
    return f'<a href="{escape(url)}">{escape(text)}</a>'


FORMAT = Format(report, head, foot)
