"""Delivers outcomes: reports to stdout or a file, words to stderr. Remembers what the exit code depends on."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from condget.cli.ordering import InOrder, size_of
from condget.cli.output import give_up_stdout, has_colours, note, say, write
from condget.cli.progress import Bar, in_bytes
from condget.errors import CondgetError
from condget.reports import ReportOptions, Selection, format_of, select
from condget.shown import address, printable

if TYPE_CHECKING:
    from condget.cli.destinations import Destinations
    from condget.feeds.values import Outcome
    from condget.polling.lists import Listed
    from condget.reports.metrics import Figures


@dataclass(frozen=True, slots=True)
class _Reportable:
    """An outcome with what of it is reported."""

    outcome: Outcome
    selection: Selection


class Delivery:
    """Where the outcomes of one run go. Those that `deliver` and `finish` return are out of condget's hands (B7)."""

    def __init__(
        self,
        destinations: Destinations,
        options: ReportOptions,
        now: float,
        *,
        quiet: bool,
        verbose: int,
        order: Iterable[str] = (),
        figures: Figures | None = None,
    ) -> None:
        """`order` has the keys of the feeds to report in that order; `figures` count what is delivered."""
        form, file = destinations.form, destinations.file
        #: Whether a feed failed, and whether there was news.
        self.failed = self.news = False
        #: Outcomes that a hook or the mail did not take. They must come again with the next run.
        self.undelivered: list[Outcome] = []
        self._form = form
        # A program counts failures for itself, and whoever sits at the terminal wants to know what this run did.
        strict = options.strict or form.for_programs or sys.stderr.isatty()
        options = replace(options, strict=strict)
        self._options = replace(options, colour=file is None and has_colours(sys.stdout))
        self._error_options = replace(options, colour=has_colours(sys.stderr))
        self._now = now
        self._quiet = quiet
        self._verbose = verbose
        self._has_progress = sys.stderr.isatty() and not quiet and not verbose
        self._bar = Bar(shown=self._has_progress)
        self._changed = self._errors = self._saved = 0
        self._begun = False
        self._done = 0
        self._ordered: InOrder[_Reportable] = InOrder(order)
        self._figures = figures
        self._hooks = destinations.hooks
        self._mailer = destinations.mailer
        self._file = file
        #: The report for the file and the news for a mail, and the outcomes that are delivered as soon as these are.
        self._pages: list[str] = []
        self._mailed: list[Selection] = []
        self._until_end: list[Outcome] = []

    def deliver_faults(self, listed: Listed) -> None:
        """Say what is wrong with the lists; where failures are part of the report, each bad line is, too (D9)."""
        for sentence in listed.unusable if self._quiet else listed.faults():
            say(sentence)
        if listed.refused and not self._form.failures_apart:
            from condget.feeds.values import Outcome

            self.deliver([Outcome(line.written or line.source, "error", error=str(line)) for line in listed.refused])

    def announce(self, text: str) -> None:
        """Say something to whoever watches the run; a cron job's mail is for news and trouble."""
        if self._has_progress or self._verbose:
            say(text)

    def say_skipped(self, listed: Listed) -> None:
        """Say what of the lists is skipped on purpose."""
        for sentence in () if self._quiet else listed.skipped:
            say(sentence)

    def deliver(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Report outcomes, as far as it is their turn, and flush; return those that are delivered."""
        from condget.feeds.schedule import all_offline

        self.clear_progress()
        if self._form.failures_apart and len(outcomes) > 3 and not self._done and all_offline(outcomes):
            # One line, not one for each feed, in a mail that cron sends when the network is back.
            self.failed, self._done = True, len(outcomes)
            if not self._quiet and (self._options.strict or outcomes[0].is_notable):
                say(f"offline? None of {len(outcomes)} feeds could be reached; the first: {outcomes[0].error}")
            return outcomes
        self._done += sum(outcome.status != "skipped" for outcome in outcomes)
        silent: list[Outcome] = []
        reportable: list[_Reportable] = []
        for outcome in outcomes:
            if self._figures is not None:
                self._figures.add(outcome)
            self.failed = self.failed or outcome.status in ("error", "gone")
            self._changed += bool(outcome.entries or outcome.edited)
            self._errors += outcome.status in ("error", "gone")
            self._saved += outcome.bytes_saved
            if self._verbose:
                self._say_exchange(outcome)
            selection = select(outcome, self._options)
            if selection is None:
                silent.append(outcome)
                reportable += self._ordered.add(outcome.url, None)
            else:
                self.news = self.news or selection.is_news
                reportable += self._ordered.add(outcome.url, _Reportable(outcome, selection), size_of(outcome))
        return [*silent, *self._report(reportable)]

    def finish(self) -> Sequence[Outcome]:
        """Report what waited for its turn, and write what stands behind all reports; return what is delivered now."""
        self.clear_progress()
        delivered = self._report(self._ordered.rest())
        if self._begun and (foot := self._form.foot(self._options, self._now)):
            self._write(foot)
        if self._file is not None and self._pages:
            from condget.cli.destination import write_file

            write_file(self._file, ["".join(self._pages).encode()])
        if self._mailer is not None:
            try:
                self._mailer.send(self._mailed, self._options, self._now)
            except CondgetError as error:
                say(str(error))
                self.failed = True
                self._note_undelivered([*delivered, *self._until_end])
                return []
        return [*delivered, *self._until_end]

    def show_progress(self, total: int | None) -> None:
        """Show how many feeds are done, and what came of them, on a terminal; None: nobody knows of how many."""
        if total is None or self._done < total:
            done = f"{self._done} feeds" if total is None else f"{self._done} of {total} feeds"
            words = [done, f"{self._changed} changed", f"{self._errors} failed"]
            self._bar.show(self._done, total, ", ".join([*words, f"{in_bytes(self._saved)} saved"]))

    def clear_progress(self) -> None:
        """Take the progress away."""
        self._bar.hide()

    def _report(self, reportable: Sequence[_Reportable]) -> Sequence[Outcome]:
        reportable = self._hooked(reportable)
        pages: list[str] = []
        for selection in (item.selection for item in reportable):
            if self._form.entries_only:
                self._say_apart(selection)
            elif self._form.failures_apart and selection.is_trouble:
                self._say_as_text(selection)
                continue
            if self._mailer is not None:
                self._mailed.append(selection)
            pages.append(self._form.report(selection, self._options))
        self._write("".join(pages))
        outcomes = [item.outcome for item in reportable]
        if self._file is None and self._mailer is None:
            return outcomes
        self._until_end += outcomes
        return []

    def _hooked(self, reportable: Sequence[_Reportable]) -> Sequence[_Reportable]:
        """Run the hooks; return what they took. The others are not acknowledged, so that their news come again."""
        if not self._hooks or not reportable:
            return reportable
        failures = self._hooks.deliver([item.selection for item in reportable], self._options)
        for url, reason in failures.items():
            self.failed = True
            say(f"{address(url.partition('#user=')[0])}: {reason}; its news come with the next run")
        self._note_undelivered([item.outcome for item in reportable if item.outcome.url in failures])
        return [item for item in reportable if item.outcome.url not in failures]

    def _note_undelivered(self, outcomes: Sequence[Outcome]) -> None:
        self.undelivered += outcomes
        if self._figures is not None:
            self._figures.undelivered += len(outcomes)

    def _say_apart(self, selection: Selection) -> None:
        """Say of a feed what a report of entries alone has no place for."""
        if selection.is_trouble or selection.outcome.status in ("gone", "moved", "skipped"):
            self._say_as_text(replace(selection, entries=(), edited=()))

    def _say_exchange(self, outcome: Outcome) -> None:
        """Print what `--verbose` says of a feed, and with `-vv` its requests and responses, as curl -v does."""
        for hop in outcome.hops if self._verbose > 1 else ():
            note(f"> GET {hop.url}")
            for name, value in hop.request:
                note(f"> {name}: {value}")
            note(f"< {hop.status}")
            for name, value in hop.response:
                note(f"< {name}: {value}")
        say(_exchange(outcome))

    def _say_as_text(self, selection: Selection) -> None:
        if not self._quiet:
            options = self._error_options
            write(format_of("text").report(selection, options), to=sys.stderr, colour=options.colour)

    def _write(self, text: str) -> None:
        if not text:
            return
        if not self._begun:
            self._begun, text = True, self._form.head(self._options, self._now) + text
        if self._file is not None:
            self._pages.append(printable(text))
            return
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
        return line(f"{place(outcome)}: not polled; {outcome.reason}")
    sent = " and ".join(f"{name}: {value}" for name, value in outcome.validators_sent) or "no validators"
    answer = f"{outcome.http_status or 'no answer'}, {outcome.bytes:,} bytes, {outcome.status}"
    reason = outcome.reason or outcome.error
    return line(f"{place(outcome)}: sent {sent}; {answer}{f'; {reason}' if reason else ''}")
