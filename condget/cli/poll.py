"""`condget poll`: poll the feeds that are due, print what is new, and remember what was printed.

A report is flushed before its outcomes are committed (B7). After Ctrl-C and SIGTERM, finished feeds are reported.
"""

from __future__ import annotations

import gc
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import typer

from condget import settings
from condget.cli import poll_options as option
from condget.cli.arguments import Feeds, State, length, size
from condget.cli.delivery import Delivery
from condget.cli.destinations import destinations_of
from condget.cli.output import say
from condget.errors import StateLocked, UsageError
from condget.polling.run_options import Budget
from condget.reports import ReportOptions

if TYPE_CHECKING:
    from condget.cli.workers import Workers
    from condget.feeds.values import Outcome
    from condget.polling.executors import Executor
    from condget.polling.planning import PassedOver, Plan
    from condget.polling.portions import Plans
    from condget.reports.metrics import Figures
    from condget.stores.protocols import Ledger

LOCKED_CODE = 75


def poll(
    feeds: Feeds,
    format_: option.Format = None,
    output: option.Output = None,
    entries: option.Entries = False,
    all_: option.All = False,
    dry_run: option.DryRun = False,
    force: option.Force = False,
    catch_up: option.CatchUp = False,
    quiet: option.Quiet = False,
    verbose: option.Verbose = 0,
    template_: option.Template = None,
    limit: option.Limit = None,
    match: option.Match = None,
    not_match: option.NotMatch = None,
    edited: option.Edited = False,
    content: option.Content = False,
    exit_code: option.ExitCode = False,
    strict: option.Strict = False,
    failures_after: option.FailuresAfter = 3,
    failing_for: option.FailingFor = "1d",
    exec_: option.Exec = None,
    exec_entry: option.ExecEntry = None,
    post: option.Post = None,
    hook_timeout: option.HookTimeout = 60.0,
    mail: option.Mail = None,
    mail_entries: option.MailEntries = False,
    mail_from: option.MailFrom = None,
    smtp: option.Smtp = None,
    metrics: option.Metrics = None,
    unconditional: option.Unconditional = False,
    timeout: option.Timeout = 30.0,
    concurrency: option.Concurrency = 500,
    gap: option.Gap = None,
    update_period: option.UpdatePeriod = False,
    deadline: option.Deadline = None,
    max_requests: option.MaxRequests = None,
    max_bytes: option.MaxBytes = None,
    processes: option.Processes = None,
    dask: option.Dask = None,
    state: State = None,
    wait: option.Wait = 0.0,
) -> int:
    """Poll the feeds that are due, and print what is new.

    With nothing new and nothing wrong there is no output, so that cron sends no mail. Failures go to stderr, but are
    part of the report in jsonl, markdown and html.

    \b
    Examples:
      condget poll feeds.txt
      condget poll https://example.org/feed.xml --entries
      condget poll subscriptions.opml --format jsonl >> news.jsonl
      */5 * * * *  condget poll ~/feeds.txt   (no feed is polled twice in an hour)

    \b
    Exit codes: 0 no feed failed, 1 a feed failed, 2 wrong usage or an
    unreadable list, 3 news (with --exit-code), 75 another run holds the
    state, 130 interrupted.
    """
    from condget.feeds.pace import Pace, Patience
    from condget.polling import RunOptions, plan
    from condget.polling.planning import LONG
    from condget.polling.portions import Lists

    destinations = destinations_of(
        format_=format_,
        template=template_,
        output=output,
        exec_=exec_,
        exec_entry=exec_entry,
        post=post,
        hook_timeout=hook_timeout,
        mail=mail,
        mail_from=mail_from,
        mail_entries=mail_entries,
        smtp=smtp,
        dry_run=dry_run,
    )
    options = ReportOptions(
        all=all_,
        edited=edited,
        first_entries=entries,
        content=content,
        catch_up=catch_up,
        limit=limit,
        strict=strict,
        zone=None,
    )
    run_options = RunOptions(
        pace=Pace(update_period=update_period),
        force=force,
        unconditional=unconditional,
        timeout=timeout,
        concurrency=concurrency,
        gap=gap,
        trace=verbose > 1,
        budget=Budget.of(
            None if deadline is None else length("--deadline", deadline),
            max_requests,
            None if max_bytes is None else size("--max-bytes", max_bytes),
        ),
        patience=Patience(failures_after, length("--failing-for", failing_for)),
        match=_pattern("--match", match),
        not_match=_pattern("--not-match", not_match),
    )
    workers = None
    if processes is not None or dask is not None:
        from condget.cli.workers import workers_of

        workers = workers_of(processes, dask)
    figures = None
    if metrics is not None:
        from condget.reports.metrics import Figures

        figures = Figures()
    began = time.monotonic()
    # A report of all feeds, those left by a budget among them, is made of all lines.
    lists = Lists(feeds, whole=dry_run or (all_ and max_requests is not None))
    clock = settings.clock()

    from condget.stores.opening import open_ledger, open_ledger_for_reading

    if dry_run:
        listed = lists.listed
        with open_ledger_for_reading(state) as reader:
            now = clock()
            planned = plan(listed.subscriptions, reader, run_options, now)
        delivery = Delivery(destinations, replace(options, all=True), now, quiet=quiet, verbose=verbose)
        delivery.deliver_faults(listed)
        delivery.deliver(_would_poll(planned, now))
        if all_:
            delivery.deliver(tuple(planned.skipped()))
        elif not planned.hosts:
            say("dry run; no feed would be polled now")
        delivery.finish()
        return listed.exit_code
    with (
        closing(lists),
        _locked_silently(quiet),
        open_ledger(state, wait=wait, alone=False, clock=clock) as ledger,
    ):
        now = clock()
        plans = lists.begin(ledger, run_options, clock, everything=all_)
        listed = lists.listed
        for notice in ledger.take_notices():
            say(notice)
        # In a long run, what is settled is reported and committed as it comes.
        is_short = not lists.is_large and (plans.first is None or plans.first.least_seconds < LONG)
        in_order = output is not None or (is_short and not sys.stdout.isatty())
        order = lists.order(plans, ledger, run_options, now, everything=all_) if in_order else ()
        delivery = Delivery(destinations, options, now, quiet=quiet, verbose=verbose, order=order, figures=figures)
        delivery.deliver_faults(listed)
        if all_:
            plans.on_plan = lambda planned: _deliver_skipped(planned, delivery)
        has_work = plans.begin()
        if force and not all_ and not has_work and plans.first_passed_over is not None and not quiet:
            _say_why_none(plans.first_passed_over, plans.passed_over)
        if plans.first_seen or lists.is_new or verbose:
            # A note about a list is for whoever has just made it, not for each mail of a cron job.
            delivery.say_skipped(listed)
        total = None if lists.is_large else plans.due
        interrupted = has_work and _run(plans, ledger, clock, delivery, workers, total=total)
        if delivered := delivery.finish():
            ledger.commit(delivered)
        if delivery.undelivered:
            ledger.commit(_undelivered(plans, delivery.undelivered, now))
        for notice in ledger.take_notices():
            say(notice)
        if lists.unread is not None:
            say(lists.unread)
    code = listed.exit_code or (1 if delivery.failed else option.NEWS_CODE if exit_code and delivery.news else 0)
    if interrupted:
        from condget.cli import exit_code as code_of

        code = code_of(KeyboardInterrupt())
    if metrics is not None and figures is not None:
        seconds = time.monotonic() - began
        _write_metrics(metrics, figures, listed=lists.feeds, due=plans.due, began=now, seconds=seconds, code=code)
    return code


def _run(
    plans: Plans,
    ledger: Ledger,
    clock: settings.Clock,
    delivery: Delivery,
    workers: Workers | None,
    *,
    total: int | None,
) -> bool:
    """Poll what is planned and deliver what comes of it; return whether that was interrupted."""
    from condget.cli.environment import check_certificates
    from condget.cli.workers import executor_of
    from condget.feeds.durations import span
    from condget.polling import run
    from condget.polling.planning import LONG

    check_certificates()
    # The collector need not look again and again at what stays to the end.
    gc.freeze()
    if (seconds := plans.least_seconds) >= LONG:
        delivery.announce(
            f"this run takes at least {span(seconds)}: a host with many feeds gets one request at a time, with a gap"
        )
    with (
        executor_of(workers, clock) as executor,
        _interruptible(executor) as interrupted,
        closing(run(plans, ledger, executor, clock)) as groups,
    ):
        delivery.show_progress(total)
        try:
            for group in groups:
                if delivered := delivery.deliver(group):
                    ledger.commit(delivered)
                    plans.committed(delivered)
                delivery.show_progress(total)
        finally:
            delivery.clear_progress()
            for notice in executor.take_notices():
                say(notice)
    return bool(interrupted)


def _deliver_skipped(planned: Plan, delivery: Delivery) -> None:
    delivery.deliver(tuple(planned.skipped()))


def _undelivered(plans: Plans, outcomes: Iterable[Outcome], now: float) -> list[Outcome]:
    from condget.feeds.schedule import undelivered

    found = [(outcome, feed) for outcome in outcomes if (feed := plans.feed(outcome.url)) is not None]
    return [undelivered(outcome, feed.state, pace=feed.pace, now=now) for outcome, feed in found]


def _write_metrics(
    file: Path, figures: Figures, *, listed: int, due: int, began: float, seconds: float, code: int
) -> None:
    from condget.cli.destination import write_file
    from condget.reports.metrics import metrics

    text = metrics(figures, listed=listed, due=due, began=began, seconds=seconds, exit_code=code)
    write_file(file, [text.encode()])


def _pattern(option: str, text: str | None) -> str | None:
    if text is None:
        return None
    from condget.feeds.filters import pattern

    try:
        return pattern(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def _say_why_none(first: PassedOver, passed_over: int) -> None:
    """Say why --force polls no feed."""
    from condget.reports.phrases import place, sentence
    from condget.reports.selection import Selection

    more = f" (and {passed_over - 1:,} more feeds)" if passed_over > 1 else ""
    say(f"{place(first.outcome)}{more}: {sentence(Selection(first.outcome))}")


def _would_poll(planned: Plan, now: float) -> list[Outcome]:
    from condget.feeds.values import Outcome

    outcomes = list(planned.refused)
    for feed in planned.feeds:
        request, state = feed.job.request, feed.state
        fields = " and ".join(name for name, _ in request.preconditions)
        due = "due now" if state is None or state.next_poll <= now else "forced"
        where = "" if request.moved_from is None else f" at {request.url}"
        reason = f"dry run; {due}, would be requested{where} {f'with {fields}' if fields else 'without validators'}"
        outcomes.append(Outcome(feed.job.key, "skipped", name=feed.subscription.name, reason=reason))
    return outcomes


@contextmanager
def _locked_silently(quiet: bool) -> Iterator[None]:
    """Leave it at the exit code that another run holds the state, where runs of cron may overlap."""
    try:
        yield
    except StateLocked:
        if not quiet:
            raise
        raise typer.Exit(LOCKED_CODE) from None


@contextmanager
def _interruptible(executor: Executor) -> Iterator[list[int]]:
    """Stop the executor at the first SIGINT, raise at the second; yield the list of signals that came."""
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
