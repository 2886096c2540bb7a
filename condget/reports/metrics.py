"""A run in figures: the Prometheus text format, for the textfile collector of a node exporter. Pure.

All are gauges of the last run. No feed is named, so that the number of series stays small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from condget.feeds.values import Status

if TYPE_CHECKING:
    from condget.feeds.values import Outcome

#: Kinds of failures beside the status codes of servers.
_CONNECTION, _EXCHANGE = "connection", "exchange"


@dataclass(slots=True)
class Figures:
    """The counts of a run, while it goes on."""

    feeds: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    new_entries: int = 0
    edited_entries: int = 0
    not_modified: int = 0
    received_bytes: int = 0
    saved_bytes: int = 0
    undelivered: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        self.feeds[outcome.status] += 1
        self.new_entries += len(outcome.entries)
        self.edited_entries += len(outcome.edited)
        self.not_modified += outcome.http_status == 304
        self.received_bytes += outcome.bytes
        self.saved_bytes += outcome.bytes_saved
        if outcome.status == "error":
            self.failures[_kind(outcome)] += 1


def metrics(figures: Figures, *, listed: int, due: int, began: float, seconds: float, exit_code: int) -> str:
    """Return the figures of a run that began at an instant and took some seconds."""
    polled = {status: figures.feeds[status] for status in get_args(Status) if status != "skipped"}
    parts = [
        _gauge("feeds_listed", "Feeds in the lists of the last run.", {"": listed}),
        _gauge("feeds_due", "Feeds that were due in the last run.", {"": due}),
        _gauge("feeds_polled", "Feeds polled in the last run, by outcome.", _labelled("status", polled)),
        _gauge("failures", "Feeds that failed in the last run, by kind.", _labelled("kind", figures.failures)),
        _gauge("not_modified", "Responses 304 in the last run.", {"": figures.not_modified}),
        _gauge("entries_new", "New entries in the last run.", {"": figures.new_entries}),
        _gauge("entries_edited", "Edited entries in the last run.", {"": figures.edited_entries}),
        _gauge("undelivered", "Feeds whose hook failed in the last run.", {"": figures.undelivered}),
        _gauge("received_bytes", "Bytes of content received in the last run.", {"": figures.received_bytes}),
        _gauge("saved_bytes", "Bytes of content that 304 saved in the last run.", {"": figures.saved_bytes}),
        _gauge("run_seconds", "How long the last run took.", {"": round(seconds, 3)}),
        _gauge("run_timestamp_seconds", "When the last run began.", {"": round(began, 3)}),
        _gauge("run_exit_code", "The exit code of the last run.", {"": exit_code}),
    ]
    return "".join(parts)


def _kind(outcome: Outcome) -> str:
    if not outcome.connected:
        return _CONNECTION
    if outcome.http_status is None:
        return _EXCHANGE
    return str(outcome.http_status) if outcome.http_status >= 400 else "content"


def _labelled(label: str, counts: Mapping[str, int]) -> dict[str, float]:
    return {f'{{{label}="{name}"}}': number for name, number in sorted(counts.items())}


def _gauge(name: str, help_: str, samples: Mapping[str, float]) -> str:
    lines = [f"# HELP condget_{name} {help_}", f"# TYPE condget_{name} gauge"]
    lines += [f"condget_{name}{labels} {value}" for labels, value in samples.items()]
    return "\n".join(lines) + "\n"
