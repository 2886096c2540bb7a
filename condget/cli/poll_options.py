"""The options of `condget poll`, which `condget watch` shares: names, types, sections of the help, and words.

Not under `from __future__ import annotations`, and apart from the function that takes them: Typer evaluates each
annotation of a command three times, and a name is cheap to evaluate.
"""

from pathlib import Path
from typing import Annotated

import typer

from condget.cli import completion
from condget.reports import FORMATS

#: The exit code of `--exit-code`.
NEWS_CODE = 3

#: Sections of the help.
_REPORTS, _HOOKS, _REQUESTS = "What is reported", "Where news go, instead of stdout", "How feeds are requested"

Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        help=f"How to report: {', '.join(FORMATS)}.",
        show_default="text",
        autocompletion=completion.formats,
    ),
]

Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write the report to a file, as a whole, if there is any."),
]

Entries = Annotated[bool, typer.Option("--entries", help="List the entries of new feeds, too.")]

All = Annotated[bool, typer.Option("--all", help="Report every feed, with the time of its next poll and the reason.")]

DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would be requested; send and write nothing.")]

Force = Annotated[
    bool,
    typer.Option("--force", help="Poll feeds that are not due, too, still conditionally; a gone feed only by its URL."),
]

CatchUp = Annotated[bool, typer.Option("--catch-up", help="Take all entries as seen, and report none.")]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress and no failures of feeds on stderr.")]

Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        metavar="",
        show_default=False,
        help="Print on stderr a line for each feed, and the reason for its next poll; -vv: what was sent and came.",
    ),
]

Template = Annotated[
    str | None,
    typer.Option(
        "--template",
        metavar="TEXT",
        rich_help_panel=_REPORTS,
        help="Print this for each entry, with fields such as {feed_title}, {title}, {link}.",
    ),
]

Limit = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, rich_help_panel=_REPORTS, help="Report at most N entries of a feed."),
]

Match = Annotated[
    str | None,
    typer.Option(
        "--match",
        metavar="REGEX",
        rich_help_panel=_REPORTS,
        help="Report only entries with this in title, link, author or a category; the others count as seen.",
    ),
]

NotMatch = Annotated[
    str | None,
    typer.Option("--not-match", metavar="REGEX", rich_help_panel=_REPORTS, help="Report no entries with this."),
]

Edited = Annotated[bool, typer.Option("--edited", rich_help_panel=_REPORTS, help="Report edited entries, too.")]

Content = Annotated[
    bool,
    typer.Option("--content", rich_help_panel=_REPORTS, help="Report the content of entries, too (jsonl and atom)."),
]

ExitCode = Annotated[
    bool,
    typer.Option(
        "--exit-code", rich_help_panel=_REPORTS, help=f"Exit with {NEWS_CODE} if there is news and no feed failed."
    ),
]

Strict = Annotated[
    bool,
    typer.Option(
        "--strict", rich_help_panel=_REPORTS, help="Report each failure, not only those that last, once a week."
    ),
]

FailuresAfter = Annotated[
    int,
    typer.Option(metavar="N", min=1, rich_help_panel=_REPORTS, help="Report a feed that failed N times in a row, or"),
]

FailingFor = Annotated[str, typer.Option(metavar="DURATION", rich_help_panel=_REPORTS, help="that failed for so long.")]

Exec = Annotated[
    str | None,
    typer.Option(
        "--exec",
        metavar="CMD",
        rich_help_panel=_HOOKS,
        help="Run this for each feed with news: JSON on stdin.",
    ),
]

ExecEntry = Annotated[
    str | None,
    typer.Option(
        "--exec-entry",
        metavar="CMD",
        rich_help_panel=_HOOKS,
        help="Run this for each new entry: JSON on stdin.",
    ),
]

Post = Annotated[
    str | None,
    typer.Option("--post", metavar="URL", rich_help_panel=_HOOKS, help="POST the JSON of each feed with news."),
]

HookTimeout = Annotated[
    float,
    typer.Option(metavar="SECONDS", min=0.1, rich_help_panel=_HOOKS, help="Time for each command and POST."),
]

Mail = Annotated[
    str | None,
    typer.Option("--mail", metavar="ADDRESS", rich_help_panel=_HOOKS, help="Send the news of a run as a mail."),
]

MailEntries = Annotated[
    bool, typer.Option("--mail-entries", rich_help_panel=_HOOKS, help="Send a mail for each entry instead.")
]

MailFrom = Annotated[
    str | None,
    typer.Option(
        "--mail-from", metavar="ADDRESS", rich_help_panel=_HOOKS, help="The sender; else the ADDRESS of --mail."
    ),
]

Smtp = Annotated[
    str | None,
    typer.Option(
        "--smtp", metavar="URL", rich_help_panel=_HOOKS, help="Mail through this server, not through sendmail."
    ),
]

Metrics = Annotated[
    Path | None,
    typer.Option("--metrics", metavar="FILE", rich_help_panel=_HOOKS, help="Write figures of the run for Prometheus."),
]

Unconditional = Annotated[
    bool,
    typer.Option(
        "--unconditional",
        rich_help_panel=_REQUESTS,
        help="Send no validators, so that every feed is sent in full.",
    ),
]

Timeout = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0.1,
        rich_help_panel=_REQUESTS,
        help="Total time for one feed, redirects included.",
    ),
]

Concurrency = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        max=4_000,
        rich_help_panel=_REQUESTS,
        help="Requests at the same time, over all hosts.",
    ),
]

Gap = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        min=0,
        rich_help_panel=_REQUESTS,
        help="Time from the start of a request to the start of the next one to the same host.",
        show_default="1, and 0 for loopback",
    ),
]

UpdatePeriod = Annotated[
    bool,
    typer.Option(
        "--update-period",
        rich_help_panel=_REQUESTS,
        help="Obey sy:updatePeriod, too, which often is the default of a feed's template.",
    ),
]

Deadline = Annotated[
    str | None,
    typer.Option(metavar="DURATION", rich_help_panel=_REQUESTS, help="End after so long, such as 4m, or"),
]

MaxRequests = Annotated[
    int | None, typer.Option(metavar="N", min=1, rich_help_panel=_REQUESTS, help="after N requests, or")
]

MaxBytes = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        rich_help_panel=_REQUESTS,
        help="when so much was received, such as 50MB. The feeds overdue longest come first, the rest next time.",
    ),
]

Processes = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, max=256, rich_help_panel=_REQUESTS, help="Poll by N processes instead of this one, or"
    ),
]

Dask = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        rich_help_panel=_REQUESTS,
        help="by the workers of this Dask scheduler, such as tcp://host:8786, who need condget installed.",
    ),
]

Wait = Annotated[float, typer.Option(metavar="SECONDS", min=0, help="Wait up to this long for another run to end.")]
