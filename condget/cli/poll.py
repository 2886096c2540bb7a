"""`condget poll`: ask the feeds that are due, print what is new, and remember what was printed.

A report is flushed before its outcomes are committed (B7). Ctrl-C and SIGTERM let what is finished be reported.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from condget import settings
from condget.cli.arguments import Feeds, State, read
from condget.errors import CondgetError

if TYPE_CHECKING:
    from condget.feeds.values import Outcome
    from condget.polling.executors import Executor
    from condget.polling.planning import Plan
    from condget.reports import Report, ReportOptions

NEWS_CODE = 3


def poll(
    feeds: Feeds,
    format_: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="text, jsonl or markdown.")] = "text",
    all_: Annotated[bool, typer.Option("--all", help="Report every feed, with its next poll and why then.")] = False,
    entries: Annotated[bool, typer.Option("--entries", help="List the entries of a new feed, too.")] = False,
    edited: Annotated[bool, typer.Option("--edited", help="Report edited entries, too.")] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="FetchRequest also what is not due; still conditional. Gone feeds: only by URL."),
    ] = False,
    unconditional: Annotated[
        bool, typer.Option("--unconditional", help="Send no validators: every feed comes in full.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what would be asked; send nothing and write nothing.")
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help=f"Exit with {NEWS_CODE} if there is news and no feed failed.")
    ] = False,
    timeout: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0.1, help="The deadline of one exchange, redirects included."),
    ] = 30.0,
    concurrency: Annotated[
        int, typer.Option(metavar="N", min=1, max=4_000, help="Requests at once over all hosts.")
    ] = 500,
    gap: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="Between the starts of two requests to one host.",
            show_default="1, and 0 for loopback",
        ),
    ] = None,
    update_period: Annotated[
        bool,
        typer.Option("--update-period", help="Honour sy:updatePeriod, too, which often is a template's default."),
    ] = False,
    wait: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="Wait that long for another run to end.")] = 0.0,
    state: State = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress, and no failures of feeds on stderr.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say on stderr of each feed what was sent and what came.")
    ] = False,
) -> int:
    """FetchRequest the feeds that are due and print what is new.

    Nothing new and nothing wrong: no output at all, so that cron sends no mail. In text, failures go to stderr;
    in the other formats they are part of the report.

    \b
    Examples:
      condget poll feeds.txt
      condget poll https://example.org/feed.xml --entries
      condget poll subscriptions.opml --format jsonl >> news.jsonl
      */5 * * * *  condget poll ~/feeds.txt   (no feed is asked twice an hour)

    \b
    Exit codes: 0 no feed failed, 1 some feed failed, 2 usage or an unreadable
    list, 3 news (with --exit-code), 75 another run holds the state,
    130 interrupted.
    """
    # Thousands of values are made that live as long as the run, and next to no garbage.
    gc.set_threshold(100_000, 20, 20)

    from condget.feeds.pace import Pace
    from condget.polling import RunOptions, plan
    from condget.reports import ReportOptions, report_function

    report = report_function(format_)
    options = ReportOptions(all=all_, edited=edited, first_entries=entries, colour=_colour(sys.stdout))
    run_options = RunOptions(
        pace=Pace(update_period=update_period),
        force=force,
        unconditional=unconditional,
        timeout=timeout,
        concurrency=concurrency,
        gap=gap,
    )
    subscriptions = read(feeds)
    clock = settings.clock()

    from condget.stores.ledger import SqliteLedger
    from condget.stores.lock import lock

    path = state or settings.state_path()
    with (
        nullcontext() if dry_run else lock(path, wait, clock=clock),
        closing(SqliteLedger(path, read_only=dry_run, clock=clock)) as ledger,
    ):
        for notice in ledger.notices:
            _say(notice)
        now = clock()
        if not dry_run:
            ledger.set_back(now)
        planned = plan(subscriptions, ledger, run_options, now)
        output = _Output(report, options, quiet=quiet, verbose=verbose, errors_apart=format_ == "text")
        if dry_run:
            output.deliver(_would_ask(planned), replace(options, all=True))
        if all_:
            output.deliver(tuple(planned.skipped()), options)
        if dry_run or not (planned.asked or planned.refused):
            return 0
        from condget.polling import run
        from condget.polling.executors import InProcess

        # What there is by now stays to the end: not to be walked through for garbage again and again.
        gc.freeze()
        executor = InProcess(clock)
        with (
            _interruptible(executor) as interrupted,
            closing(run(planned, ledger, executor, clock)) as groups,
        ):
            total = planned.asked + len(planned.refused)
            output.progress(total)
            for group in groups:
                output.deliver(group, options)
                output.progress(total)
        output.clear()
        if interrupted:
            from condget.cli import exit_code as code_of

            return code_of(KeyboardInterrupt())
    return 1 if output.failed else NEWS_CODE if exit_code and output.news else 0


class _Output:
    """Where outcomes go: the report to stdout, words to stderr; and what the exit code has to know."""

    def __init__(
        self, report: Report, options: ReportOptions, *, quiet: bool, verbose: bool, errors_apart: bool
    ) -> None:
        self.failed = self.news = False
        self._report = report
        self._options = options
        self._quiet = quiet
        self._verbose = verbose
        self._errors_apart = errors_apart
        self._bar = sys.stderr.isatty() and not quiet and not verbose
        self._done = 0
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")

    def deliver(self, outcomes: Sequence[Outcome], options: ReportOptions) -> None:
        """Print outcomes; when this returns, they are out of our hands."""
        from condget.feeds.schedule import all_offline

        self.clear()
        if self._errors_apart and len(outcomes) > 3 and not self._done and all_offline(outcomes):
            # One line, not one for each feed, in a mail that cron sends when the network is back.
            self.failed, self._done = True, len(outcomes)
            if not self._quiet:
                _say(f"offline? None of {len(outcomes)} feeds could be reached; the first: {outcomes[0].error}")
            return
        text: list[str] = []
        for outcome in outcomes:
            self._done += outcome.status != "skipped"
            self.failed = self.failed or outcome.status in ("error", "gone")
            if self._verbose:
                _say(_trace(outcome))
            if not _is_shown(outcome, options):
                continue
            self.news = self.news or outcome.status in ("new", "changed", "moved")
            if outcome.status == "error" and self._errors_apart:
                if not self._quiet:
                    print(
                        self._report(outcome, replace(options, colour=_colour(sys.stderr))),
                        end="",
                        file=sys.stderr,
                    )
            else:
                text.append(self._report(outcome, options))
        if not any(text):
            return
        try:
            sys.stdout.write("".join(text))
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            # What is left in the buffer would fail once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise CondgetError(
                f"the report cannot be written to stdout ({error.strerror}); what it held comes with the next poll"
            ) from error

    def progress(self, total: int) -> None:
        """Show how many feeds are done, on a terminal."""
        if self._bar and self._done < total:
            print(f"\r\x1b[K{self._done} of {total} feeds", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the progress away."""
        if self._bar:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _is_shown(outcome: Outcome, options: ReportOptions) -> bool:
    if options.all or outcome.status in ("new", "moved", "gone", "error"):
        return True
    return outcome.status == "changed" and bool(outcome.entries or outcome.reissued or options.edited)


def _would_ask(planned: Plan) -> list[Outcome]:
    from condget.feeds.values import Outcome

    outcomes = list(planned.refused)
    for job in (job for host in planned.hosts for job in host):
        fields = " and ".join(name for name, _ in job.request.preconditions)
        where = "" if job.request.moved_from is None else f" at {job.request.url}"
        reason = f"dry run; due now, would be asked{where} {f'with {fields}' if fields else 'without validators'}"
        outcomes.append(Outcome(job.key, "skipped", name=planned.subscriptions[job.key].name, reason=reason))
    return outcomes


def _trace(outcome: Outcome) -> str:
    """Return what `--verbose` says of a feed."""
    from condget.reports.phrases import place
    from condget.shown import line

    sent = " and ".join(f"{name}: {value}" for name, value in outcome.validators_sent) or "no validators"
    answer = outcome.http_status or "no answer"
    if outcome.status == "skipped":
        return line(f"{place(outcome)}: not asked; {outcome.reason}")
    return line(f"{place(outcome)}: sent {sent}; {answer}, {outcome.bytes:,} bytes, {outcome.status}; {outcome.reason}")


@contextmanager
def _interruptible(executor: Executor) -> Iterator[list[int]]:
    """Stop the executor at the first SIGINT, raise at the second; yields the list that then is not empty."""
    signals: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if signals:
            raise KeyboardInterrupt
        signals.append(number)
        executor.stop()

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:  # as in the background job of a shell
        signal.signal(signal.SIGINT, stop)
    try:
        yield signals
    finally:
        signal.signal(signal.SIGINT, before)


def _colour(stream: object) -> bool:
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _say(text: str) -> None:
    print(f"condget: {text}", file=sys.stderr)
