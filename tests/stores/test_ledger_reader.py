"""The reader of the state file: it writes not one byte, and sees what a run commits meanwhile (F10)."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from condget.errors import ForeignFile, StoreError
from condget.stores.ledger import SqliteLedger
from condget.stores.ledger_reader import SqliteLedgerReader
from tests.stores.ledger_contract import STATE, URL, outcome
from tests.stores.support import directory, run_and_kill


def test_a_missing_file_reads_as_empty_and_nothing_is_made(path: Path) -> None:
    """F10"""
    with SqliteLedgerReader(path) as ledger:
        assert (ledger.due([URL]), ledger.urls(), ledger.holds()) == ({}, [], {})
    assert not path.parent.exists()


def test_not_one_byte_is_written(filled: Path) -> None:
    """F10"""
    before = directory(filled)
    assert list(before) == ["feeds.sqlite3"]
    with SqliteLedgerReader(filled) as ledger:
        assert ledger.load([URL]) == {URL: STATE}
        assert directory(filled) == before
    assert directory(filled) == before


def test_what_a_killed_run_left_is_read_and_left_as_it_is(path: Path) -> None:
    """F10, B7"""
    run_and_kill(path, "ledger.commit([outcome()])")
    before = directory(path)
    assert len(before) == 3
    with SqliteLedgerReader(path) as ledger:
        assert set(ledger.due([URL])) == {URL}
    assert directory(path) == before


@pytest.mark.parametrize("length", [0, 1, 32, 33, 32 + 24 + 4096])
def test_a_run_killed_while_it_wrote_its_log_stops_no_other(filled: Path, length: int) -> None:
    """F10, B7: the log as the kill may leave it, from nothing to a first page without the commit."""
    run_and_kill(filled, "ledger.commit([outcome(title='x' * 9000)])")
    os.truncate(f"{filled}-wal", length)
    before = directory(filled)
    with SqliteLedgerReader(filled) as ledger:
        assert ledger.load([URL]) == {URL: STATE}
    assert directory(filled) == before
    with SqliteLedger(filled) as ledger:
        assert ledger.load([URL]) == {URL: STATE}
        ledger.commit([outcome()])
        assert ledger.load([URL]) == {URL: outcome().state}


def test_a_log_without_its_index_can_be_read(path: Path) -> None:
    run_and_kill(path, "ledger.commit([outcome()])")
    Path(f"{path}-shm").unlink()
    with SqliteLedgerReader(path) as ledger:
        assert set(ledger.due([URL])) == {URL}


def test_readers_see_what_a_run_commits_meanwhile(filled: Path) -> None:
    """`list` and `explain` work during a run"""
    with SqliteLedgerReader(filled) as reader:
        assert reader.urls() == [URL]
        with SqliteLedger(filled) as writer:
            writer.commit([outcome("https://example.org/2")])
            assert len(reader.urls()) == 2
            writer.commit([outcome("https://example.org/3")])
            assert len(reader.urls()) == 3
        assert len(reader.urls()) == 3


def test_a_reader_that_began_with_nothing_sees_the_first_run(path: Path) -> None:
    with SqliteLedgerReader(path) as reader:
        assert reader.urls() == []
        with SqliteLedger(path) as writer:
            writer.commit([outcome()])
        assert reader.urls() == [URL]


def test_a_file_that_is_not_a_state_file_is_refused_and_left_alone(path: Path) -> None:
    """F11"""
    path.parent.mkdir()
    path.write_bytes(b"junk" * 1000)
    with pytest.raises(ForeignFile, match=r"feeds.sqlite3 is not a state file of condget"):
        SqliteLedgerReader(path)
    assert path.read_bytes() == b"junk" * 1000


def test_a_damaged_file_stays_where_it_is(filled: Path) -> None:
    """F10, F11"""
    with contextlib.closing(sqlite3.connect(filled, isolation_level=None)) as connection:
        connection.execute("UPDATE states SET state = '{'")
    before = directory(filled)
    with SqliteLedgerReader(filled) as reader:
        assert set(reader.due([URL])) == {URL}
        with pytest.raises(StoreError, match=r"feeds.sqlite3 is damaged; the next poll keeps what can be read of it"):
            reader.load([URL])
    assert directory(filled) == before
