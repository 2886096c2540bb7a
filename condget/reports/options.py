"""The parts of a report beyond news and failures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """Parts of a report beyond news and failures; `selection` decides by these, formats read the last three."""

    #: Also feeds that are unchanged or were not requested, and the reason and time of every feed's next poll.
    all: bool = False
    #: Also edited entries, and feeds that have no other news.
    edited: bool = False
    #: List the entries of a feed at first sight (F8).
    first_entries: bool = False
    #: Also each failure that is one of many, which are reported once they have lasted (C15).
    strict: bool = False
    #: No entries at all: they count as seen, and failures and moves are reported.
    catch_up: bool = False
    #: At most so many entries of a feed; None: all.
    limit: int | None = None
    #: The content of entries, in formats for programs.
    content: bool = False
    #: Where the reader's clocks are; None: where this machine's are.
    zone: tzinfo | None = UTC
    #: Escape sequences for a terminal.
    colour: bool = False
