"""Lists that are too long for memory: which ones, and what is read of them."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

from condget.polling.large_lists import LargeList, large_list
from condget.polling.lists import Listed, read
from condget.stores.memory_ledger import MemoryLedger

LINES = [
    "https://a.example/feed",
    "# a comment \xff",
    "",
    "  https://B.example every=6h name=Tea  ",
    "ftp://c.example/",
    "https://user:secret@d.example/feed#x",
    "https://a.example/feed name=Again",
    'https://e.example/ header="X-Key:@file:key"',
    "https://b\u00fccher.example/feed",
    "https://f.example/ color=red",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "feeds.txt"


def enrolled(path: Path, ledger: MemoryLedger) -> tuple[LargeList, Listed]:
    list_ = large_list([path], 3)
    assert list_ is not None
    return list_, list_.enrol(ledger)


def content(end: str, head: str = "") -> bytes:
    return (head + end.join(LINES) + end).encode("utf-8").replace(b"\xc3\xbf", b"\xff")


@pytest.mark.parametrize("head", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_b9_d9_lines_are_read_as_those_of_a_short_list(path: Path, end: str, head: str) -> None:
    """B9, D9: the same feeds, each once, the same refusals, and the same again at the next run."""
    path.write_bytes(content(end, head))
    short, ledger = read([path]), MemoryLedger()
    for turn in range(2):
        list_, listed = enrolled(path, ledger)
        with closing(list_):
            assert listed.refused == short.refused
            assert listed.skipped == (
                () if turn else (f"{path}: 1 lines name a feed of an earlier line, which counts",)
            )
            (portion,) = ledger.portions(list_.digest, 99)
            assert tuple(list_.read(portion)) == short.subscriptions
            assert (list_.feeds, list_.is_new, list_.unread) == (6, not turn, None)
    assert [feed.is_open for feed in portion] == [True, True, False, False, True]
    assert [feed.host for feed in portion][1::3] == ["b.example", "xn--bcher-kva.example"]


def test_f12_no_secret_reaches_the_ledger(path: Path) -> None:
    """F12"""
    path.write_text("\n".join([*LINES, "ftp://user:secret@x.example/"]), encoding="utf-8")
    ledger = MemoryLedger()
    list_, _ = enrolled(path, ledger)
    with closing(list_):
        assert "secret" not in repr((ledger.enrolment(list_.digest), list(ledger.portions(list_.digest, 99))))


def test_of_many_refused_lines_the_first_ten_are_named(path: Path) -> None:
    """D9"""
    path.write_text("https://a.example/\n" + "ftp://b.example/\n" * 30)
    ledger = MemoryLedger()
    for _ in range(2):
        list_, listed = enrolled(path, ledger)
        list_.close()
        assert listed.faults() == read([path]).faults()
        assert listed.exit_code == 1


def test_a_list_that_is_edited_in_place_costs_the_lines_that_moved(path: Path) -> None:
    path.write_text("".join(f"https://{number}.example/feed\n" for number in range(9)))
    ledger = MemoryLedger()
    list_, _ = enrolled(path, ledger)
    with closing(list_):
        (portion,) = ledger.portions(list_.digest, 99)
        with path.open("r+") as file:
            file.seek(5 * len("https://0.example/feed\n"))
            file.write("# " + "https://new.example/feed\n")
        found = [subscription.url for subscription in list_.read(portion)]
        assert found[:5] == [f"https://{number}.example/feed" for number in range(5)]
        assert 5 <= len(found) < 9
        assert list_.unread == f"{path} was edited during the run; {9 - len(found)} feeds of it come with the next run"


def test_a_list_that_is_replaced_is_read_on_as_it_was(path: Path) -> None:
    path.write_text("".join(f"https://{number}.example/feed\n" for number in range(9)))
    ledger = MemoryLedger()
    list_, _ = enrolled(path, ledger)
    with closing(list_):
        (portion,) = ledger.portions(list_.digest, 99)
        path.with_suffix(".new").write_text("nothing\n")
        path.with_suffix(".new").replace(path)
        assert len(list_.read(portion)) == 9


@pytest.mark.parametrize(
    "data",
    [
        b"https://a.example/\n" * 3,
        b"\n" * 4 + b"<opml version='2.0'><body>" + b"<outline xmlUrl='https://a.example/'/>\n" * 9 + b"</body></opml>",
        "\ufeff".encode("utf-16") + ("https://a.example/\n" * 9).encode("utf-16-le"),
        b"",
    ],
    ids=["short", "OPML", "UTF-16", "empty"],
)
def test_other_lists_are_read_whole(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    assert large_list([path], 3) is None


def test_only_the_one_list_of_a_run_is_large(path: Path, tmp_path: Path) -> None:
    path.write_bytes(content("\n"))
    os.mkfifo(tmp_path / "pipe")
    for sources in ([path, path], [path, "https://x.example/"], [], ["-"], ["https://x.example/"], [tmp_path]):
        assert large_list(sources, 3) is None
    assert large_list([tmp_path / "pipe"], 3) is None
    assert large_list([tmp_path / "missing"], 3) is None
    assert large_list(["\0"], 3) is None
