"""Rows of the poller's state file: a feed's state, its seen entries and the holds of hosts, and their values.

Only what differs from what was loaded is written, so that a feed without news costs one narrow row.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from condget.feeds.values import FeedState, HostHold, Outcome, SeenEntry
from condget.stores.faults import UnreadableRow, is_instant
from condget.stores.records import COLUMNS, from_record, from_text, text_members, to_record, to_text
from condget.urls import without_userinfo

_Row = tuple[Any, ...]


def to_state(text: str, *columns: Any) -> FeedState:
    """Return the state of a row: its JSON text, then `COLUMNS`.

    Raises:
        UnreadableRow: the columns are not a state.
    """
    record = dict(zip(COLUMNS, columns, strict=True))
    try:
        if type(record["gone"]) is not int:
            raise ValueError("gone is not a number")
        record["gone"] = record["gone"] != 0
        return from_record(from_text(text) | record)
    except (ValueError, TypeError) as error:
        raise UnreadableRow(f"the state of {columns[0]} cannot be read: {error}") from error


def to_seen(key: bytes, fingerprint: str, first_seen: float, last_seen: float) -> SeenEntry:
    """Return the seen entry of a row.

    Raises:
        UnreadableRow: the columns are damaged.
    """
    if not (
        isinstance(key, bytes) and isinstance(fingerprint, str) and is_instant(first_seen) and is_instant(last_seen)
    ):
        raise UnreadableRow("a seen entry cannot be read")
    try:
        return SeenEntry(key.decode("utf-8", "surrogatepass"), fingerprint, first_seen, last_seen)
    except UnicodeDecodeError as error:
        raise UnreadableRow("the key of a seen entry cannot be read") from error


def to_hold(host: str, until: float, reason: str) -> HostHold:
    """Return the hold of a row.

    Raises:
        UnreadableRow: the columns are damaged.
    """
    if not (isinstance(host, str) and isinstance(reason, str) and is_instant(until)):
        raise UnreadableRow("the hold of a host cannot be read")
    return HostHold(host, until, reason)


def url_list(urls: Iterable[str]) -> str:
    """Return URLs as the parameter that `json_each` takes apart."""
    return json.dumps(list(urls))


def _key_bytes(key: str) -> bytes:
    # JSON feeds can hold lone surrogates, which are not UTF-8.
    return key.encode("utf-8", "surrogatepass")


def write(connection: sqlite3.Connection, outcomes: Sequence[Outcome], loaded: dict[str, FeedState]) -> None:
    """Write outcomes; what is in `loaded` is as it stands in the file, and is taken out once it is written over."""
    known: list[_Row] = []
    feeds: list[_Row] = []
    states: list[_Row] = []
    recalls: dict[str, str] = {}
    seen: list[_Row] = []
    forgotten: list[_Row] = []
    for outcome in outcomes:
        state = outcome.state
        if outcome.hold is not None:
            hold, since = outcome.hold, None if state is None else state.last_polled
            connection.execute(
                """INSERT INTO holds VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
                until = excluded.until, reason = excluded.reason, since = excluded.since
                WHERE excluded.until > until""",
                [hold.host, hold.until, hold.reason, since],
            )
        if state is None:
            continue
        url = without_userinfo(outcome.url)
        before = loaded.pop(url, None)
        reason = state.reason.encode("utf-8", "replace").decode()
        row = (state.next_poll, state.last_polled, state.gone, state.interval, reason, url)
        (feeds if before is None else known).append(row)
        if before is None or text_members(before) != text_members(state):
            record = to_record(state)
            for column in COLUMNS:
                record.pop(column, None)
            states.append((url, to_text(record)))
        if before is None or before.recall != state.recall:
            recalls[url] = state.recall
        forgotten += [(url, _key_bytes(key)) for key in outcome.forget]
        seen += [(url, _key_bytes(e.key), e.fingerprint, e.first_seen, e.last_seen) for e in outcome.seen]
    # An insertion reckons with every index, even where it becomes an update.
    updated = connection.executemany(
        "UPDATE feeds SET next_poll = ?, last_polled = ?, gone = ?, interval = ?, reason = ? WHERE url = ?", known
    ).rowcount
    if updated < len(known):  # another run has forgotten a feed
        feeds = known + feeds
    connection.executemany(
        """INSERT INTO feeds (next_poll, last_polled, gone, interval, reason, url) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET next_poll = excluded.next_poll, last_polled = excluded.last_polled,
        gone = excluded.gone, interval = excluded.interval, reason = excluded.reason""",
        feeds,
    )
    parts = (
        ("INSERT OR REPLACE INTO states VALUES (?, ?)", states),
        ("DELETE FROM items WHERE feed = ?", [(url,) for url, text in recalls.items() if not text]),
        ("INSERT OR REPLACE INTO items VALUES (?, ?)", [row for row in recalls.items() if row[1]]),
        ("DELETE FROM seen WHERE feed = ? AND key = ?", forgotten),
        ("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?)", seen),
    )
    urls = {row[0] for _, rows in parts for row in rows}
    ids = dict(
        connection.execute("SELECT value, feeds.id FROM json_each(?) JOIN feeds ON url = value", [url_list(urls)])
    )
    for statement, rows in parts:
        connection.executemany(statement, [(ids[row[0]], *row[1:]) for row in rows])


def forget(connection: sqlite3.Connection, urls: Sequence[str]) -> int:
    """Delete all rows of these feeds; return how many of the feeds there were."""
    ids = connection.execute("SELECT feeds.id FROM json_each(?) JOIN feeds ON url = value", [url_list(urls)]).fetchall()
    for table in ("states", "items", "seen"):
        connection.executemany(f"DELETE FROM {table} WHERE feed = ?", ids)
    connection.executemany("DELETE FROM feeds WHERE id = ?", ids)
    return len(ids)
