"""Rows of the poller's state in PostgreSQL, written for many outcomes at once.

A table takes one statement for a whole batch: its columns go as arrays. For batches of 50 and 500 rows that was faster
than COPY into a temporary table and than `executemany` in a pipeline, and it leaves nothing in the session.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from condget.feeds.values import FeedState, Outcome
from condget.stores.postgresql_queries import digest_of
from condget.stores.records import COLUMNS, text_members, to_record, to_text
from condget.urls import without_userinfo

if TYPE_CHECKING:
    import psycopg

_Row = tuple[Any, ...]

_FEEDS = """
INSERT INTO condget_state.feeds (feed, url, next_poll, last_polled, gone, interval_seconds, reason)
SELECT * FROM unnest(%b::bytea[], %b::text[], %b::float8[], %b::float8[], %b::bool[], %b::float8[], %b::text[])
ON CONFLICT (feed) DO UPDATE SET next_poll = excluded.next_poll, last_polled = excluded.last_polled,
gone = excluded.gone, interval_seconds = excluded.interval_seconds, reason = excluded.reason"""
_STATES = """
INSERT INTO condget_state.states SELECT * FROM unnest(%b::bytea[], %b::text[], %b::bytea[])
ON CONFLICT (feed) DO UPDATE SET state = excluded.state, moved = excluded.moved"""
_RECALLS = """
INSERT INTO condget_state.recalls SELECT * FROM unnest(%b::bytea[], %b::text[])
ON CONFLICT (feed) DO UPDATE SET recall = excluded.recall"""
_NO_RECALLS = "DELETE FROM condget_state.recalls WHERE feed = ANY(%b::bytea[])"
_FORGOTTEN = """
DELETE FROM condget_state.seen USING unnest(%b::bytea[], %b::bytea[]) AS gone (feed, entry)
WHERE seen.feed = gone.feed AND seen.entry = gone.entry"""
_SEEN = """
INSERT INTO condget_state.seen
SELECT * FROM unnest(%b::bytea[], %b::bytea[], %b::bytea[], %b::text[], %b::float8[], %b::float8[])
ON CONFLICT (feed, entry) DO UPDATE SET
fingerprint = excluded.fingerprint, first_seen = excluded.first_seen, last_seen = excluded.last_seen"""
_KNOWN = """
UPDATE condget_state.listed SET known = true WHERE NOT known AND feed = ANY(%b::bytea[])"""
_UNKNOWN = """
UPDATE condget_state.listed SET known = false WHERE known AND feed = ANY(%b::bytea[])"""
_HOLDS = """
INSERT INTO condget_state.holds SELECT * FROM unnest(%b::text[], %b::float8[], %b::text[], %b::float8[])
ON CONFLICT (host) DO UPDATE SET until = excluded.until, reason = excluded.reason, since = excluded.since
WHERE excluded.until > holds.until"""


@dataclass(slots=True)
class _Batch:
    """The rows of a batch by their keys: a statement must not meet a row twice, so the last one counts."""

    feeds: dict[bytes, _Row] = field(default_factory=dict)
    states: dict[bytes, _Row] = field(default_factory=dict)
    recalls: dict[bytes, str] = field(default_factory=dict)
    forgotten: set[tuple[bytes, bytes]] = field(default_factory=set)
    seen: dict[tuple[bytes, bytes], _Row] = field(default_factory=dict)
    holds: dict[str, _Row] = field(default_factory=dict)
    #: Feeds that may be new.
    new: list[bytes] = field(default_factory=list)


def write(connection: psycopg.Connection, outcomes: Iterable[Outcome], loaded: dict[str, FeedState]) -> None:
    """Write outcomes, in one round trip.

    `loaded` has states as they stand in the database, by their URLs: only differences are written, and what is written
    over is taken out.
    """
    batch = _Batch()
    for outcome in outcomes:
        _add(batch, outcome, loaded)
    recalls = [row for row in batch.recalls.items() if row[1]]
    with connection.pipeline():
        # In the order of the keys, so that two transactions never wait for each other in a circle.
        _execute(connection, _HOLDS, sorted(batch.holds.values()))
        _execute(connection, _FEEDS, sorted(batch.feeds.values()))
        _execute(connection, _KNOWN, [(feed,) for feed in sorted(batch.new)])
        _execute(connection, _STATES, [batch.states[feed] for feed in sorted(batch.states)])
        _execute(connection, _NO_RECALLS, [(feed,) for feed, recall in batch.recalls.items() if not recall])
        _execute(connection, _RECALLS, sorted(recalls))
        _execute(connection, _FORGOTTEN, sorted(batch.forgotten))
        _execute(connection, _SEEN, [batch.seen[key] for key in sorted(batch.seen)])


def forget(connection: psycopg.Connection, urls: Sequence[str]) -> int:
    """Delete all rows of these feeds; return how many of the feeds there were."""
    feeds = [digest_of(url) for url in urls]
    for table in ("states", "recalls", "seen"):
        connection.execute(f"DELETE FROM condget_state.{table} WHERE feed = ANY(%b::bytea[])".encode(), [feeds])
    connection.execute(_UNKNOWN.encode(), [feeds])
    return connection.execute("DELETE FROM condget_state.feeds WHERE feed = ANY(%b::bytea[])", [feeds]).rowcount


def _add(batch: _Batch, outcome: Outcome, loaded: dict[str, FeedState]) -> None:
    state = outcome.state
    if outcome.hold is not None:
        hold, since = outcome.hold, None if state is None else state.last_polled
        before = batch.holds.get(hold.host)
        if before is None or hold.until > before[1]:
            batch.holds[hold.host] = (hold.host, float(hold.until), _storable(hold.reason), since)
    if state is None:
        return
    url = without_userinfo(outcome.url)
    feed = digest_of(url)
    known = loaded.pop(url, None)
    if known is None:
        batch.new.append(feed)
    batch.feeds[feed] = (
        *(feed, url, float(state.next_poll), None if state.last_polled is None else float(state.last_polled)),
        *(state.gone, float(state.interval), _storable(state.reason)),
    )
    if known is None or text_members(known) != text_members(state):
        record = to_record(state)
        for column in COLUMNS:
            record.pop(column, None)
        moved_to = record.get("moved_to")
        batch.states[feed] = (feed, to_text(record), None if moved_to is None else digest_of(moved_to))
    if known is None or known.recall != state.recall:
        batch.recalls[feed] = state.recall
    for key in outcome.forget:
        entry = (feed, digest_of(key))
        batch.seen.pop(entry, None)
        batch.forgotten.add(entry)
    for e in outcome.seen:
        entry = (feed, digest_of(e.key))
        key_bytes = e.key.encode("utf-8", "surrogatepass")
        batch.seen[entry] = (*entry, key_bytes, e.fingerprint, float(e.first_seen), float(e.last_seen))


def _execute(connection: psycopg.Connection, statement: str, rows: Sequence[_Row]) -> None:
    if rows:
        connection.execute(statement.encode(), [list(column) for column in zip(*rows, strict=True)])


def _storable(text: str) -> str:
    """Return words without what PostgreSQL's text cannot hold."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
