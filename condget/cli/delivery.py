"""Delivers outcomes: reports to stdout, words to stderr. Remembers what the exit code depends on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from condget.cli.output import give_up_stdout, has_colours, say, show_progress, write
from condget.errors import CondgetError
from condget.reports import Format, ReportOptions, Selection, select

if TYPE_CHECKING:
    from condget.cli.arguments import Listed
    from condget.feeds.values import Outcome


class Delivery:
    """Where the outcomes of one run go. What `deliver` returned from is out of condget's hands (B7)."""

    def __init__(self, form: Format, options: ReportOptions, now: float, *, quiet: bool, verbose: bool) -> None:
        #: Whether a feed failed, and whether there was news.
        self.failed = self.news = False
        self._form = form
        self._options = replace(options, colour=has_colours(sys.stdout))
        self._error_options = replace(options, colour=has_colours(sys.stderr))
        self._now = now
        self._quiet = quiet
        self._verbose = verbose
        self._has_progress = sys.stderr.isatty() and not quiet and not verbose
        self._begun = False
        self._done = 0

    def deliver_faults(self, listed: Listed) -> None:
        """Say what is wrong with the lists; where failures are part of the report, each bad line is, too (D9)."""
        from condget.feeds.values import Outcome

        for sentence in listed.unusable if self._quiet else listed.faults():
            say(sentence)
        if not self._form.failures_apart:
            self._report([Outcome(line.written or line.source, "error", error=str(line)) for line in listed.refused])

    def say_skipped(self, listed: Listed) -> None:
        """Say what of the lists is skipped on purpose."""
        for sentence in () if self._quiet else listed.skipped:
            say(sentence)

    def deliver(self, outcomes: Sequence[Outcome]) -> None:
        """Report outcomes and flush."""
        from condget.feeds.schedule import all_offline

        self.clear_progress()
        if self._form.failures_apart and len(outcomes) > 3 and not self._done and all_offline(outcomes):
            # One line, not one for each feed, in a mail that cron sends when the network is back.
            self.failed, self._done = True, len(outcomes)
            if not self._quiet:
                say(f"offline? None of {len(outcomes)} feeds could be reached; the first: {outcomes[0].error}")
            return
        self._done += sum(outcome.status != "skipped" for outcome in outcomes)
        self._report(outcomes)

    def finish(self) -> None:
        """Write what stands behind all reports."""
        self.clear_progress()
        if self._begun and (foot := self._form.foot(self._options, self._now)):
            self._write(foot)

    def show_progress(self, total: int) -> None:
        """Show how many feeds are done, on a terminal."""
        if self._has_progress and self._done < total:
            show_progress(f"{self._done} of {total} feeds")

    def clear_progress(self) -> None:
        """Take the progress away."""
        if self._has_progress:
            show_progress("")

    def _report(self, outcomes: Sequence[Outcome]) -> None:
        reports: list[str] = []
        for outcome in outcomes:
            self.failed = self.failed or outcome.status in ("error", "gone")
            if self._verbose:
                say(_exchange(outcome))
            if (selection := select(outcome, self._options)) is None:
                continue
            self.news = self.news or selection.is_news
            if self._form.failures_apart and outcome.status == "error":
                self._report_failure(selection)
            else:
                reports.append(self._form.report(selection, self._options))
        self._write("".join(reports))

    def _report_failure(self, selection: Selection) -> None:
        if not self._quiet:
            options = self._error_options
            write(self._form.report(selection, options), to=sys.stderr, colour=options.colour)

    def _write(self, text: str) -> None:
        if not text:
            return
        if not self._begun:
            self._begun, text = True, self._form.head(self._options, self._now) + text
        try:
            write(text, colour=self._options.colour)
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            give_up_stdout()
            raise CondgetError(
                f"the report cannot be written to stdout ({error.strerror}); what it held comes with the next poll"
            ) from error


def _exchange(outcome: Outcome) -> str:
    """Return what `--verbose` says of a feed."""
    from condget.reports.phrases import place
    from condget.shown import line

    if outcome.status == "skipped":
        return line(f"{place(outcome)}: not asked; {outcome.reason}")
    sent = " and ".join(f"{name}: {value}" for name, value in outcome.validators_sent) or "no validators"
    answer = f"{outcome.http_status or 'no answer'}, {outcome.bytes:,} bytes, {outcome.status}"
    reason = outcome.reason or outcome.error
    return line(f"{place(outcome)}: sent {sent}; {answer}{f'; {reason}' if reason else ''}")
