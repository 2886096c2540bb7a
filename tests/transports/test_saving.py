"""Content on its way to the reader and into the store: visible when complete, else not at all (G5, G11)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from condget.cache.fields import Fields
from condget.cache.messages import StoredResponse
from condget.stores.memory_cache import MemoryCache
from condget.stores.protocols import ContentTooLong
from condget.transports.flights import Flights
from condget.transports.guarded_store import GuardedStore
from condget.transports.saving import Saver

URL = "http://a/"
HEAD = StoredResponse(URL, 200, Fields(), 0, 0)


class Saved:
    """A saver over a store in memory, and what became of its content."""

    def __init__(self, limit: int = 100, declared: str | None = None, prefix: Iterator[bytes] | None = None) -> None:
        self.store = MemoryCache()
        self.reasons: list[str] = []
        self.flights = Flights()
        self.saver = Saver(
            GuardedStore(self.store),
            self.store.writer(HEAD),
            limit=limit,
            declared=declared,
            flight=self.flights.lead((URL, "", ())),
            prefix=prefix,
            not_stored=self.reasons.append,
        )

    def content(self) -> bytes | None:
        stored = self.store.load(URL)
        return b"".join(self.store.content(stored[0])) if stored else None


def test_content_is_visible_when_it_is_complete() -> None:
    saved = Saved(declared="4")
    saved.saver.take(b"ab")
    saved.saver.take(b"cd")
    assert saved.content() is None
    saved.saver.complete()
    saved.saver.abort()  # the reader closes the stream
    assert (saved.content(), saved.reasons) == (b"abcd", [])


@pytest.mark.parametrize(
    ("limit", "declared", "reason"),
    [
        (3, None, "longer than 3 bytes"),
        (100, "5", "4 bytes came of 5 that Content-Length promised"),
        (100, "3", "4 bytes came of 3 that Content-Length promised"),
    ],
)
def test_content_of_another_length_is_not_stored(limit: int, declared: str | None, reason: str) -> None:
    saved = Saved(limit, declared)
    saved.saver.take(b"ab")
    saved.saver.take(b"cd")
    saved.saver.complete()
    assert (saved.content(), saved.reasons) == (None, [reason])


def test_content_that_is_not_read_to_its_end_is_not_stored() -> None:
    saved = Saved()
    saved.saver.take(b"ab")
    saved.saver.abort()
    assert (saved.content(), saved.reasons) == (None, ["its content was not read to the end"])


def test_a_stored_prefix_reaches_the_reader_and_the_store() -> None:
    """G10"""
    saved = Saved(prefix=iter([b"ab"]))
    assert list(saved.saver.prefix()) == [b"ab"]
    saved.saver.take(b"cd")
    saved.saver.complete()
    assert saved.content() == b"abcd"


def test_a_part_that_is_gone_is_not_stored_once_more() -> None:
    """G10"""
    saved = Saved()
    saved.saver.put_before(HEAD)
    saved.saver.take(b"cd")
    saved.saver.complete()
    assert (saved.content(), saved.reasons) == (None, ["the stored part is gone"])


@pytest.mark.parametrize("complete", [True, False])
def test_the_flight_lands_at_the_end(complete: bool) -> None:
    """G8"""
    saved = Saved()
    assert saved.flights.lead((URL, "", ())) is None
    if complete:
        saved.saver.complete()
    else:
        saved.saver.abort()
    assert saved.flights.lead((URL, "", ())) is not None


class Refusing:
    """A writer that refuses or fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def write(self, chunk: bytes) -> None:
        raise self.error

    def commit(self) -> None:
        raise self.error

    def abort(self) -> None: ...


@pytest.mark.parametrize(
    ("error", "reason"),
    [(ContentTooLong("too long"), "longer than the cache may be"), (OSError("disk"), "the cache failed")],
)
@pytest.mark.parametrize("chunks", [0, 2])
def test_a_store_that_fails_does_not_stop_the_content(error: Exception, reason: str, chunks: int) -> None:
    """G6"""
    reasons: list[str] = []
    store = GuardedStore(MemoryCache())
    saver = Saver(store, Refusing(error), limit=9, declared=None, flight=None, prefix=None, not_stored=reasons.append)
    for _ in range(chunks):
        saver.take(b"a")
    saver.complete()
    assert reasons == [reason]
