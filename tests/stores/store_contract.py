"""The contract of every `Store`, as a class of tests to inherit; `store` is the fixture to provide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from condget.cache.fields import Fields
from condget.cache.messages import StoredResponse
from condget.errors import StoreError
from condget.stores.protocols import Store

URL = "https://example.org/"
HEAD = StoredResponse(
    URL,
    200,
    Fields([("ETag", '"\xe9"'), ("X", "1"), ("x", "2")]),
    1000.0,
    1000.25,
    "OK",
    selecting=((("accept", "text/html"), ("cookie", None)),),
)


def put(store: Store, head: StoredResponse, content: bytes, *replaces: StoredResponse) -> StoredResponse:
    """Store a response and return it as it is loaded again."""
    writer = store.writer(head, replaces)
    for start in range(0, len(content), 300_000):
        writer.write(content[start : start + 300_000])
    writer.commit()
    return store.load(head.url, head.partition)[0]


class StoreContract:
    def test_what_is_stored_comes_back_whole(self, store: Store) -> None:
        """G5"""
        stored = put(store, HEAD, b"hello")
        assert replace(stored, id=0) == replace(HEAD, content_length=5)
        assert b"".join(store.content(stored)) == b"hello"
        assert b"".join(store.content(stored, 1, 4)) == b"ell"

    @pytest.mark.parametrize("length", [0, 1, 1 << 20, (1 << 20) + 1, 3_500_000])
    def test_any_part_of_any_length_comes_back(self, store: Store, length: int) -> None:
        """G5, G10"""
        content = bytes(range(256)) * (length // 256 + 1)
        stored = put(store, HEAD, content[:length])
        for start, stop in ((0, length), (length // 3, 2 * length // 3), (length - 1, length), (0, 1)):
            if 0 <= start < stop <= length:
                assert b"".join(store.content(stored, start, stop)) == content[start:stop]
        assert b"".join(store.content(stored)) == content[:length]

    def test_variants_are_kept_newest_first_and_partitions_apart(self, store: Store) -> None:
        """G1, G3"""
        put(store, HEAD, b"one")
        put(store, replace(HEAD, selecting=((("accept", "text/plain"), ("cookie", None)),)), b"two")
        put(store, replace(HEAD, partition="ann"), b"hers")
        assert [b"".join(store.content(stored)) for stored in store.load(URL, "")] == [b"two", b"one"]
        assert [b"".join(store.content(stored)) for stored in store.load(URL, "ann")] == [b"hers"]
        assert list(store.load("https://example.org/other", "")) == []

    def test_a_response_takes_the_place_of_those_it_replaces(self, store: Store) -> None:
        """G1"""
        old = put(store, HEAD, b"old")
        new = put(store, HEAD, b"new", old)
        assert list(store.load(URL, "")) == [new]
        with pytest.raises(StoreError):
            store.content(old)

    def test_nothing_is_visible_before_the_commit_nor_after_an_abort(self, store: Store) -> None:
        """G5"""
        writer = store.writer(HEAD)
        writer.write(b"x" * 2_500_000)
        assert list(store.load(URL, "")) == []
        writer.abort()
        assert list(store.load(URL, "")) == []

    def test_freshening_changes_the_head_alone(self, store: Store) -> None:
        """G1"""
        stored = put(store, HEAD, b"hello")
        fresh = replace(stored, fields=Fields([("ETag", '"b"')]), response_time=2000.0)
        store.freshen(fresh)
        assert list(store.load(URL, "")) == [fresh]
        assert b"".join(store.content(fresh)) == b"hello"

    def test_freshening_what_is_gone_brings_nothing_back(self, store: Store) -> None:
        stored = put(store, HEAD, b"hello")
        store.discard([stored])
        store.freshen(stored)
        assert list(store.load(URL, "")) == []

    def test_invalidation_reaches_all_variants_and_partitions_of_a_url(self, store: Store) -> None:
        """G1"""
        for head in (HEAD, replace(HEAD, partition="ann"), replace(HEAD, url=URL + "kept")):
            put(store, head, b"x")
        store.invalidate([URL, URL + "unknown"])
        assert not store.load(URL, "")
        assert not store.load(URL, "ann")
        assert len(store.load(URL + "kept", "")) == 1

    def test_touching_and_closing_lose_nothing(self, store: Store) -> None:
        """G6"""
        stored = put(store, HEAD, b"hello")
        store.touch(stored, 3000.0)
        store.close()
        assert list(store.load(URL, "")) == [stored]
