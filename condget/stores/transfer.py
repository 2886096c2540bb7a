"""Feed states as JSON Lines, to move them, validators included, to another machine or to keep a copy.

One line per feed, with its seen entries, and one per host that asked for silence. Each names its schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from condget.errors import UsageError
from condget.feeds.values import HostHold, Outcome, SeenEntry
from condget.stores.protocols import Ledger, LedgerReader
from condget.stores.records import Record, from_record, from_text, to_record, to_text

SCHEMA = "condget-state/1"

_BAD_LINES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Imported:
    """How many feeds were taken over, and how many were left because the state here is as new or newer."""

    taken: int
    left: int


def export_state(ledger: LedgerReader) -> Iterator[str]:
    """Yield the lines, each without its line feed. No secret is among them (F12)."""
    for url in ledger.urls():
        state = ledger.load([url]).get(url)
        if state is not None:
            seen = [(e.key, e.fingerprint, e.first_seen, e.last_seen) for e in ledger.seen(url).values()]
            yield to_text({"schema": SCHEMA, "feed": to_record(state), "seen": seen})
    for hold in ledger.holds().values():
        yield to_text({"schema": SCHEMA, "hold": {"host": hold.host, "until": hold.until, "reason": hold.reason}})


def import_state(ledger: Ledger, lines: Iterable[str]) -> Imported:
    """Write exported lines into a ledger, in one transaction.

    Nothing goes back: a feed that was polled here as late, or later, stays as it is.

    Raises:
        UsageError: lines cannot be read; the text gives their numbers, and nothing was written.
    """
    counts = {"taken": 0, "left": 0}
    ledger.commit(_outcomes(ledger, lines, counts))
    return Imported(**counts)


def _outcomes(ledger: Ledger, lines: Iterable[str], counts: dict[str, int]) -> Iterator[Outcome]:
    bad: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            outcome = _outcome(from_text(line))
        except (ValueError, TypeError, KeyError) as error:
            bad.append(f"line {number}: {str(error)[:80]}")
            continue
        if outcome.state is not None:
            here = ledger.load([outcome.url]).get(outcome.url)
            older = here is not None and (outcome.state.last_polled or 0) <= (here.last_polled or 0)
            counts["left" if older else "taken"] += 1
            if older:
                continue
        yield outcome
    if bad:
        more = f" and {len(bad) - _BAD_LINES_SHOWN} more" if len(bad) > _BAD_LINES_SHOWN else ""
        raise UsageError(
            f"The exported state has lines that cannot be read: {'; '.join(bad[:_BAD_LINES_SHOWN])}{more}. "
            "Nothing was imported."
        )


def _outcome(record: Record) -> Outcome:
    if record.get("schema") != SCHEMA:
        raise ValueError(f"its schema is not {SCHEMA}")
    if "hold" in record:
        hold = record["hold"]
        return Outcome("", "skipped", hold=HostHold(str(hold["host"]), float(hold["until"]), str(hold["reason"])))
    state = from_record(record["feed"])
    seen = tuple(
        SeenEntry(str(key), str(fingerprint), float(first), float(last))
        for key, fingerprint, first, last in record["seen"]
    )
    return Outcome(state.url, "skipped", state=state, seen=seen)
