"""Each `Store` keeps the contract of stores, and serves a client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import condget
from condget.stores.memory_cache import MemoryCache
from condget.stores.protocols import Store
from tests.stores.store_contract import StoreContract


class TestCache(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        with condget.Cache(tmp_path) as cache:
            yield cache


class TestMemoryCache(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryCache()


def test_a_client_takes_any_store() -> None:
    """G7: `cache=` is the seam."""
    asked: list[httpx.Request] = []

    def origin(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, headers={"Cache-Control": "max-age=60"}, text="hello")

    with condget.Client(cache=MemoryCache(), transport=httpx.MockTransport(origin)) as client:
        assert [client.get("https://example.org/").text for _ in range(3)] == ["hello"] * 3
    assert len(asked) == 1
