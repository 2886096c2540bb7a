"""Rows of large lists in the state file: a row for each line, and queries that find the due ones host by host.

A run over a million feeds asks for a portion at a time, and reads no row of a feed that is not due.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, islice
from typing import Any, NamedTuple

from condget.stores.feed_rows import url_list
from condget.stores.ledger_queries import Rows
from condget.stores.protocols import EnrolledFeed

#: Rows that are written, or keys that are looked up, together.
_BATCH = 5_000

#: The cache while a list is written, in kibibytes: its keys come in no order.
_CACHE = 32 << 10

#: The due time of a feed by its key: NULL for one that is gone, 0 for one that is not known.
_DUE = "nullif(ifnull((SELECT iif(gone, -1, next_poll) FROM feeds WHERE url = {key}), 0), -1)"

#: Behind every instant.
_NEVER = float("inf")
_COLUMNS = "listed.key, listed.host, line, position, open"
_turns = count()


def enrolment(rows: Rows, digest: str) -> str | None:
    matches = rows("SELECT remark FROM lists WHERE digest = ?", [digest])
    return str(matches[0][0]) if matches else None


def source_of(rows: Rows, digest: str) -> str | None:
    matches = rows("SELECT source FROM lists WHERE digest = ?", [digest])
    return str(matches[0][0]) if matches else None


def enrol(
    connection: sqlite3.Connection, digest: str, source: str, feeds: Iterable[EnrolledFeed], remark: Callable[[], str]
) -> int:
    """Write the lines of a list in place of those of its source; return how many feeds it has."""
    former = connection.execute("SELECT id FROM lists WHERE source = ? OR digest = ?", [source, digest]).fetchall()
    ((lists,),) = connection.execute("SELECT count(*) FROM lists").fetchall()
    if lists == len(former):
        connection.execute("DELETE FROM listed")  # SQLite frees the pages without a look at the rows
    for list_ in former:
        connection.execute("DELETE FROM listed WHERE list = ?", list_)
        connection.execute("DELETE FROM lists WHERE id = ?", list_)
    number = connection.execute(
        "INSERT INTO lists (digest, source, remark) VALUES (?, ?, '')", [digest, source]
    ).lastrowid
    before = connection.total_changes
    connection.execute(f"PRAGMA cache_size = -{_CACHE}")
    remaining = iter(feeds)
    while batch := list(islice(remaining, _BATCH)):
        connection.executemany(
            f"""INSERT OR IGNORE INTO listed (list, key, host, line, position, open, due)
            VALUES (?, ?, ?, ?, ?, ?, {_DUE.format(key="?2")})""",
            [(number, *feed) for feed in batch],
        )
    feeds_written = connection.total_changes - before
    connection.execute("UPDATE lists SET remark = ? WHERE id = ?", [remark(), number])
    connection.execute("PRAGMA cache_size = -2000")
    return feeds_written


def note_due(connection: sqlite3.Connection, due: Iterable[tuple[float | None, str]]) -> None:
    """Repeat the due times of feeds, by their keys, where large lists have them; short lists pay nothing."""
    if connection.execute("SELECT 1 FROM lists LIMIT 1").fetchone():
        connection.executemany("UPDATE listed SET due = ? WHERE key = ?", due)


def note_all_due(connection: sqlite3.Connection) -> None:
    """Repeat the due times of all feeds."""
    connection.execute(f"UPDATE listed SET due = {_DUE.format(key='key')}")


class Turns(NamedTuple):
    """The hosts of one run in their order, in a table that lives as long as the connection."""

    table: str
    digest: str
    not_due: tuple[float, float] | None


def is_any_due(rows: Rows, digest: str, not_due: tuple[float, float] | None) -> bool:
    """Whether a list has a feed that may be due."""
    ranges, values = _ranges(rows, digest, not_due)
    return any(rows(f"SELECT 1 FROM listed WHERE {range_} LIMIT 1", values) for range_ in ranges)


def take_turns(rows: Rows, digest: str, not_due: tuple[float, float] | None) -> Turns:
    """Put the hosts with due feeds in order."""
    ranges, values = _ranges(rows, digest, not_due)
    table = f"temp.turns_{next(_turns)}"
    rows(f"CREATE TEMP TABLE {table.partition('.')[2]} (id INTEGER PRIMARY KEY, host TEXT, feeds INTEGER)")
    due = " UNION ALL ".join(f"SELECT id, host, due FROM listed WHERE {range_}" for range_ in ranges)
    rows(
        f"""INSERT INTO {table} (host, feeds) SELECT host, count(*) FROM ({due})
        GROUP BY host ORDER BY ifnull(min(due), 9e999), min(id)""",
        values,
    )
    return Turns(table, digest, not_due)


def _ranges(
    rows: Rows, digest: str, not_due: tuple[float, float] | None
) -> tuple[Sequence[str], dict[str, float | None]]:
    """Return the conditions of feeds that may be due, of which an index finds each, and their parameters."""
    lists = rows("SELECT id FROM lists WHERE digest = ?", [digest])
    list_ = {"list": lists[0][0] if lists else None}
    if not_due is None:
        return ["list = :list"], list_
    ranges = ["list = :list AND due <= :now", "list = :list AND due > :latest"]
    return ranges, list_ | {"now": not_due[0], "latest": not_due[1]}


def next_hosts(rows: Rows, turns: Turns, after: int, feeds: int) -> int | None:
    """Return the last turn of a portion that begins behind a turn; None: there are no more."""
    last = None
    for id_, number in rows(f"SELECT id, feeds FROM {turns.table} WHERE id > ? ORDER BY id LIMIT ?", [after, feeds]):
        last, feeds = id_, feeds - number
        if feeds <= 0:
            break
    return last


def portion(rows: Rows, turns: Turns, after: int, last: int) -> Sequence[EnrolledFeed]:
    """Return the feeds of the hosts of these turns that are due still."""
    where, values = "", [turns.digest, after, last]
    if turns.not_due is not None:
        where = "AND (due <= ? OR due > ?)"
        values += turns.not_due
    return _feeds(
        rows(
            f"""SELECT {_COLUMNS} FROM {turns.table} AS turn CROSS JOIN listed INDEXED BY listed_hosts
            ON list = (SELECT id FROM lists WHERE digest = ?) AND listed.host = turn.host
            WHERE turn.id > ? AND turn.id <= ? {where} ORDER BY turn.id, listed.id""",
            values,
        )
    )


def drop_turns(rows: Rows, turns: Turns) -> None:
    rows(f"DROP TABLE IF EXISTS {turns.table}")


def overdue(rows: Rows, digest: str, feeds: int, not_due: tuple[float, float]) -> Iterator[Sequence[EnrolledFeed]]:
    now, latest = not_due
    query = f"""SELECT {_COLUMNS}, due, listed.id FROM listed INDEXED BY listed_due
        WHERE list = (SELECT id FROM lists WHERE digest = ?) AND """
    for lowest, highest in ((-1.0, now), (latest, _NEVER)):
        due, last = lowest, 0
        while True:
            # Many feeds may be due at the same time: an index finds the rest of those, but not the two at once.
            together = f"{query} due = ? AND listed.id > ? ORDER BY id LIMIT ?"
            matches = rows(together, [digest, due, last, feeds]) if due > lowest else []
            if len(matches) < feeds:
                later = f"{query} due > ? AND due <= ? ORDER BY due, id LIMIT ?"
                matches += rows(later, [digest, due, highest, feeds - len(matches)])
            if not matches:
                break
            yield _feeds([match[:5] for match in matches])
            due, last = matches[-1][5:]


def enrolled(rows: Rows, digest: str, keys: Iterable[str]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    remaining = iter(keys)
    while batch := list(islice(remaining, _BATCH)):
        matches = rows(
            """SELECT listed.key, open FROM json_each(?) CROSS JOIN listed ON listed.key = value
            WHERE list = (SELECT id FROM lists WHERE digest = ?)""",
            [url_list(batch), digest],
        )
        found |= {key: is_open != 0 for key, is_open in matches}
    return found


def enrolled_at(rows: Rows, digest: str, hosts: Iterable[str]) -> Iterator[str]:
    remaining = iter(hosts)
    while batch := list(islice(remaining, _BATCH)):
        for (key,) in rows(
            """SELECT listed.key FROM json_each(?) CROSS JOIN listed INDEXED BY listed_hosts
            ON list = (SELECT id FROM lists WHERE digest = ?) AND host = value WHERE open""",
            [url_list(batch), digest],
        ):
            yield key


def _feeds(matches: Iterable[tuple[Any, ...]]) -> list[EnrolledFeed]:
    return [EnrolledFeed(key, host, line, position, is_open != 0) for key, host, line, position, is_open in matches]
