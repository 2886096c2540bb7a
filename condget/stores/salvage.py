"""Salvage: a damaged state file is replaced by what can be read of it, row by row (F11).

A row that cannot be read costs its feed, which is new once. The damaged file is set aside whole, as it was found. A
file that is in order is left where it is: a disk that fails to read once has damaged nothing.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from condget.shown import address
from condget.stores.faults import UNREADABLE, UnreadableRow
from condget.stores.feed_rows import to_hold, to_seen, to_state
from condget.stores.files import make_file, put_in_place
from condget.stores.ledger_format import BUSY, STATE
from condget.stores.sqlite_file import (
    check_may_be_written,
    check_ours,
    connect,
    connect_for_reading,
    transaction,
    upgrade,
    version_of,
)

_LARGEST_ID = 2**63 - 1
_NAMES_SHOWN = 10

#: A feed as its rows have it: its row of `feeds`, its state, its items, its seen entries.
_Feed = tuple[tuple[Any, ...], str, str | None, list[tuple[Any, ...]]]


@dataclass(slots=True)
class _Salvaged:
    """How many feeds were kept, and the names of the others as far as they can be read."""

    kept: int = 0
    lost: list[str] = field(default_factory=list)
    #: Whether rows were lost of which not even the name is known.
    nameless: bool = False


def mend(path: Path, now: float) -> str | None:
    """Replace a damaged state file by what can be read of it; the caller holds the lock, and no connection.

    Returns:
        What the user should be told; None where the file is in order.

    Raises:
        ForeignFile: it is not a state file.
        OSError: the disk does not let it be read, or there is no space; it stays where it is.
        sqlite3.Error: the new file cannot be written; the damaged one stays where it is.
    """
    check_ours(path, STATE)
    _read_through(path)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    try:
        salvaged = _rewritten(path, fresh)
        if salvaged is None:
            return None
        aside = put_in_place(fresh, path, now)
    finally:
        fresh.unlink(missing_ok=True)
    return f"The state file {path} was damaged; it was set aside as {aside}. {_consequence(salvaged)}"


def _consequence(salvaged: _Salvaged) -> str:
    names = [address(url) for url in salvaged.lost[:_NAMES_SHOWN]]
    if len(salvaged.lost) > _NAMES_SHOWN:
        names.append(f"{len(salvaged.lost) - _NAMES_SHOWN} more")
    if salvaged.nameless:
        names.append("feeds whose names cannot be read")
    if not salvaged.kept:
        return "Nothing in it could be read: every feed will be new once."
    if not names:
        return "Every feed in it could be read and was kept."
    return f"All other feeds were kept; new once: {', '.join(names)}."


def _read_through(path: Path) -> None:
    """Have the disk read every byte: SQLite reports an error of the disk as damage.

    Raises:
        OSError: it cannot.
    """
    for part in (path, Path(f"{path}-wal")):
        if part.exists():
            with part.open("rb") as file:
                while file.read(1 << 20):
                    pass


def _rewritten(path: Path, fresh: Path) -> _Salvaged | None:
    """Write what can be read into a new file; None: nothing is wrong."""
    make_file(fresh)
    with contextlib.closing(connect(fresh, "mode=rw", BUSY)) as target:
        upgrade(target, fresh, STATE)
        with contextlib.closing(connect_for_reading(path, BUSY)[0]) as source, transaction(target):
            source.text_factory = _text
            # Where the schema itself is damaged, what is left of it is used.
            source.execute("PRAGMA writable_schema = ON")
            salvaged = _copied(source, target)
        if not salvaged.lost and not salvaged.nameless and _is_in_order(path):
            return None
    return salvaged


def _text(raw: bytes) -> str | bytes:
    """Return a text, or the bytes if they are not UTF-8; no reader takes bytes."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw


def _copied(source: sqlite3.Connection, target: sqlite3.Connection) -> _Salvaged:
    salvaged = _Salvaged()
    for row in _rows_by_id(source, "SELECT id, url, next_poll, last_polled, gone, interval, reason FROM feeds"):
        if row is None:
            salvaged.nameless = True
            continue
        try:
            feed = _read_feed(source, row)
        except UNREADABLE:
            url = row[1]
            salvaged.lost.append(url if isinstance(url, str) else bytes(url or b"?").decode("utf-8", "replace"))
        else:
            salvaged.kept += _write_feed(target, feed)
    with contextlib.suppress(*UNREADABLE):
        for row in source.execute("SELECT host, until, reason, since FROM holds"):
            with contextlib.suppress(UnreadableRow):
                to_hold(*row[:3])
                target.execute("INSERT OR IGNORE INTO holds VALUES (?, ?, ?, ?)", row)
    return salvaged


def _rows_by_id(source: sqlite3.Connection, query: str) -> Iterator[tuple[Any, ...] | None]:
    """Yield the rows of a query in the order of their ids, and None for each page that cannot be read."""
    after, stride = -1, 1
    while after < _LARGEST_ID:
        try:
            for row in source.execute(f"{query} WHERE id > ? ORDER BY id", [after]):
                yield row
                after, stride = row[0], 1
            return
        except UNREADABLE:
            yield None
            # Go on behind the damage, which is of unknown length.
            after, stride = min(after + stride, _LARGEST_ID), stride * 2


def _read_feed(source: sqlite3.Connection, row: tuple[Any, ...]) -> _Feed:
    """Return all rows of a feed.

    Raises:
        UnreadableRow: one of them holds no such value.
        sqlite3.Error: one of them cannot be read.
    """
    feed, *columns = row
    states = source.execute("SELECT state FROM states WHERE feed = ?", [feed]).fetchall()
    items = source.execute("SELECT items FROM items WHERE feed = ?", [feed]).fetchall()
    seen = source.execute("SELECT * FROM seen WHERE feed = ?", [feed]).fetchall()
    if not states:
        raise UnreadableRow("it has no state")
    to_state(states[0][0], *columns, items[0][0] if items else "")
    for _, *entry in seen:
        to_seen(*entry)
    return row, states[0][0], items[0][0] if items else None, seen


def _write_feed(target: sqlite3.Connection, feed: _Feed) -> bool:
    """Write the rows of a feed; False: its URL is there already."""
    row, state, items, seen = feed
    columns = "id, url, next_poll, last_polled, gone, interval, reason"
    if not target.execute(f"INSERT OR IGNORE INTO feeds ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row).rowcount:
        return False
    target.execute("INSERT INTO states VALUES (?, ?)", [row[0], state])
    if items is not None:
        target.execute("INSERT INTO items VALUES (?, ?)", [row[0], items])
    target.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?, ?)", seen)
    return True


def _is_in_order(path: Path) -> bool:
    """Whether a file whose rows can all be read is in order otherwise: header, tables, pages, indexes."""
    try:
        with contextlib.closing(connect_for_reading(path, BUSY)[0]) as connection:
            version_of(connection, path, STATE)
            intact = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        check_may_be_written(path)
        return intact
    except UNREADABLE:
        return False
