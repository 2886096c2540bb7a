"""`condget poll` as a user or cron runs it: what it prints, where, with which exit code, and what it remembers."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from condget.reports import FORMATS
from tests.cli.conftest import SILENCE, Run, said, state_of
from tests.origin import Answer, Origin, conditional, ok, redirect
from tests.polling.support import rss

NOW = 1_767_268_800


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_f8_news_once_and_then_silence(invoke: Run, feeds: Path, origin: Origin) -> None:
    """F8, C1: first sight says title and number; with nothing new there is no output at all."""
    url = origin.url("/feed")
    assert said(invoke("poll", feeds)) == (0, f"Tea ({url}): first seen, with 2 entries\n", "")
    assert said(invoke("poll", feeds)) == SILENCE
    assert len(origin.requests) == 1
    assert said(invoke("poll", "--force", feeds)) == SILENCE
    origin.script("/feed", conditional(rss(1, 2, 3), etag='"2"'))
    done = invoke("poll", "--force", feeds, "--exit-code")
    assert said(done) == (3, f"Tea ({url})\n  * Entry 3\n    https://example.org/3\n", "")
    assert len(origin.requests) == 3


def test_f8_jsonl_carries_the_entries_of_a_new_feed(invoke: Run, feeds: Path, origin: Origin) -> None:
    """F8: all of them, and what went over the wire."""
    (first,) = lines(invoke("poll", "--format", "jsonl", feeds))
    assert (first["status"], first["url"], first["http_status"]) == ("new", origin.url("/feed"), 200)
    assert [entry["id"] for entry in first["entries"]] == ["id-1", "id-2"]  # type: ignore[attr-defined]
    assert said(invoke("poll", "--format", "jsonl", "--force", feeds)) == SILENCE
    (unchanged,) = lines(invoke("poll", "--format", "jsonl", "--force", "--all", feeds))
    assert (unchanged["status"], unchanged["bytes_saved"]) == ("unchanged", len(rss(1, 2)))
    (skipped,) = lines(invoke("poll", "--format", "jsonl", "--all", feeds))
    assert skipped["status"] == "skipped"
    assert "60 min" in str(skipped["reason"])


def test_f12_content_is_reported_where_wanted_and_never_kept(invoke: Run, origin: Origin, home: Path) -> None:
    """F12: the text of an entry passes through; the state has digests of it."""
    feed = rss(1).replace(b"</guid>", b"</guid><description>a long st0ry</description><author>Ann</author>")
    origin.script("/feed", ok(feed))
    (line,) = lines(invoke("poll", "-f", "jsonl", "--content", origin.url("/feed")))
    assert [entry["content"] for entry in line["entries"]] == ["a long st0ry"]  # type: ignore[attr-defined]
    assert b"st0ry" not in b"".join(path.read_bytes() for path in (home / "state").iterdir())


def test_f8_the_entries_of_a_new_feed_can_be_listed(invoke: Run, feeds: Path) -> None:
    """F8."""
    assert "  * Entry 1\n" in invoke("poll", "--entries", feeds).stdout


def test_f4_failures_go_to_stderr_and_news_to_stdout(invoke: Run, feeds: Path, origin: Origin) -> None:
    """F4, F9: exit 1; in JSON Lines failures are objects among the others."""
    origin.script("/bad", Answer(503, body=b"<h1>closed for repairs</h1>"))
    done = invoke("poll", origin.url("/bad"), feeds)
    assert done.returncode == 1
    assert "Tea" in done.stdout
    assert "Tea" not in done.stderr
    assert f'{origin.url("/bad")}: 503 Service Unavailable ("closed for repairs")' in done.stderr
    quiet = invoke("poll", "--force", "-q", origin.url("/bad"))
    assert said(quiet) == (1, "", "")
    as_lines = invoke("poll", "--force", "-f", "jsonl", origin.url("/bad"), feeds)
    assert (as_lines.returncode, as_lines.stderr) == (1, "")
    assert [(line["status"], line["http_status"]) for line in lines(as_lines)] == [("error", 503)]


def test_c13_a_machine_that_is_offline_says_so_once(invoke: Run, tmp_path: Path, home: Path) -> None:
    """C13: one line for all feeds, no failure is counted, and the next try is soon."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    many = tmp_path / "many.txt"
    many.write_text("".join(f"http://127.0.0.1:{port}/{n}\n" for n in range(30)))
    done = invoke("poll", many)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "None of 30 feeds" in done.stderr
    ledger = state_of(home)
    assert {state.failures for state in ledger.load(ledger.urls()).values()} == {0}
    assert len(ledger.urls()) == 30
    assert said(invoke("poll", many)) == SILENCE


def test_c8_gone_is_told_once(invoke: Run, feeds: Path, origin: Origin) -> None:
    """C8: and never asked again, not even with --force, which then says why, unless the URL itself is given."""
    origin.script("/feed", Answer(410))
    assert "gone" in invoke("poll", feeds).stdout
    assert said(invoke("poll", feeds)) == SILENCE
    forced = invoke("poll", "--force", feeds)
    assert (forced.returncode, forced.stdout) == (0, "")
    assert f"{origin.url('/feed')}: not polled: gone" in forced.stderr
    assert said(invoke("poll", "--force", "-q", feeds)) == SILENCE
    assert len(origin.requests) == 1
    invoke("poll", "--force", origin.url("/feed"))
    assert len(origin.requests) == 2


def test_e1_a_move_is_told_and_the_list_stays(invoke: Run, feeds: Path, origin: Origin) -> None:
    """E1."""
    invoke("poll", feeds)
    before = feeds.read_bytes()
    origin.script("/feed", redirect("/new", 301))
    origin.script("/new", conditional(rss(1, 2), etag='"3"'))
    (moved,) = lines(invoke("poll", "--force", "-f", "jsonl", feeds))
    assert (moved["status"], moved["moved_to"], moved["entries"]) == ("moved", origin.url("/new"), [])
    assert said(invoke("poll", "--force", feeds)) == SILENCE
    assert [request.path for request in origin.requests] == ["/feed", "/feed", "/new", "/new"]
    assert feeds.read_bytes() == before


def test_edited_entries_are_news_only_if_wanted(invoke: Run, feeds: Path, origin: Origin) -> None:
    """F5."""
    invoke("poll", feeds)
    origin.script("/feed", ok(rss(1, 2).replace(b"Entry 2", b"Entry two")))
    assert said(invoke("poll", "--force", feeds)) == SILENCE
    origin.script("/feed", ok(rss(1, 2).replace(b"Entry 2", b"Entry II")))
    assert "edited: Entry II" in invoke("poll", "--force", "--edited", feeds).stdout


def test_f10_a_dry_run_asks_nobody_and_writes_nothing(invoke: Run, feeds: Path, origin: Origin, home: Path) -> None:
    """F10: with a state and without."""
    assert origin.url("/feed") in invoke("poll", "--dry-run", feeds).stdout
    assert not (home / "state").exists()
    invoke("poll", feeds)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (home / "state").iterdir()}
    done = invoke("poll", "--dry-run", "--force", feeds)
    assert "with If-None-Match" in done.stdout
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (home / "state").iterdir()} == before
    assert len(origin.requests) == 1


def test_a_list_can_come_from_stdin_and_as_opml(condget: Run, origin: Origin, tmp_path: Path) -> None:
    origin.script("*", ok(rss(1)))
    assert condget("poll", "-", input=origin.url("/a") + "\n").stdout.startswith("Tea")
    (tmp_path / "feeds.opml").write_text(f'<opml><body><outline text="B" xmlUrl="{origin.url("/b")}"/></body></opml>')
    assert condget("poll", "feeds.opml").stdout.startswith("B (")


def test_c1_a_poll_with_nothing_due_imports_nothing_heavy(
    condget: Run, feeds: Path, environment: dict[str, str]
) -> None:
    """Nothing is due most of the time: that must feel instant."""
    condget("poll", feeds)
    program = (
        "import sys\nfrom condget.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass\nprint(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "poll", str(feeds)],
        # platformdirs, which knows the directories that are not set, loads some of these for itself.
        env=environment | {"CONDGET_CONFIG_DIR": environment["HOME"]},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    heavy = {"asyncio", "httpx", "feedparser", "h11", "ssl", "rich", "xml.sax", "ctypes"}
    dear = {"condget.feeds.values", "hashlib", "json", "random", "tempfile", "tomllib"}
    assert not loaded & (heavy | dear)
    # Each module costs a third of a millisecond, at least.
    assert len([name for name in loaded if name.split(".")[0] == "condget"]) <= 50, sorted(loaded)


def test_c1_condget_now_is_the_clock(condget: Run, feeds: Path, origin: Origin) -> None:
    """C1, C2: for tests, and for trying out a schedule."""
    for minutes, requests in ((0, 1), (59, 1), (71, 2), (72, 2)):
        condget("poll", feeds, env={"CONDGET_NOW": str(NOW + minutes * 60)})
        assert len(origin.requests) == requests
    assert condget("poll", feeds, env={"CONDGET_NOW": "noon"}).returncode == 2


def test_list_and_explain_say_when_and_why(condget: Run, feeds: Path, origin: Origin) -> None:
    url = origin.url("/feed")
    now = {"CONDGET_NOW": str(NOW)}
    assert condget("list", feeds).stdout == f"now                {url}: never requested: due now\n"
    assert condget("explain", url).returncode == 1
    condget("poll", feeds, env=now)
    listed = condget("list", feeds, env=now).stdout
    assert listed.startswith("2026-01-01 13:0")
    assert "at most every 60 min" in listed
    feeds.write_text(f"{url} every=2h name=Mine header=X-Key:secret\n")
    explained = condget("explain", url, feeds, env=now).stdout
    for words in ('"1"', "Tea", "as Mine", "every", "2 h", "60 min", "2 entries"):
        assert words in explained
    assert "secret" not in explained
    assert len(origin.requests) == 1


def test_a_format_with_head_and_foot_makes_one_document(
    invoke: Run, feeds: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head comes before the first report and the foot behind the last; where nothing is new, neither does."""
    monkeypatch.setitem(FORMATS, "page", "tests.cli.page_format")
    monkeypatch.setenv("CONDGET_NOW", str(NOW))
    origin.script("/other", ok(rss(1, title="Cake")))
    origin.script("/bad", Answer(404))
    feeds.write_text("".join(f"{origin.url(path)}\n" for path in ("/feed", "/other", "/bad")))
    done = invoke("poll", "--format", "page", feeds)
    first, *items, last = done.stdout.splitlines()
    assert (first, last) == (f"<page made={NOW}>", "</page>")
    assert sorted(items) == ["Cake new", "None error", "Tea new"]
    assert (done.returncode, done.stderr) == (1, "")
    assert said(invoke("poll", "--format", "page", feeds)) == SILENCE


def test_a_run_can_be_limited(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    """The rest comes with the next run."""
    origin.script("*", ok(rss(1), etag='"1"'))
    many = tmp_path / "many.txt"
    many.write_text("".join(f"{origin.url(f'/{n}')}\n" for n in range(3)))
    assert invoke("poll", "--max-requests", "2", many).stdout.count("first seen") == 2
    assert invoke("poll", "--deadline", "4m", "--max-bytes", "50MB", many).stdout.count("first seen") == 1
    assert len(origin.requests) == 3


@pytest.mark.parametrize("options", [["--deadline", "4"], ["--max-bytes", "50"], ["--max-bytes", "0MB"]])
def test_a_limit_has_a_unit(invoke: Run, feeds: Path, options: list[str]) -> None:
    done = invoke("poll", *options, feeds)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"condget: {options[0]}: ")
