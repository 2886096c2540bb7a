"""Default paths, and the clock of the command line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from condget import settings
from condget.errors import UsageError


def test_directories_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONDGET_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("CONDGET_STATE_DIR", "~/feeds")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings.cache_path() == tmp_path / "cache.sqlite3"
    assert settings.state_path() == tmp_path / "feeds" / "feeds.sqlite3"


def test_without_the_environment_they_are_the_platform_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONDGET_CACHE_DIR", "CONDGET_STATE_DIR", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    cache, state = settings.cache_path(), settings.state_path()
    assert cache.is_relative_to(tmp_path)
    assert state.is_relative_to(tmp_path)
    assert cache.parent.name == state.parent.name == "condget"
    assert not any(tmp_path.iterdir())


def test_the_clock_is_the_system_s_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONDGET_NOW", raising=False)
    assert settings.clock() is time.time
    monkeypatch.setenv("CONDGET_NOW", "1732186800.5")
    clock = settings.clock()
    assert (clock(), clock()) == (1732186800.5, 1732186800.5)


@pytest.mark.parametrize("instant", ["noon", "-1", "nan", "inf", "1e12"])
def test_an_instant_that_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch, instant: str) -> None:
    monkeypatch.setenv("CONDGET_NOW", instant)
    with pytest.raises(UsageError, match="CONDGET_NOW is not a number of POSIX seconds; fix or unset it"):
        settings.clock()
