"""Queries of the state file, shared by the ledger and its reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from condget.feeds.pace import Due
from condget.stores.faults import UnreadableRow, is_instant
from condget.stores.ledger_format import MOVED, RESPELT
from condget.urls import canonical, without_userinfo

if TYPE_CHECKING:
    from condget.feeds.values import FeedState, HostHold, SeenEntry

#: Runs a query with its parameters and returns all rows.
Rows = Callable[..., list[Any]]

#: To look up one URL costs as much as to read so many rows in a row.
_ROWS_A_LOOKUP = 2


def due(rows: Rows, urls: Sequence[str]) -> Mapping[str, Due]:
    wanted = {without_userinfo(url): url for url in urls}
    ((last,),) = rows("SELECT max(id) FROM feeds") or [(None,)]
    if not last:
        return {}
    every = len(wanted) * _ROWS_A_LOOKUP >= last
    known = _due_of(rows("SELECT url, next_poll, reason, gone FROM feeds"), wanted) if every else {}
    # One by one, also those that were not met: a damaged row may be found by the index alone.
    if len(known) < len(wanted):
        from condget.stores.feed_rows import url_list

        missing = [url for url in wanted if wanted[url] not in known]
        query = "SELECT value, next_poll, reason, gone FROM json_each(?) JOIN feeds ON url = value"
        known |= _due_of(rows(query, [url_list(missing)]), wanted)
    return known


def _due_of(matches: Sequence[tuple[Any, ...]], wanted: Mapping[str, str]) -> dict[str, Due]:
    _check_types(matches, {1: float, 2: str})
    return {wanted[url]: Due(at, why, gone != 0) for url, at, why, gone in matches if url in wanted}


def holds(rows: Rows) -> Mapping[str, HostHold]:
    matches = rows("SELECT host, until, reason FROM holds")
    if not matches:
        return {}
    from condget.stores.feed_rows import to_hold

    return {row[0]: to_hold(*row) for row in matches}


def urls(rows: Rows) -> Sequence[str]:
    matches = rows("SELECT url FROM feeds ORDER BY url")
    _check_types(matches, {0: str})
    return [url for (url,) in matches]


def moves(rows: Rows, urls: Sequence[str]) -> Mapping[str, str]:
    # Most states have no feed that moved, and a first run asks for all feeds of its list.
    if not rows(f"SELECT 1 FROM states WHERE {MOVED} LIMIT 1"):
        return {}
    from condget.stores.feed_rows import url_list

    wanted = {without_userinfo(url): url for url in urls}
    matches = rows(
        f"""SELECT value, url FROM json_each(?) CROSS JOIN states INDEXED BY moves
        ON json_extract(state, '$.moved_to') = value JOIN feeds ON feeds.id = feed
        WHERE {MOVED} ORDER BY last_polled""",
        [url_list(wanted)],
    )
    _check_types(matches, {1: str})
    return {wanted[target]: url for target, url in matches}


def spellings(rows: Rows) -> Mapping[str, str]:
    matches = rows(f"SELECT url FROM feeds INDEXED BY respelt WHERE {RESPELT}")
    _check_types(matches, {0: str})
    return {form: url for (url,) in matches if (form := canonical(url)) != url}


def load(rows: Rows, urls: Sequence[str]) -> Mapping[str, FeedState]:
    from condget.stores.feed_rows import to_state, url_list

    wanted = {without_userinfo(url): url for url in urls}
    # Every feed has a state: one that is not found is damage, too.
    matches = rows(
        """SELECT state, value, next_poll, last_polled, gone, interval, reason, coalesce(items, '')
        FROM json_each(?) JOIN feeds ON url = value LEFT JOIN states ON states.feed = feeds.id
        LEFT JOIN items ON items.feed = feeds.id""",
        [url_list(wanted)],
    )
    return {wanted[url]: to_state(text, wanted[url], *columns) for text, url, *columns in matches}


def seen(rows: Rows, url: str) -> Mapping[str, SeenEntry]:
    from condget.stores.feed_rows import to_seen

    matches = rows(
        """SELECT key, fingerprint, first_seen, last_seen FROM seen
        WHERE feed = (SELECT id FROM feeds WHERE url = ?)""",
        [without_userinfo(url)],
    )
    entries = (to_seen(*row) for row in matches)
    return {entry.key: entry for entry in entries}


def last_reached(rows: Rows) -> float:
    ((at,),) = rows("SELECT max(last_polled) FROM feeds") or [(None,)]
    if at is not None and not is_instant(at):
        raise UnreadableRow("the instant of a poll cannot be read")
    return at or 0.0


def polled_after(rows: Rows, now: float) -> list[tuple[int, float, float]]:
    """Return (id, next_poll, last_polled) of the feeds that were polled after an instant."""
    matches = rows("SELECT id, next_poll, last_polled FROM feeds WHERE last_polled > ?", [now])
    if not all(is_instant(next_poll) and is_instant(last_polled) for _, next_poll, last_polled in matches):
        raise UnreadableRow("the instant of a poll cannot be read")
    return matches


def _check_types(matches: Sequence[tuple[Any, ...]], types: Mapping[int, type]) -> None:
    """Make sure that columns of rows, by number, hold what condget writes to them."""
    for column, expected in types.items():
        if not set(map(type, map(itemgetter(column), matches))) <= {expected}:
            raise UnreadableRow("a row of the state holds a value of another type")
