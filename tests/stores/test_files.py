"""Files of condget's own: private, never reached by a link, set aside in bounded number (F11, F12)."""

from __future__ import annotations

from pathlib import Path

import pytest

from condget.stores.files import check_regular, make_file, set_aside

NOW = 1772417100.0  # 2 March 2026, 02:05 UTC


def test_a_damaged_file_is_set_aside_with_what_stands_beside_it(tmp_path: Path) -> None:
    """F11"""
    path = tmp_path / "feeds.sqlite3"
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).write_text(suffix)
    aside = set_aside(path, NOW)
    assert aside.name == "feeds.sqlite3.corrupt-20260302T020500Z"
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        aside.name + suffix: suffix for suffix in ("", "-wal", "-shm")
    }


def test_the_files_that_were_set_aside_are_bounded_in_number(tmp_path: Path) -> None:
    """F11: the last few are kept, also of one second."""
    path = tmp_path / "feeds.sqlite3"
    (tmp_path / "feeds.sqlite3.corrupt-mine").write_text("not ours")
    for number in range(14):
        path.write_text(str(number))
        path.with_name("feeds.sqlite3-wal").write_text(str(number))
        set_aside(path, NOW + number // 12)
    (tmp_path / "feeds.sqlite3.corrupt-mine").unlink()
    asides = sorted(tmp_path.glob("*Z*"), key=lambda file: int(file.read_text()))
    assert [int(file.read_text()) for file in asides] == [11, 11, 12, 12, 13, 13]


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_nothing_beside_a_database_is_a_link(tmp_path: Path, suffix: str) -> None:
    """F12: SQLite would write through it to any file of the user."""
    path, precious = tmp_path / "feeds.sqlite3", tmp_path / "precious"
    path.with_name(path.name + suffix).symlink_to(precious)
    for check in (check_regular, make_file):
        with pytest.raises(OSError, match="it is not a regular file"):
            check(path)


def test_a_database_may_be_reached_by_a_link_of_the_user(tmp_path: Path) -> None:
    real, link = tmp_path / "real.sqlite3", tmp_path / "link.sqlite3"
    make_file(real)
    link.symlink_to(real)
    make_file(link)
    (tmp_path / "real.sqlite3-wal").symlink_to(tmp_path / "x")
    with pytest.raises(OSError, match="it is not a regular file"):
        make_file(link)
