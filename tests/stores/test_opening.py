"""One seam between what the user names as the state or the cache, and its ledger or store."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import condget
from condget.errors import StateLocked, UsageError
from condget.settings import CACHE_DIR_ENV, STATE_DIR_ENV
from condget.stores.disk_cache import Cache
from condget.stores.memory_cache import MemoryCache
from condget.stores.opening import open_ledger, open_ledger_for_reading, open_store
from tests.stores.ledger_contract import URL, outcome


def test_a_path_names_a_state_file(tmp_path: Path) -> None:
    path = tmp_path / "my.sqlite3"
    with open_ledger(str(path)) as ledger:
        ledger.commit([outcome()])
    with open_ledger_for_reading(path) as reader:
        assert list(reader.urls()) == [URL]


def test_without_a_location_the_state_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STATE_DIR_ENV, str(tmp_path / "own"))
    with open_ledger() as ledger:
        ledger.commit([outcome()])
    assert (tmp_path / "own" / "feeds.sqlite3").exists()


def test_one_run_at_a_time_opens_a_ledger_and_readers_need_not_wait(tmp_path: Path) -> None:
    """B9"""
    path = tmp_path / "feeds.sqlite3"
    with open_ledger(path) as ledger:
        ledger.commit([outcome()])
        with pytest.raises(StateLocked), open_ledger(path):
            pass
        with open_ledger_for_reading(path) as reader:
            assert list(reader.urls()) == [URL]
    with open_ledger(path):
        pass


@pytest.mark.parametrize("opened", [open_ledger, open_ledger_for_reading])
def test_a_url_of_an_unknown_kind_is_a_usage_error_and_creates_nothing(
    opened: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(UsageError, match="condget knows no store for mysql; name a file or a postgresql"),
        opened("mysql://localhost/"),
    ):  # type: ignore[operator]
        pass
    assert list(tmp_path.iterdir()) == []


def install(directory: Path, entry_point: str, code: str = "") -> None:
    """Put a distribution there that offers a store."""
    (directory / "tea_store.py").write_text(code, encoding="utf-8")
    info = directory / "tea_store-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tea-store\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[condget.stores]\n{entry_point}\n", encoding="utf-8")


STORE = """
from condget.stores.memory_cache import MemoryCache

class Tea(MemoryCache):
    def __init__(self, url):
        super().__init__()
        self.url = url
"""


def test_a_path_names_a_cache_on_disk_and_memory_one_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_DIR_ENV, str(tmp_path / "own"))
    for location, expected in (("x", Path("x")), (tmp_path, tmp_path), (None, tmp_path / "own")):
        store = open_store(location)
        assert isinstance(store, Cache)
        assert store.path == expected / "cache.sqlite3"
    assert isinstance(open_store(":memory:"), MemoryCache)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["tea://host/0", "TEA://host/0"])
def test_another_distribution_offers_the_store_of_a_scheme(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "tea = tea_store:Tea", STORE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tea_store", raising=False)
    store = open_store(url)
    assert getattr(store, "url", None) == url
    with condget.Client(cache=url) as client:
        assert getattr(client.cache, "url", None) == url


def test_a_store_that_cannot_be_loaded_names_its_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "tea = tea_store:Tea", "import not_there_at_all")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tea_store", raising=False)
    with pytest.raises(UsageError, match=r"store for tea of tea-store cannot be loaded .*not_there_at_all.*remove it"):
        open_store("tea://host/0")


def test_a_scheme_without_a_store_is_a_usage_error_without_the_password() -> None:
    """F9"""
    with pytest.raises(UsageError) as caught:
        condget.Client(cache="teapot://ann:secret@host/0?password=secret")
    assert str(caught.value) == (
        "The cache teapot://host/0 cannot be opened: no store is installed for teapot; name a directory."
    )


def test_a_state_at_a_url_is_named_without_its_password() -> None:
    """F9"""
    with pytest.raises(UsageError) as caught, open_ledger("mysql://ann:secret@host/0?password=secret"):
        pass
    assert "secret" not in str(caught.value)
