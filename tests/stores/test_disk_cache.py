"""Cache: what is stored is what is served, whatever happens to the file meanwhile (G5, G6, G8, G11)."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from condget.errors import StoreError
from condget.stores.disk_cache import Cache
from condget.stores.protocols import ContentGone, ContentTooLong
from tests.stores.store_contract import HEAD, URL, put

MIB = 1 << 20
NOW = 1_767_268_800.0


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    with Cache(tmp_path / "cache", clock=lambda: NOW) as cache:
        yield cache


@pytest.fixture
def other(cache: Cache) -> Iterator[Cache]:
    """The same cache, as another process has it."""
    with Cache(cache.path, clock=lambda: NOW) as other:
        yield other


def execute(cache: Cache, statement: str, *values: object) -> None:
    """Change the file as damage, or somebody else, might."""
    cache.close()
    with contextlib.closing(sqlite3.connect(cache.path, isolation_level=None)) as connection:
        connection.execute(statement, values)


def read(cache: Cache, url: str = URL) -> list[bytes]:
    return [b"".join(cache.content(stored)) for stored in cache.load(url)]


class TestAcrossFiles:
    def test_an_id_of_a_former_file_names_nothing_in_a_new_one(self, tmp_path: Path) -> None:
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
            assert read(former, URL + "new") == [b"new"]
            assert read(former) == []

    def test_an_id_is_checked_against_the_url_where_a_copy_was_put_back(self, tmp_path: Path) -> None:
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
            assert read(cache, URL + "new") == [b"new"]
            assert cache.load(URL + "new")[0].response_time == HEAD.response_time

    def test_content_that_is_written_while_the_file_goes_away_is_not_stored_elsewhere(self, tmp_path: Path) -> None:
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
            assert read(cache, URL + "new") == [b"n" * (2 * MIB)]
            assert len(cache) == 1

    def test_of_two_that_find_the_file_damaged_the_second_spares_the_new_one(self, cache: Cache, other: Cache) -> None:
        """G6, F11: the second notices late."""
        put(cache, HEAD, b"old")
        assert read(other) == [b"old"]
        size = cache.path.stat().st_size
        for opened in (cache, other):
            opened.flush()
        with contextlib.closing(sqlite3.connect(cache.path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with cache.path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * max(size, 9 * 4096))
        assert read(cache) == []
        put(cache, HEAD, b"new")
        assert read(other) in ([], [b"new"])
        assert read(other) == [b"new"]
        assert (len(cache.notices), len(other.notices)) == (1, 0)
        assert len(list(cache.path.parent.glob("*.corrupt-*Z"))) == 1


class TestDamagedRows:
    @pytest.mark.parametrize(
        "head",
        [
            "x",
            "{}",
            "[]",
            "null",
            "5",
            b"\xff\xfe",
            None,
            3.5,
            '{"url": 5, "status": 200, "fields": [], "request_time": 1, "response_time": 1}',
            '{"url": "https://example.org/", "status": "200", "fields": [], "request_time": 1, "response_time": 1}',
            '{"url": "https://example.org/", "status": 200, "fields": [[1]], "request_time": 1, "response_time": 1}',
            '{"url": "https://example.org/", "status": 200, "fields": [], "request_time": 1e999, "response_time": 1}',
            '{"url": "https://example.com/", "status": 200, "fields": [], "request_time": 1, "response_time": 1}',
            "[" * 100_000,
        ],
    )
    def test_a_head_that_cannot_be_read_is_dropped_at_once(self, cache: Cache, head: object) -> None:
        """G6: the other variant of that URL goes on."""
        put(cache, HEAD, b"good")
        put(cache, replace(HEAD, selecting=()), b"bad")
        damaged = head if head is not None else "null"
        cast = "CAST(? AS TEXT)" if isinstance(head, bytes) else "?"
        execute(cache, f"UPDATE responses SET head = {cast}, checksum = NULL WHERE id = 2", damaged)
        assert read(cache) == [b"good"]
        assert len(cache) == 1
        put(cache, replace(HEAD, selecting=()), b"new")
        assert read(cache) == [b"new", b"good"]

    @pytest.mark.parametrize("length", [1, 1000, 3 * MIB + 5])
    def test_content_that_is_not_what_was_stored_is_never_served(self, cache: Cache, length: int) -> None:
        """G5, G6: one flipped byte anywhere; what was handed out before it is right."""
        content = random.Random(5).randbytes(length)
        for position in {0, length // 2, length - 1}:
            stored = put(cache, HEAD, content, *cache.load(URL))
            number, offset = divmod(position, MIB)
            damaged = bytearray(content[number * MIB : (number + 1) * MIB])
            damaged[offset] ^= 4
            execute(cache, "UPDATE chunks SET data = ? WHERE key % 1048576 = ?", bytes(damaged), number)
            served = b""
            with contextlib.suppress(ContentGone):
                for chunk in cache.content(stored):
                    served += chunk
            assert served == content[: number * MIB]
            assert list(cache.load(URL)) == []

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM chunks",
            "UPDATE chunks SET data = x'00'",
            "UPDATE chunks SET data = 'hello'",
            "UPDATE responses SET digest = NULL",
            "UPDATE responses SET digest = x'00'",
        ],
    )
    def test_content_that_cannot_be_checked_is_gone(self, cache: Cache, statement: str) -> None:
        """G6"""
        stored = put(cache, HEAD, b"hello")
        execute(cache, statement)
        with pytest.raises(ContentGone):
            cache.content(stored)

    def test_a_head_that_is_not_what_was_stored_is_dropped(self, cache: Cache) -> None:
        """G6: readable as it may be."""
        put(cache, HEAD, b"hello")
        execute(cache, "UPDATE responses SET head = replace(head, '200', '201')")
        assert read(cache) == []
        assert len(cache) == 0

    def test_verify_says_what_is_damaged(self, cache: Cache) -> None:
        for number in range(3):
            put(cache, replace(HEAD, url=f"{URL}{number}"), b"hello")
        execute(cache, "UPDATE chunks SET data = x'00' WHERE key / 1048576 = 2")
        assert cache.verify() == [f"The stored content of {URL}1 is not what was stored; it is dropped."]
        assert cache.verify() == []
        assert len(cache) == 2


class TestSharing:
    def test_what_another_process_evicted_is_gone_and_no_failure(self, cache: Cache, other: Cache) -> None:
        """G8: between the look at the heads and the reading of the content."""
        stored = put(cache, HEAD, b"hello")
        other.clear()
        with pytest.raises(ContentGone):
            cache.content(stored)
        assert read(cache) == []

    def test_content_stays_readable_while_it_is_replaced_or_invalidated(self, cache: Cache, other: Cache) -> None:
        """G8: by another process, too."""
        content = random.Random(5).randbytes(3 * MIB)
        for act in ("replace", "invalidate", "discard"):
            stored = put(cache, HEAD, content, *cache.load(URL))
            chunks = cache.content(stored)
            served = next(chunks)
            if act == "replace":
                put(other, HEAD, b"new", *other.load(URL))
            elif act == "invalidate":
                other.invalidate([URL])
            else:
                other.discard(other.load(URL))
            assert served + b"".join(chunks) == content
            assert read(cache) == ([b"new"] if act == "replace" else [])

    def test_a_reader_that_pauses_does_not_make_the_log_grow(self, cache: Cache) -> None:
        """G11: 619 MB were seen beside a budget of 64."""
        chunks = cache.content(put(cache, HEAD, b"x" * (3 * MIB)))
        next(chunks)
        for number in range(40):
            put(cache, replace(HEAD, url=f"{URL}{number % 2}"), b"y" * MIB, *cache.load(f"{URL}{number % 2}"))
        log = cache.path.with_name(cache.path.name + "-wal")
        assert log.stat().st_size < 20 * MIB
        assert sum(map(len, chunks)) == 2 * MIB

    def test_who_writes_while_the_cache_is_cleared_is_told_and_nothing_is_left(
        self, cache: Cache, other: Cache
    ) -> None:
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


class TestBudget:
    def test_half_written_content_counts(self, tmp_path: Path) -> None:
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
            assert read(cache) == [b"y" * (7 * MIB)]
            assert cache.size <= 8 * MIB

    def test_what_was_replaced_goes_before_what_can_be_used(self, tmp_path: Path) -> None:
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

    def test_what_was_left_half_written_goes_after_an_hour(self, tmp_path: Path) -> None:
        """G11: a process that was killed in the middle of a download."""
        now = NOW
        with Cache(tmp_path, clock=lambda: now) as cache:
            cache.writer(HEAD).write(b"x" * (3 * MIB))
            for later, size in ((3000, 2 * MIB), (3700, 0)):
                cache.close()
                now = NOW + later
                assert cache.size == size


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
        assert read(cache) == [b"hello"]
        assert read(cache, URL + "long") == []
        assert len(cache) == 1


def test_a_flipped_byte_is_never_served_and_never_raises(tmp_path: Path) -> None:
    """G5, G6: of a small cache, wherever the byte is."""
    content = {f"{URL}{number}": b"%d" % number * 700 for number in range(4)}
    directory = tmp_path / "cache"
    with Cache(directory) as cache:
        for url, body in content.items():
            put(cache, replace(HEAD, url=url), body)
    path = directory / "cache.sqlite3"
    whole = path.read_bytes()
    rolls = random.Random(3)
    for position in rolls.sample([at for at, byte in enumerate(whole) if byte], 60):
        shutil.rmtree(directory)
        directory.mkdir()
        damaged = bytearray(whole)
        damaged[position] ^= rolls.choice((1, 16, 128))
        path.write_bytes(damaged)
        with Cache(directory) as cache:
            for _ in range(2):
                for url, body in content.items():
                    # What a damaged index no longer finds is a miss.
                    with contextlib.suppress(StoreError, IndexError):
                        assert read(cache, url) in ([body], []), position
                        put(cache, replace(HEAD, url=url), body, *cache.load(url))
