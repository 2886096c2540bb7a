"""How a run behaves towards servers. A module of its own, since a run with nothing due needs it, too."""

from __future__ import annotations

from dataclasses import dataclass, field

from condget.feeds.pace import Pace, Patience

#: Why a feed is passed over for the lack of budget.
LEFT = "left for the next run, since the budget of this one is spent"


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of a run: seconds, requests, bytes of content as received. None: no limit."""

    seconds: float | None = None
    requests: int | None = None
    bytes: int | None = None

    @classmethod
    def of(cls, seconds: float | None, requests: int | None, size: int | None) -> Budget | None:
        """Return a budget, None where nothing is limited."""
        return None if seconds is requests is size is None else cls(seconds, requests, size)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run behaves towards servers; durations in seconds."""

    pace: Pace = field(default_factory=Pace)
    #: Also poll feeds that are not due; still conditional (B8). Not: gone feeds of a list, silent hosts (C6, C8).
    force: bool = False
    #: Send no validators.
    unconditional: bool = False
    #: The deadline of one exchange (F1).
    timeout: float = 30.0
    #: Requests under way at once, over all hosts; one that waits long for its answer counts no longer.
    concurrency: int = 500
    #: The limits of the run; None: no limits. The feeds that are overdue longest come first, the rest next time.
    budget: Budget | None = None
    #: Record the fields of requests and responses, without secrets.
    trace: bool = False
    #: How long failures of a feed go unreported.
    patience: Patience = field(default_factory=Patience)
    #: Between the starts of two requests to one host (C12); None: 1 second, but none for loopback.
    gap: float | None = None
    #: Regular expressions, as those of a feed, for the entries of all feeds.
    match: str | None = None
    not_match: str | None = None
