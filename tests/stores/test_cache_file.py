"""The file of a cache: an id is never trusted across files, and a damaged file is set aside once (G6, F11)."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from condget.stores.disk_cache import Cache
from condget.stores.protocols import ContentGone
from tests.stores.store_contract import HEAD, URL, put
from tests.stores.support import MIB, contents


def test_an_id_of_a_former_file_names_nothing_in_a_new_one(tmp_path: Path) -> None:
    """G6: the directory is removed while validations are on their way, and rows get the same numbers."""
    directory = tmp_path / "cache"
    with Cache(directory) as former:
        old = put(former, HEAD, b"old")
        former.close()
        shutil.rmtree(directory)
        new = put(former, replace(HEAD, url=URL + "new"), b"new")
        with pytest.raises(ContentGone):
            former.content(old)
        former.freshen(replace(old, response_time=2000.0))
        former.discard([old])
        put(former, replace(HEAD, url=URL + "third"), b"third", old)
        former.flush()
        assert list(former.load(URL + "new")) == [new]
        assert contents(former, URL + "new") == [b"new"]
        assert contents(former) == []


def test_an_id_is_checked_against_the_url_where_a_copy_was_put_back(tmp_path: Path) -> None:
    """G6: a restored file is of the same generation as the one that it replaces."""
    directory, copy = tmp_path / "cache", tmp_path / "copy"
    with Cache(directory) as cache:
        put(cache, HEAD, b"first")
        cache.close()
        shutil.copytree(directory, copy)
        old = put(cache, replace(HEAD, url=URL + "old"), b"old")
        cache.close()
        shutil.rmtree(directory)
        copy.rename(directory)
        put(cache, replace(HEAD, url=URL + "new"), b"new")
        with pytest.raises(ContentGone):
            cache.content(old)
        cache.freshen(replace(old, response_time=2000.0))
        cache.flush()
        assert contents(cache, URL + "new") == [b"new"]
        assert cache.load(URL + "new")[0].response_time == HEAD.response_time


def test_of_two_that_find_the_file_damaged_the_second_spares_the_new_one(cache: Cache, other: Cache) -> None:
    """G6, F11: the second notices late."""
    put(cache, HEAD, b"old")
    assert contents(other) == [b"old"]
    size = cache.path.stat().st_size
    for opened in (cache, other):
        opened.flush()
    with contextlib.closing(sqlite3.connect(cache.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with cache.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * max(size, 9 * 4096))
    assert contents(cache) == []
    put(cache, HEAD, b"new")
    assert contents(other) in ([], [b"new"])
    assert contents(other) == [b"new"]
    assert (len(cache.notices), len(other.notices)) == (1, 0)
    assert len(list(cache.path.parent.glob("*.corrupt-*Z"))) == 1


def test_a_cache_of_the_first_version_is_read(tmp_path: Path) -> None:
    """G1: what is of one chunk goes on; longer content has no digest by chunk, and goes."""
    path = tmp_path / "cache.sqlite3"
    with Cache(path) as cache:
        put(cache, HEAD, b"hello")
        put(cache, replace(HEAD, url=URL + "long"), b"x" * (2 * MIB))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("ALTER TABLE totals DROP COLUMN generation")
        connection.execute("ALTER TABLE responses DROP COLUMN checksum")
        connection.execute("PRAGMA user_version = 1")
    with Cache(path) as cache:
        assert contents(cache) == [b"hello"]
        assert contents(cache, URL + "long") == []
        assert len(cache) == 1
