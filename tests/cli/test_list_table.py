"""`condget list` on a terminal: a table with titles, local time, and no line wider than the terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from condget.reports.table import cells
from tests.cli.conftest import Run
from tests.origin import Answer, Origin, ok
from tests.polling.support import rss

NOON = 1_767_268_800


def _on_a_terminal(environment: dict[str, str], columns: int, *arguments: object) -> list[str]:
    main, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "condget", *map(str, arguments)],
        env=environment | {"COLUMNS": str(columns), "TZ": "Asia/Tokyo"},
        stdout=terminal,
        stderr=subprocess.DEVNULL,
    )
    os.close(terminal)
    sent = b""
    try:
        while piece := os.read(main, 10_000):
            sent += piece
    except OSError:  # Linux, once the other side is closed
        pass
    finally:
        os.close(main)
    assert process.wait(timeout=60) == 0
    return sent.decode().splitlines()


@pytest.fixture
def feeds(origin: Origin, tmp_path: Path, invoke: Run, environment: dict[str, str]) -> Path:
    origin.script("/tea", ok(rss(1, title="Tea \x1b[2J&amp; a rather long title of a feed about cake"), etag='"1"'))
    origin.script("/gone", Answer(410))
    file = tmp_path / "feeds.txt"
    file.write_text(f"{origin.url('/tea')}\n{origin.url('/gone')} name=Old\n{origin.url('/new')} pause=2027-01-01\n")
    environment["CONDGET_NOW"] = str(NOON)
    invoke("poll", file)
    return file


def test_the_table_has_titles_local_time_and_reasons(feeds: Path, origin: Origin, environment: dict[str, str]) -> None:
    head, tea, new, old = _on_a_terminal(environment, 120, "list", feeds)
    assert head.split() == ["NEXT", "FEED", "WHY"]
    assert tea.startswith("22:")  # 12:00 UTC and an hour, in Tokyo
    assert "& a rather long title" in tea
    assert "60 min by default" in tea
    assert "next at" not in tea
    assert new.startswith("2027-01-01")
    assert origin.url("/new") in new
    assert old.split()[:2] == ["never", "Old"]


@pytest.mark.parametrize("columns", [40, 80])
def test_no_line_is_wider_than_the_terminal(feeds: Path, environment: dict[str, str], columns: int) -> None:
    lines = _on_a_terminal(environment, columns, "list", feeds)
    assert len(lines) == 4
    assert max(map(cells, lines)) <= columns


def test_what_is_piped_has_urls_and_utc(feeds: Path, origin: Origin, invoke: Run) -> None:
    assert f"  {origin.url('/tea')}: " in invoke("list", feeds).stdout
