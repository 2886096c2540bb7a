"""The SQLite files of condget: their owner, version and transactions (F11)."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from condget.errors import ForeignFile, NewerState
from condget.stores.faults import UnreadableRow
from condget.stores.sqlite_file import Format, check_ours, connect, transaction, upgrade, version_of

KIND = Format("test file", 0x74657374, (("CREATE TABLE a (x)",), ("CREATE TABLE b (x)", "INSERT INTO b VALUES (1)")))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.sqlite3"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    path.touch()
    with contextlib.closing(connect(path, "mode=rw", 1.0)) as connection:
        yield connection


def test_a_new_file_is_brought_to_the_present_version(connection: sqlite3.Connection, path: Path) -> None:
    assert version_of(connection, path, KIND) == 0
    upgrade(connection, path, KIND)
    assert version_of(connection, path, KIND) == 2
    check_ours(path, KIND)


def test_an_older_file_is_upgraded_and_keeps_what_it_holds(connection: sqlite3.Connection, path: Path) -> None:
    """B6"""
    upgrade(connection, path, replace(KIND, steps=KIND.steps[:1]))
    connection.execute("INSERT INTO a VALUES (5)")
    assert version_of(connection, path, KIND) == 1
    upgrade(connection, path, KIND)
    upgrade(connection, path, KIND)
    assert connection.execute("SELECT * FROM a, b").fetchall() == [(5, 1)]


@pytest.mark.parametrize(
    ("statements", "error"),
    [
        (["PRAGMA application_id = 1"], ForeignFile),
        (["PRAGMA application_id = 0"], ForeignFile),
        (["PRAGMA application_id = -5"], ForeignFile),
        (["PRAGMA user_version = 3"], NewerState),
        (["PRAGMA user_version = 999"], NewerState),
        # One byte is wrong: the file is ours, and damaged.
        ([f"PRAGMA application_id = {0x74657374 ^ 0x2000}"], UnreadableRow),
        (["PRAGMA user_version = 0"], UnreadableRow),
        (["PRAGMA user_version = -1"], UnreadableRow),
        ([f"PRAGMA user_version = {2 | 1 << 24}"], UnreadableRow),
        (["DROP TABLE a"], UnreadableRow),
        (["ALTER TABLE a RENAME COLUMN x TO y"], UnreadableRow),
    ],
)
def test_a_header_says_whose_a_file_is(
    connection: sqlite3.Connection, path: Path, statements: list[str], error: type[Exception]
) -> None:
    """F11"""
    upgrade(connection, path, KIND)
    for statement in statements:
        connection.execute(statement)
    with pytest.raises(error):
        version_of(connection, path, KIND)


def test_tables_that_somebody_added_are_no_damage(connection: sqlite3.Connection, path: Path) -> None:
    upgrade(connection, path, KIND)
    connection.execute("CREATE INDEX mine ON a (x)")
    assert version_of(connection, path, KIND) == 2


@pytest.mark.parametrize(
    ("at", "data", "ours"),
    [(0, b"s", True), (15, b"x", True), (70, b"x", True), (0, b"sq", False), (69, b"xx", False), (30, b"x" * 30, True)],
)
def test_of_a_header_one_byte_may_be_wrong(
    connection: sqlite3.Connection, path: Path, at: int, data: bytes, ours: bool
) -> None:
    """F11"""
    upgrade(connection, path, KIND)
    connection.close()
    content = bytearray(path.read_bytes())
    content[at : at + len(data)] = data
    path.write_bytes(content)
    with contextlib.nullcontext() if ours else pytest.raises(ForeignFile, match="is not a test file of condget"):
        check_ours(path, KIND)


@pytest.mark.parametrize("content", [b"", b"x", b"SQLite format 3\0", b"https://example.org/feed.xml\n" * 9])
def test_a_file_without_such_a_header_is_not_ours(path: Path, content: bytes) -> None:
    """F11"""
    path.write_bytes(content)
    with pytest.raises(ForeignFile):
        check_ours(path, KIND)


def test_a_transaction_that_fails_writes_nothing(connection: sqlite3.Connection, path: Path) -> None:
    """B7"""
    upgrade(connection, path, KIND)
    with contextlib.suppress(RuntimeError), transaction(connection):
        connection.execute("DELETE FROM b")
        raise RuntimeError
    assert connection.execute("SELECT count(*) FROM b").fetchall() == [(1,)]
    with transaction(connection):
        connection.execute("DELETE FROM b")
    assert connection.execute("SELECT count(*) FROM b").fetchall() == [(0,)]
