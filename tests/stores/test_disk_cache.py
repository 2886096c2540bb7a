"""Cache: what is stored is what is served, whatever happens to the file meanwhile (G5, G6, G8, G11)."""

from __future__ import annotations

import contextlib
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from condget.errors import StoreError
from condget.stores.disk_cache import Cache
from condget.stores.protocols import ContentGone
from tests.stores.store_contract import HEAD, URL, put
from tests.stores.support import MIB, contents, execute


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
        assert contents(cache) == [b"good"]
        assert len(cache) == 1
        put(cache, replace(HEAD, selecting=()), b"new")
        assert contents(cache) == [b"new", b"good"]

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
        assert contents(cache) == []
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
        assert contents(cache) == []

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
            assert contents(cache) == ([b"new"] if act == "replace" else [])

    def test_a_reader_that_pauses_does_not_make_the_log_grow(self, cache: Cache) -> None:
        """G11: 619 MB were seen beside a budget of 64."""
        chunks = cache.content(put(cache, HEAD, b"x" * (3 * MIB)))
        next(chunks)
        for number in range(40):
            put(cache, replace(HEAD, url=f"{URL}{number % 2}"), b"y" * MIB, *cache.load(f"{URL}{number % 2}"))
        log = cache.path.with_name(cache.path.name + "-wal")
        assert log.stat().st_size < 20 * MIB
        assert sum(map(len, chunks)) == 2 * MIB


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
                    # A response that a damaged index no longer finds is a miss.
                    with contextlib.suppress(StoreError, IndexError):
                        assert contents(cache, url) in ([body], []), position
                        put(cache, replace(HEAD, url=url), body, *cache.load(url))
