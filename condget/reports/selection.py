"""The parts of an outcome that are worth reporting (F5, F8): decided here, once, for all formats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from condget.reports.options import ReportOptions

if TYPE_CHECKING:
    from condget.feeds.values import Entry, Outcome


def is_recovered(outcome: Outcome) -> bool:
    """Whether a feed works again after failures that were reported (C15)."""
    is_success = outcome.status not in ("new", "error", "gone", "skipped")
    return is_success and outcome.failing_since is not None and outcome.is_notable


@dataclass(frozen=True, slots=True)
class Selection:
    """An outcome to report, and which of its parts people want to read.

    A format for programs has all entries of a feed that is reported, edited ones and those of first sight included;
    they are in `outcome`.
    """

    outcome: Outcome
    #: The new entries to list.
    entries: tuple[Entry, ...] = ()
    #: The edited entries to list.
    edited: tuple[Entry, ...] = ()
    #: How many entries are left out of `outcome` and of these, because there are too many.
    left_out: int = 0
    #: Whether to say when the feed is polled next, and why then.
    schedule: bool = False

    @property
    def is_news(self) -> bool:
        """Whether a script should take notice (`--exit-code`)."""
        return self.outcome.status in ("new", "changed", "moved")

    @property
    def is_trouble(self) -> bool:
        """Whether this is about a failure, or the end of failures, and nothing else."""
        return self.outcome.status == "error" or (self.outcome.status == "unchanged" and is_recovered(self.outcome))


def select(outcome: Outcome, options: ReportOptions) -> Selection | None:
    """Return what to report of an outcome, None for nothing."""
    if options.catch_up:
        outcome = _without_news(outcome)
    edited = outcome.edited if options.edited else ()
    is_news = outcome.status == "changed" and bool(outcome.entries or outcome.reissued or edited)
    is_trouble = outcome.status == "error" and (options.strict or outcome.is_notable)
    is_recovery = is_recovered(outcome)
    if not (options.all or is_news or is_trouble or is_recovery or outcome.status in ("new", "moved", "gone")):
        return None
    number = len(outcome.entries) + len(edited)
    if options.limit is not None:
        edited = edited[: options.limit]
        outcome = replace(outcome, entries=outcome.entries[: options.limit], edited=outcome.edited[: options.limit])
    entries = outcome.entries if outcome.status != "new" or options.first_entries else ()
    # The reason why a feed was not requested is its schedule already.
    left_out = number - len(outcome.entries) - len(edited)
    return Selection(outcome, entries, edited, left_out, schedule=options.all and outcome.status != "skipped")


def _without_news(outcome: Outcome) -> Outcome:
    is_news = outcome.status in ("new", "changed")
    status = "moved" if is_news and outcome.moved_to else "unchanged" if is_news else outcome.status
    return replace(outcome, status=status, entries=(), edited=(), reissued=False, changed=False)
