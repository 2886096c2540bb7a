"""How `condget poll` writes its reports: order, files, formats, templates, limits."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from condget.feeds.documents import parse
from tests.cli.conftest import Run
from tests.origin import Answer, Origin, conditional, ok
from tests.polling.support import rss


@pytest.fixture
def feeds(origin: Origin, tmp_path: Path) -> Path:
    """Three feeds, of which the first is the last to answer."""
    origin.script("/a", Answer(200, body=rss(1, 2, 3, title="Ale"), delay=0.6))
    origin.script("/b", Answer(503, delay=0.3))
    origin.script("/c", ok(rss(4, title="Cocoa")))
    file = tmp_path / "feeds.txt"
    file.write_text("".join(f"{origin.url(path)}\n" for path in ("/a", "/b", "/c")))
    return file


def test_reports_stand_in_the_order_of_the_list(invoke: Run, feeds: Path) -> None:
    """So two reports of one list can be compared, whichever server is quick today."""
    done = invoke("poll", "--gap", 0, "--format", "jsonl", feeds)
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["new", "error", "new"]
    assert [json.loads(line)["title"] for line in done.stdout.splitlines()] == ["Ale", None, "Cocoa"]


def test_reports_of_all_feeds_stand_in_the_order_of_the_list_too(invoke: Run, feeds: Path, origin: Origin) -> None:
    invoke("poll", origin.url("/c"))
    done = invoke("poll", "--gap", 0, "--format", "jsonl", "--all", feeds)
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["new", "error", "skipped"]


def test_a_file_gets_the_whole_report_or_stays_as_it_is(
    invoke: Run, feeds: Path, origin: Origin, tmp_path: Path
) -> None:
    news = tmp_path / "news.html"
    news.write_text("of before")
    done = invoke("poll", "-f", "html", "-o", news, "--entries", "--gap", 0, feeds)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    page = news.read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert page.endswith("</html>\n")
    assert page.index("Ale") < page.index("503 Service Unavailable") < page.index("Cocoa")
    before = news.stat()
    assert invoke("poll", "-f", "html", "-o", news, feeds).returncode == 0
    assert news.stat() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["feeds.txt", "home", "news.html"]


def test_b7_what_a_file_could_not_take_comes_again(invoke: Run, feeds: Path, tmp_path: Path) -> None:
    """B7"""
    done = invoke("poll", "-o", tmp_path / "nowhere" / "news.txt", feeds)
    assert (done.returncode, done.stdout) == (1, "")
    assert "news.txt cannot be written (No such file or directory)" in done.stderr
    assert "Ale" in invoke("poll", feeds).stdout


def test_an_atom_report_is_a_feed_and_words_go_to_stderr(invoke: Run, feeds: Path) -> None:
    done = invoke("poll", "-f", "atom", "--entries", "--gap", 0, feeds)
    document = parse(done.stdout.encode(), None, "https://here.example/")
    assert [entry.title for entry in document.entries] == ["Entry 1", "Entry 2", "Entry 3", "Entry 4"]
    assert (done.returncode, document.defect) == (1, None)
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_a_template_is_printed_for_each_new_entry(invoke: Run, origin: Origin) -> None:
    origin.script("/feed", conditional(rss(1), etag='"1"'))
    template = ("--template", r"{feed_title}\t{title}\t{link}")
    assert invoke("poll", *template, origin.url("/feed")).stdout == ""
    origin.script("/feed", conditional(rss(1, 2, 3), etag='"2"'))
    done = invoke("poll", "--force", *template, origin.url("/feed"))
    assert done.stdout == "Tea\tEntry 2\thttps://example.org/2\nTea\tEntry 3\thttps://example.org/3\n"


def test_a_wrong_template_is_refused_before_any_request(invoke: Run, feeds: Path, origin: Origin) -> None:
    done = invoke("poll", "--template", "{titel}", feeds)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'no field "{titel}"' in done.stderr
    assert invoke("poll", "--template", "{title}", "-f", "html", feeds).returncode == 2
    assert invoke("poll", "-f", "pdf", feeds).returncode == 2
    assert origin.requests == []


def test_entries_beyond_a_limit_are_counted_and_seen(invoke: Run, origin: Origin) -> None:
    origin.script("/feed", conditional(rss(1, 2, 3), etag='"1"'))
    url = origin.url("/feed")
    done = invoke("poll", "--entries", "--limit", 1, url)
    assert done.stdout == (
        f"Tea ({url}): first seen, with 3 entries\n  * Entry 1\n    https://example.org/1\n  and 2 more\n"
    )
    assert invoke("poll", "--force", url).stdout == ""


def test_dates_are_in_local_time(condget: Run, origin: Origin) -> None:
    dated = rss(1).replace(b"</guid>", b"</guid><pubDate>Wed, 01 May 2024 23:30:00 GMT</pubDate>")
    origin.script("/feed", ok(dated))
    done: subprocess.CompletedProcess[str] = condget(
        "poll", "--entries", origin.url("/feed"), env={"TZ": "Europe/Berlin"}
    )
    assert "  * Entry 1 (2024-05-02 01:30)\n" in done.stdout


def test_catch_up_takes_all_entries_as_seen_and_reports_failures_alone(
    invoke: Run, feeds: Path, origin: Origin
) -> None:
    done = invoke("poll", "--catch-up", "--gap", 0, "--exit-code", feeds)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "503 Service Unavailable" in done.stderr
    assert invoke("poll", "--force", "--gap", 0, "-q", feeds).stdout == ""
    origin.script("/c", ok(rss(4, 5, title="Cocoa")))
    assert "Entry 5" in invoke("poll", "--force", "--gap", 0, "-q", feeds).stdout


def test_filters_of_a_run_are_for_all_feeds(invoke: Run, feeds: Path) -> None:
    done = invoke("poll", "--entries", "--match", "entry [24]", "--not-match", "/2$", "--gap", 0, "-q", feeds)
    assert [line.strip() for line in done.stdout.splitlines() if "*" in line] == ["* Entry 4"]
    assert invoke("poll", "--force", "--gap", 0, "-q", feeds).stdout == ""


def test_a_wrong_expression_is_refused(invoke: Run, feeds: Path, origin: Origin) -> None:
    done = invoke("poll", "--match", "(", feeds)
    assert (done.returncode, done.stdout) == (2, "")
    assert '--match: "(" is not a regular expression' in done.stderr
    assert origin.requests == []
