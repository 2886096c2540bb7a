"""A store that fails never fails a request: it is left alone for a while, and logged once (G6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from condget.cache.actions import Invalidate, Save
from condget.cache.fields import Fields
from condget.cache.messages import StoredResponse
from condget.cache.policy import Policy
from condget.errors import StoreError
from condget.stores.disk_cache import Cache
from condget.stores.memory_cache import MemoryCache
from condget.transports.guarded_store import GuardedStore

URL = "http://a/"
HEAD = StoredResponse(URL, 200, Fields(), 0, 0)


class Failing(MemoryCache):
    """Fails while it is told to, and counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = True
        self.calls = 0

    def _fail(self) -> None:
        self.calls += 1
        if self.fails:
            raise StoreError("The disk is gone.")

    def load(self, url: str, partition: str = "") -> Sequence[StoredResponse]:
        self._fail()
        return super().load(url, partition)

    def content(self, stored: StoredResponse, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        self._fail()
        return super().content(stored, start, stop)

    def invalidate(self, urls: object) -> None:
        self._fail()
        super().invalidate(urls)  # type: ignore[arg-type]


def test_a_failing_store_is_left_alone_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    failing = Failing()
    store = GuardedStore(failing)
    assert [list(store.load(URL, "")) for _ in range(3)] == [[], [], []]
    assert store.content(HEAD, 0, 1) is None
    assert failing.calls == 1
    assert [record.getMessage() for record in caplog.records] == ["The disk is gone. Requests go on without the cache."]


def test_a_store_is_used_again_after_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("condget.transports.guarded_store._PAUSE", -1)
    failing = Failing()
    store = GuardedStore(failing)
    store.load(URL, "")
    failing.fails = False
    writer = failing.writer(HEAD)
    writer.write(b"a")
    writer.commit()
    assert len(store.load(URL, "")) == 1


def test_what_a_failing_store_could_not_invalidate_is_never_reused(monkeypatch: pytest.MonkeyPatch) -> None:
    """G1, G6"""
    monkeypatch.setattr("condget.transports.guarded_store._PAUSE", -1)
    failing = Failing()
    writer = failing.writer(HEAD)
    writer.commit()
    store = GuardedStore(failing)
    store.apply([Invalidate((URL,))])
    assert list(store.load(URL, "")) == []
    failing.fails = False
    assert list(store.load(URL, "")) == []
    assert MemoryCache.load(failing, URL) == []


def test_nothing_longer_than_the_store_is_stored() -> None:
    """G11: nor more than an eighth of it, unless the policy says so."""
    cache = GuardedStore(Cache("unused", max_size=80))
    assert cache.limited(Policy()).max_content_length == 10
    assert cache.limited(Policy(max_content_length=20)).max_content_length == 20
    assert cache.limited(Policy(max_content_length=100)).max_content_length == 80
    assert GuardedStore(MemoryCache()).limited(Policy(max_content_length=7)).max_content_length == 7


def test_a_store_that_works_stores() -> None:
    store = GuardedStore(MemoryCache())
    writer = store.writer(Save(HEAD))
    assert writer is not None
    assert store.write(writer, b"a") is None
    assert store.commit(writer) is None
    assert len(store.load(URL, "")) == 1
