"""One seam between what the user names as the state and its ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from condget.errors import StateLocked, UsageError
from condget.settings import STATE_DIR_ENV
from condget.stores.opening import open_ledger, open_ledger_for_reading
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
    with pytest.raises(UsageError, match="condget knows no store for mysql; name a file"), opened("mysql://localhost/"):  # type: ignore[operator]
        pass
    assert list(tmp_path.iterdir()) == []
