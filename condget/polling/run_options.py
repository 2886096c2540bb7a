"""How a run behaves towards servers. A module of its own, since a run with nothing due needs it, too."""

from __future__ import annotations

from dataclasses import dataclass, field

from condget.feeds.pace import Pace, Patience


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
    #: How long failures of a feed go unreported.
    patience: Patience = field(default_factory=Patience)
    #: Between the starts of two requests to one host (C12); None: 1 second, but none for loopback.
    gap: float | None = None
