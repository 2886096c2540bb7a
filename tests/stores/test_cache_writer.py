"""CacheWriter: half-written content counts in the budget, and is of one file (G5, G11)."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from condget.stores.disk_cache import Cache
from condget.stores.protocols import ContentGone, ContentTooLong
from tests.stores.ledger_contract import NOW
from tests.stores.store_contract import HEAD, URL, put
from tests.stores.support import MIB, contents


def test_content_that_is_written_while_the_file_goes_away_is_not_stored_elsewhere(tmp_path: Path) -> None:
    """G5, G6"""
    directory = tmp_path / "cache"
    with Cache(directory) as cache:
        writer = cache.writer(HEAD)
        writer.write(b"x" * (2 * MIB))
        cache.close()
        shutil.rmtree(directory)
        put(cache, replace(HEAD, url=URL + "new"), b"n" * (2 * MIB))
        with pytest.raises(ContentGone, match="was cleared while"):
            writer.write(b"x" * (2 * MIB))
        writer.abort()
        assert contents(cache, URL + "new") == [b"n" * (2 * MIB)]
        assert len(cache) == 1


def test_who_writes_while_the_cache_is_cleared_is_told_and_nothing_is_left(cache: Cache, other: Cache) -> None:
    """G8, G11"""
    writer = cache.writer(HEAD)
    writer.write(b"x" * (3 * MIB))
    assert other.size >= 2 * MIB
    assert other.clear() == 0
    assert other.size == 0
    with pytest.raises(ContentGone):
        writer.commit()
    assert (len(cache), cache.size) == (0, 0)
    with contextlib.closing(sqlite3.connect(cache.path)) as connection:
        assert connection.execute("SELECT count(*) FROM chunks").fetchall() == [(0,)]


def test_half_written_content_counts(tmp_path: Path) -> None:
    """G11: what is stored makes room for it, and what finds no room is not stored."""
    with Cache(tmp_path, max_size=8 * MIB, clock=lambda: NOW) as cache:
        for number in range(3):
            put(cache, replace(HEAD, url=f"{URL}{number}"), b"x" * MIB)
        first, second = cache.writer(HEAD), cache.writer(replace(HEAD, url=URL + "second"))
        first.write(b"y" * (5 * MIB))
        assert cache.size <= 8 * MIB
        assert len(cache) == 3
        first.write(b"y" * (2 * MIB))
        assert cache.size <= 8 * MIB
        assert len(cache) == 1
        with pytest.raises(ContentTooLong):
            second.write(b"z" * (4 * MIB))
        second.abort()
        first.commit()
        assert contents(cache) == [b"y" * (7 * MIB)]
        assert cache.size <= 8 * MIB


def test_what_was_replaced_goes_before_what_can_be_used(tmp_path: Path) -> None:
    """G11: long content that changes often stays for its readers, but pushes out nothing."""
    now = NOW
    with Cache(tmp_path, max_size=8 * MIB, clock=lambda: now) as cache:
        for number in range(3):
            put(cache, replace(HEAD, url=f"{URL}{number}"), b"x")
        for _ in range(9):
            put(cache, HEAD, b"y" * (2 * MIB), *cache.load(URL))
            assert cache.size <= 8 * MIB
        assert len(cache) == 4
        now += 700
        put(cache, HEAD, b"y", *cache.load(URL))
        assert cache.size < 3 * MIB


def test_what_was_left_half_written_goes_after_an_hour(tmp_path: Path) -> None:
    """G11: a process that was killed in the middle of a download."""
    now = NOW
    with Cache(tmp_path, clock=lambda: now) as cache:
        cache.writer(HEAD).write(b"x" * (3 * MIB))
        for later, size in ((3000, 2 * MIB), (3700, 0)):
            cache.close()
            now = NOW + later
            assert cache.size == size
