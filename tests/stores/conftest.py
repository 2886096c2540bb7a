"""Fixtures of the tests of stores: where a state file is to be, one with a feed in it, and a cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from condget.feeds.values import Outcome
from condget.stores.disk_cache import Cache
from condget.stores.ledger import SqliteLedger
from tests.stores.ledger_contract import NOW, STATE, URL, entry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "feeds.sqlite3"


@pytest.fixture
def filled(path: Path) -> Path:
    with SqliteLedger(path) as ledger:
        ledger.commit([Outcome(URL, "changed", state=STATE, seen=(entry("a"),))])
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    with Cache(tmp_path / "cache", clock=lambda: NOW) as cache:
        yield cache


@pytest.fixture
def other(cache: Cache) -> Iterator[Cache]:
    """The same cache, as another process has it."""
    with Cache(cache.path, clock=lambda: NOW) as other:
        yield other
