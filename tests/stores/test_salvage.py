"""Salvage: a damaged state file is replaced by what can be read of it, and set aside whole (F11)."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from condget.errors import ForeignFile
from condget.stores.ledger import SqliteLedger
from condget.stores.salvage import mend
from tests.stores.ledger_contract import NOW, URL, entry, outcome
from tests.stores.support import directory

FEEDS = 600


@pytest.fixture
def many(path: Path) -> Path:
    """A state of many feeds, each with a long reason, so that their rows fill many pages."""
    with SqliteLedger(path) as ledger:
        ledger.commit(
            replace(outcome(f"https://example.org/{n}", reason="r" * 200, title="t" * 200), seen=(entry(f"{n}"),))
            for n in range(FEEDS)
        )
    return path


def leaf_pages(path: Path, table: str) -> list[int]:
    """Return where the pages with the rows of a table begin in the file."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        ((root,),) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [table])
        ((size,),) = connection.execute("PRAGMA page_size")
    content = path.read_bytes()
    start = (root - 1) * size
    assert content[start] == 5  # an interior page of a table (https://sqlite.org/fileformat2.html, 1.6)
    cells = int.from_bytes(content[start + 3 : start + 5], "big")
    pointers = [int.from_bytes(content[start + 12 + 2 * n : start + 14 + 2 * n], "big") for n in range(cells)]
    return [(int.from_bytes(content[start + p : start + p + 4], "big") - 1) * size for p in pointers]


def overwrite(path: Path, at: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * length)


def test_a_page_that_cannot_be_read_costs_the_feeds_on_it(many: Path) -> None:
    """F11"""
    pages = leaf_pages(many, "feeds")
    overwrite(many, pages[len(pages) // 2], 4096)
    notice = mend(many, NOW)
    assert notice is not None
    assert "All other feeds were kept; new once:" in notice
    with SqliteLedger(many) as ledger:
        urls = ledger.urls()
        assert FEEDS - 60 < len(urls) < FEEDS
        assert all(list(ledger.seen(url)) == [url.rpartition("/")[2]] for url in urls)
        assert not ledger.take_notices()


def test_a_page_of_states_costs_their_feeds_which_are_named(many: Path) -> None:
    """F11: the first ten, and how many more."""
    overwrite(many, leaf_pages(many, "states")[1], 4096)
    notice = mend(many, NOW)
    assert notice is not None
    assert notice.count("https://example.org/") == 10
    assert " more." in notice
    with SqliteLedger(many) as ledger:
        urls = ledger.urls()
        assert 0 < len(urls) < FEEDS
        assert set(ledger.load(urls)) == set(urls)


def test_the_damaged_file_is_set_aside_as_it_was_found(many: Path) -> None:
    """F11"""
    overwrite(many, leaf_pages(many, "feeds")[0], 4096)
    damaged = many.read_bytes()
    notice = mend(many, NOW)
    (aside,) = many.parent.glob("*.corrupt-*")
    assert aside.read_bytes() == damaged
    assert str(aside) in str(notice)
    assert {file.name for file in many.parent.iterdir()} == {many.name, aside.name}
    assert {oct(file.stat().st_mode & 0o777) for file in many.parent.iterdir()} == {"0o600"}


def test_a_file_that_is_in_order_is_left_where_it_is(many: Path) -> None:
    """F11: SQLite reports an I/O error of the disk as damage; the second look finds none."""
    before = directory(many)
    assert mend(many, NOW) is None
    assert directory(many) == before


def test_of_a_file_that_cannot_be_read_at_all_nothing_is_kept(many: Path) -> None:
    """F11"""
    overwrite(many, 100, many.stat().st_size - 100)
    assert str(mend(many, NOW)).endswith("Nothing in it could be read: every feed will be new once.")
    with SqliteLedger(many) as ledger:
        assert ledger.urls() == []


def test_a_file_of_somebody_else_is_refused(path: Path) -> None:
    """F11"""
    path.parent.mkdir()
    path.write_bytes(b"SQLite format 3\0" + b"\0" * 4080)
    before = directory(path)
    with pytest.raises(ForeignFile):
        mend(path, NOW)
    assert directory(path) == before


def test_a_feed_that_is_there_twice_is_kept_once(path: Path) -> None:
    """F11: as after damage of an index."""
    with SqliteLedger(path) as ledger:
        ledger.commit([outcome(), outcome("https://example.org/2")])
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL UNIQUE', 'NOT NULL       ') WHERE name = 'feeds'"
        )
        connection.execute("DELETE FROM sqlite_master WHERE name LIKE 'sqlite_autoindex_feeds%'")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE feeds SET url = ?", [URL])
    assert "Every feed in it could be read and was kept" in str(mend(path, NOW))
    with SqliteLedger(path) as ledger:
        assert ledger.urls() == [URL]
