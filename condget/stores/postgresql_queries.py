"""Queries of the poller's state in PostgreSQL, shared by the ledger and its reader."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from condget.feeds.pace import Due
from condget.feeds.values import FeedState, HostHold, SeenEntry
from condget.stores.postgresql_format import RESPELT
from condget.stores.records import COLUMNS, from_record, from_text
from condget.urls import canonical, without_userinfo

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Runs a query with its parameters and returns all rows.
Rows = Callable[..., list[Any]]

_DIGEST_SIZE = 16


def digest_of(text: str) -> bytes:
    """Return the digest by which a URL, the key of an entry or a host is found."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_SIZE).digest()


def digests_of(urls: Iterable[str]) -> dict[bytes, str]:
    """Return URLs by the digests of what is stored of them, which is never their userinfo."""
    return {digest_of(without_userinfo(url)): url for url in urls}


def due(rows: Rows, urls: Sequence[str]) -> Mapping[str, Due]:
    wanted = digests_of(urls)
    found = rows(
        "SELECT feed, next_poll, reason, gone FROM condget_state.feeds WHERE feed = ANY(%b::bytea[])", [list(wanted)]
    )
    return {wanted[feed]: Due(at, why, gone) for feed, at, why, gone in found}


def holds(rows: Rows) -> Mapping[str, HostHold]:
    return {row[0]: HostHold(*row) for row in rows("SELECT host, until, reason FROM condget_state.holds")}


def urls(rows: Rows) -> Sequence[str]:
    return [url for (url,) in rows("SELECT url FROM condget_state.feeds ORDER BY url")]


def moves(rows: Rows, urls: Sequence[str]) -> Mapping[str, str]:
    wanted = digests_of(urls)
    found = rows(
        """SELECT moved, url FROM condget_state.states JOIN condget_state.feeds USING (feed)
        WHERE moved = ANY(%b::bytea[]) ORDER BY last_polled NULLS FIRST""",
        [list(wanted)],
    )
    return {wanted[moved]: url for moved, url in found}


def spellings(rows: Rows) -> Mapping[str, str]:
    found = rows(f"SELECT url FROM condget_state.feeds WHERE {RESPELT}")
    return {form: url for (url,) in found if (form := canonical(url)) != url}


def load(rows: Rows, urls: Sequence[str]) -> Mapping[str, FeedState]:
    wanted = digests_of(urls)
    found = rows(
        """SELECT feed, state, next_poll, last_polled, gone, interval_seconds, reason, coalesce(recall, '')
        FROM condget_state.feeds JOIN condget_state.states USING (feed) LEFT JOIN condget_state.recalls USING (feed)
        WHERE feed = ANY(%b::bytea[])""",
        [list(wanted)],
    )
    return {
        wanted[feed]: from_record(from_text(state) | dict(zip(COLUMNS, (wanted[feed], *columns), strict=True)))
        for feed, state, *columns in found
    }


def seen(rows: Rows, url: str) -> Mapping[str, SeenEntry]:
    found = rows(
        "SELECT key, fingerprint, first_seen, last_seen FROM condget_state.seen WHERE feed = %b",
        [digest_of(without_userinfo(url))],
    )
    entries = (SeenEntry(key.decode("utf-8", "surrogatepass"), *facts) for key, *facts in found)
    return {entry.key: entry for entry in entries}


def last_reached(rows: Rows) -> float:
    ((at,),) = rows("SELECT max(last_polled) FROM condget_state.feeds")
    return at or 0.0
