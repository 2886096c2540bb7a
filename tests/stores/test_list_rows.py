"""Large lists in the state file: upgrades, runs at the same time, damage. The contract of ledgers has the rest."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from condget.errors import StoreError
from condget.feeds.values import Outcome
from condget.stores.ledger import SqliteLedger
from condget.stores.lock import lock
from tests.stores.ledger_contract import NOW, STATE, URL, enrol, feeds_of, outcome, yielded
from tests.stores.support import Recording


def test_a_state_file_of_the_first_version_is_upgraded(path: Path) -> None:
    """B6"""
    with SqliteLedger(path) as ledger:
        ledger.commit([Outcome(URL, "changed", state=STATE)])
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for name in ("INDEX respelt", "TABLE listed", "TABLE lists"):
            connection.execute(f"DROP {name}")
        connection.execute("PRAGMA user_version = 1")
    with SqliteLedger(path) as ledger:
        assert ledger.load([URL]) == {URL: STATE}
        assert enrol(ledger, feeds_of(2)) == 2
        assert ledger.spellings() == {}


def test_b9_one_run_at_a_time_polls_a_list(path: Path) -> None:
    """B9: a second run would take the hosts whose turn has not come yet, and the next one after that, and so on."""
    with lock(path, alone=False) as first, SqliteLedger(path, lock=first) as ledger:
        enrol(ledger, feeds_of(1, 1))
        portions = ledger.portions("d1", 1)
        next(portions)
        with lock(path, alone=False) as second, SqliteLedger(path, lock=second) as other:
            assert yielded(other) == []
            enrol(other, feeds_of(3), "d2", "/others.txt")
            assert len(yielded(other, digest="d2")) == 1
    with lock(path, alone=False) as third, SqliteLedger(path, lock=third) as ledger:
        assert len(yielded(ledger)) == 2


def test_with_nothing_due_no_lock_is_given_up(path: Path) -> None:
    """B9: the run holds the whole state, as any short run does."""
    with lock(path, alone=False) as held, SqliteLedger(path, lock=held) as ledger:
        feeds = feeds_of(1, 1)
        ledger.commit(outcome(feed.key) for feed in feeds)
        enrol(ledger, feeds)
        assert yielded(ledger, not_due=(NOW, NOW + 1e5)) == []
        with pytest.raises(StoreError, match="is held by another run"), lock(path, alone=False):
            pass


def test_a_file_that_is_mended_during_a_run_ends_the_portions(path: Path) -> None:
    """F11: the next run enrols the list again."""
    ledger = SqliteLedger(path, clock=lambda: NOW)
    enrol(ledger, feeds_of(1, 1, 1))
    portions = ledger.portions("d1", 1)
    next(portions)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE listed")
    assert list(portions) == []
    assert len(ledger.take_notices()) == 1
    assert ledger.enrolment("d1") is None
    assert enrol(ledger, feeds_of(1)) == 1
    ledger.close()


def test_no_row_of_a_feed_that_is_not_due_is_read(path: Path) -> None:
    feeds = feeds_of(*[1] * 3_000)
    with SqliteLedger(path) as ledger:
        enrol(ledger, feeds)
        ledger.commit(outcome(feed.key) for feed in feeds[5:])
    with contextlib.closing(Recording(path)) as rows:
        from condget.stores import list_rows

        assert list_rows.is_any_due(rows, "d1", (NOW, NOW + 1e5))
        turns = list_rows.take_turns(rows, "d1", (NOW, NOW + 1e5))
        assert len(list_rows.portion(rows, turns, 0, 99)) == 5
        list(list_rows.overdue(rows, "d1", 9, (NOW, NOW + 1e5)))
        list_rows.enrolled(rows, "d1", [URL])
        list(list_rows.enrolled_at(rows, "d1", ["1.example"]))
        steps = rows.steps()
    assert not [step for step in steps if "SCAN" in step and "json_each" not in step and "turn" not in step], steps
