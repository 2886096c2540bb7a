"""What a report may be asked for, and what a report is: a pure function from one outcome to its text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from condget.feeds.values import Outcome


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What to say beyond news and failures. JSON Lines hold edited entries and those of first sight at all times."""

    #: Also feeds that are unchanged or were not asked, with the reason and the next poll.
    all: bool = False
    #: List edited entries.
    edited: bool = False
    #: List the entries of a feed at first sight, too (F8).
    first_entries: bool = False
    #: Escape sequences for a terminal.
    colour: bool = False


#: Returns whole lines, or "" where there is nothing to say. Outcome by outcome, so that each report can be delivered
#: before the outcome is committed (B7).
Report: TypeAlias = "Callable[[Outcome, ReportOptions], str]"
