"""The questions that a state file answers, for whoever has a way to run a query: the ledger and its reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from condget.feeds.pace import Due
from condget.stores.ledger_format import MOVED
from condget.urls import without_userinfo

if TYPE_CHECKING:
    from condget.feeds.values import FeedState, HostHold, SeenEntry

#: Runs a query with its parameters and returns all rows.
Rows = Callable[..., list[Any]]

#: To look up one URL costs as much as to read so many rows in a row.
_ROWS_A_LOOKUP = 2


def due(rows: Rows, urls: Sequence[str]) -> Mapping[str, Due]:
    columns = "feeds.url, next_poll, reason, gone"
    wanted = {without_userinfo(url): url for url in urls}
    ((last,),) = rows("SELECT max(id) FROM feeds") or [(None,)]
    if len(wanted) * _ROWS_A_LOOKUP >= (last or 0):
        found = rows(f"SELECT {columns} FROM feeds")
    else:
        from condget.stores.feed_rows import url_list

        found = rows(f"SELECT {columns} FROM json_each(?) JOIN feeds ON url = value", [url_list(wanted)])
    return {wanted[url]: Due(at, why, gone != 0) for url, at, why, gone in found if url in wanted}


def holds(rows: Rows) -> Mapping[str, HostHold]:
    found = rows("SELECT host, until, reason FROM holds")
    if not found:
        return {}
    from condget.feeds.values import HostHold

    return {row[0]: HostHold(*row) for row in found}


def urls(rows: Rows) -> Sequence[str]:
    return [url for (url,) in rows("SELECT url FROM feeds ORDER BY url")]


def moves(rows: Rows) -> Mapping[str, str]:
    return dict(
        rows(
            f"""SELECT json_extract(state, '$.moved_to') AS target, url FROM states JOIN feeds ON id = feed
            WHERE {MOVED} AND target IS NOT NULL ORDER BY last_polled"""
        )
    )


def load(rows: Rows, urls: Sequence[str]) -> Mapping[str, FeedState]:
    from condget.stores.feed_rows import to_state, url_list

    wanted = {without_userinfo(url): url for url in urls}
    found = rows(
        """SELECT state, url, next_poll, last_polled, gone, interval, reason, coalesce(items, '')
        FROM json_each(?) JOIN feeds ON url = value JOIN states ON states.feed = feeds.id
        LEFT JOIN items ON items.feed = feeds.id""",
        [url_list(wanted)],
    )
    return {wanted[url]: to_state(text, wanted[url], *columns) for text, url, *columns in found}


def seen(rows: Rows, url: str) -> Mapping[str, SeenEntry]:
    from condget.stores.feed_rows import to_seen

    found = rows(
        """SELECT key, fingerprint, first_seen, last_seen FROM seen
        WHERE feed = (SELECT id FROM feeds WHERE url = ?)""",
        [without_userinfo(url)],
    )
    entries = (to_seen(*row) for row in found)
    return {entry.key: entry for entry in entries}


def last_reached(rows: Rows) -> float:
    return max((at or 0.0 for (at,) in rows("SELECT max(last_polled) FROM feeds")), default=0.0)
