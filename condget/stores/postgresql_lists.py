"""Rows of large lists in PostgreSQL: a row for each line, and queries that find the due ones host by host.

Due times are not repeated here: feeds that are due are found in `feeds` by an index, and those that it does not have by
the flag `known`. The hosts of a run stand in their order in a table, so that no session need last as long as the run;
the table is not logged, and a crash of the server ends the run's portions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from condget.stores.postgresql_format import STATE
from condget.stores.postgresql_queries import Rows, digest_of
from condget.stores.protocols import EnrolledFeed
from condget.urls import without_userinfo

if TYPE_CHECKING:
    import psycopg

#: Rows that are written, or keys that are looked up, together.
_BATCH = 5_000

_COLUMNS = "listed.key, listed.host, listed.line, listed.position, listed.open"
_LIST = "(SELECT list FROM condget_state.lists WHERE digest = %(digest)s)"

#: The due time of a feed: NULL for one that is gone, 0 for one that is not known.
_DUE = "CASE WHEN feeds.feed IS NULL THEN 0 WHEN NOT gone THEN next_poll END AS due"

_ALL = f"""
SELECT {_COLUMNS}, listed.site, {_DUE} FROM condget_state.listed LEFT JOIN condget_state.feeds USING (feed)
WHERE list = {_LIST}"""
#: The same, of feeds that may be due; each part has an index of its own.
_MAY_BE_DUE = " UNION ALL ".join(
    [
        *(
            f"""
SELECT {_COLUMNS}, listed.site, next_poll AS due
FROM condget_state.feeds JOIN condget_state.listed USING (feed)
WHERE NOT gone AND {window} AND list = {_LIST}"""
            for window in ("next_poll <= %(now)s", "next_poll > %(latest)s")
        ),
        f"""
SELECT {_COLUMNS}, listed.site, 0 AS due FROM condget_state.listed
WHERE NOT known AND list = {_LIST} AND NOT EXISTS (SELECT FROM condget_state.feeds WHERE feeds.feed = listed.feed)""",
    ]
)

_INSERT = """
INSERT INTO condget_state.listed (list, feed, key, host, site, line, position, open, known)
SELECT %b, given.*, EXISTS (SELECT FROM condget_state.feeds WHERE feeds.feed = given.feed) FROM unnest(
    %b::bytea[], %b::text[], %b::text[], %b::bytea[], %b::bigint[], %b::bigint[], %b::boolean[]
) AS given (feed, key, host, site, line, position, open)
ON CONFLICT DO NOTHING"""


def enrolment(rows: Rows, digest: str) -> str | None:
    found = rows("SELECT remark FROM condget_state.lists WHERE digest = %b", [digest])
    return str(found[0][0]) if found else None


def enrol(
    connection: psycopg.Connection,
    digest: str,
    source: str,
    feeds: Iterable[EnrolledFeed],
    remark: Callable[[], str],
) -> int:
    """Write the lines of a list in place of those of its source; return how many feeds it has."""
    # Coordinators that begin together enrol one after another.
    connection.execute("SELECT pg_advisory_xact_lock(%s, 1)", (STATE.lock % 2**31,))
    former = connection.execute(
        "SELECT list, digest = %(digest)s AND source = %(source)s FROM condget_state.lists "
        "WHERE digest = %(digest)s OR source = %(source)s",
        {"digest": digest, "source": source},
    ).fetchall()
    if len(former) == 1 and former[0][1]:  # another run was quicker
        for _ in feeds:
            pass
        remark()
        return _value(connection, "SELECT count(*) FROM condget_state.listed WHERE list = %s", former[0][0])
    for list_, _ in former:
        connection.execute("DELETE FROM condget_state.listed WHERE list = %s", (list_,))
        connection.execute("DELETE FROM condget_state.lists WHERE list = %s", (list_,))
    number = _value(
        connection,
        "INSERT INTO condget_state.lists (digest, source, remark) VALUES (%s, %s, '') RETURNING list",
        digest,
        source,
    )
    written, remaining = 0, iter(feeds)
    while batch := list(islice(remaining, _BATCH)):
        rows = [
            (digest_of(without_userinfo(f.key)), f.key, f.host, digest_of(f.host), f.line, f.position, f.is_open)
            for f in batch
        ]
        columns = [list(column) for column in zip(*rows, strict=True)]
        written += connection.execute(_INSERT.encode(), [number, *columns]).rowcount
    connection.execute("UPDATE condget_state.lists SET remark = %s WHERE list = %s", (remark(), number))
    connection.execute("ANALYZE condget_state.listed")
    return written


class Turns(NamedTuple):
    """The hosts of one run in their order."""

    run: int
    id: int
    digest: str
    not_due: tuple[float, float] | None

    @property
    def values(self) -> dict[str, Any]:
        """Parameters of queries."""
        now, latest = self.not_due or (None, None)
        return {"run": self.run, "id": self.id, "digest": self.digest, "now": now, "latest": latest}


def take_turns(connection: psycopg.Connection, turns: Turns) -> None:
    """Put the hosts with due feeds in order."""
    found = _ALL if turns.not_due is None else _MAY_BE_DUE
    connection.execute(
        f"""INSERT INTO condget_state.turns (run, id, turn, site, host, feeds)
        SELECT %(run)s, %(id)s, row_number() OVER (ORDER BY min(due) NULLS LAST, min(line)), site, min(host), count(*)
        FROM ({found}) AS listed GROUP BY site""".encode(),
        turns.values,
    )


def next_hosts(rows: Rows, turns: Turns, after: int, feeds: int) -> dict[int, str]:
    """Return the hosts of a portion that begins behind a turn, by their turns."""
    found: dict[int, str] = {}
    for turn, host, number in rows(
        "SELECT turn, host, feeds FROM condget_state.turns WHERE run = %(run)s AND id = %(id)s AND turn > %(after)s "
        "ORDER BY turn LIMIT %(feeds)s",
        turns.values | {"after": after, "feeds": feeds},
    ):
        found[turn] = host
        feeds -= number
        if feeds <= 0:
            break
    return found


def portion(rows: Rows, turns: Turns, hosts: Sequence[int]) -> Sequence[EnrolledFeed]:
    """Return the feeds of the hosts of these turns that are due still."""
    due = "feeds.feed IS NULL OR (NOT gone AND (next_poll <= %(now)s OR next_poll > %(latest)s))"
    found = rows(
        f"""SELECT {_COLUMNS} FROM condget_state.turns
        JOIN condget_state.listed ON list = {_LIST} AND listed.site = turns.site
        LEFT JOIN condget_state.feeds ON feeds.feed = listed.feed
        WHERE run = %(run)s AND id = %(id)s AND turn = ANY(%(turns)s::bigint[])
        AND ({"true" if turns.not_due is None else due}) ORDER BY turn, line""",
        turns.values | {"turns": list(hosts)},
    )
    return [EnrolledFeed(*row) for row in found]


def drop_turns(connection: psycopg.Connection, turns: Turns) -> None:
    connection.execute(
        "DELETE FROM condget_state.turns WHERE run = %(run)s AND id = %(id)s", {"run": turns.run, "id": turns.id}
    )


def overdue(
    connection: psycopg.Connection, digest: str, feeds: int, not_due: tuple[float, float]
) -> Iterator[Sequence[EnrolledFeed]]:
    now, latest = not_due
    with connection.transaction(), connection.cursor("condget_overdue") as cursor:
        cursor.execute(
            f"SELECT key, host, line, position, open FROM ({_MAY_BE_DUE}) AS listed ORDER BY due, line".encode(),
            {"digest": digest, "now": now, "latest": latest},
        )
        while page := cursor.fetchmany(feeds):
            yield [EnrolledFeed(*row) for row in page]


def enrolled(rows: Rows, digest: str, keys: Iterable[str]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    remaining = iter(keys)
    while batch := list(islice(remaining, _BATCH)):
        found |= rows(
            f"SELECT key, open FROM condget_state.listed WHERE feed = ANY(%(feeds)s::bytea[]) AND list = {_LIST}",
            {"digest": digest, "feeds": [digest_of(without_userinfo(key)) for key in batch]},
        )
    return found


def enrolled_at(rows: Rows, digest: str, hosts: Iterable[str]) -> Iterator[str]:
    remaining = iter(hosts)
    while batch := list(islice(remaining, _BATCH)):
        for (key,) in rows(
            f"SELECT key FROM condget_state.listed WHERE list = {_LIST} AND site = ANY(%(sites)s::bytea[]) AND open",
            {"digest": digest, "sites": list(map(digest_of, batch))},
        ):
            yield key


def _value(connection: psycopg.Connection, query: str, *values: object) -> int:
    row: Any = connection.execute(query.encode(), values).fetchone()
    number: int = row[0]
    return number
