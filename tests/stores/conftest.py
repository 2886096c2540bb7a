"""Fixtures of the tests of stores: where a state file is to be, and one with a feed in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from condget.feeds.values import Outcome
from condget.stores.ledger import SqliteLedger
from tests.stores.ledger_contract import STATE, URL, entry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "feeds.sqlite3"


@pytest.fixture
def filled(path: Path) -> Path:
    with SqliteLedger(path) as ledger:
        ledger.commit([Outcome(URL, "changed", state=STATE, seen=(entry("a"),))])
    return path
