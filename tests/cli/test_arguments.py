"""FEEDS arguments: one bad line costs that line, one bad list that list, and the exit code tells (D9)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.origin import Origin, ok
from tests.polling.support import rss


@pytest.fixture
def feeds(origin: Origin, tmp_path: Path) -> Path:
    """A list of one good feed."""
    origin.script("*", ok(rss(1), etag='"1"'))
    file = tmp_path / "feeds.txt"
    file.write_text(origin.url("/feed") + "\n")
    return file


def add(file: Path, *lines: str) -> None:
    with file.open("a") as text:
        text.writelines(f"{line}\n" for line in lines)


@pytest.mark.parametrize(
    "bad", ["file:///etc/passwd", "https://exa mple.org/", "https://example.org/ evry=1h", "http://a.example/ every=6"]
)
def test_d9_a_bad_line_is_named_and_the_other_feeds_are_polled(invoke: Run, feeds: Path, bad: str) -> None:
    """D9: exit 1, with file name and line number; said at each run."""
    add(feeds, bad)
    done = invoke("poll", feeds.name)
    assert (done.returncode, done.stdout.count("first seen")) == (1, 1)
    assert done.stderr.startswith("condget: feeds.txt:2: ")
    assert done.stderr.count("\n") == 1
    again = invoke("poll", feeds.name)
    assert (again.returncode, again.stdout, again.stderr) == (1, "", done.stderr)
    quiet = invoke("poll", "-q", feeds.name)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (1, "", "")


def test_d9_a_bad_line_is_an_error_in_the_report_of_programs(invoke: Run, feeds: Path, origin: Origin) -> None:
    """D9, F9: without its password."""
    add(feeds, "https://ann:hunter2@example.org:x/feed")
    done = invoke("poll", "-f", "jsonl", feeds.name)
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(report["url"], report["status"]) for report in reports] == [
        ("https://example.org:x/feed", "error"),
        (origin.url("/feed"), "new"),
    ]
    assert reports[0]["error"] == "feeds.txt:2: the port of the URL is not a number from 1 to 65535"
    assert done.returncode == 1
    assert "feeds.txt:2: the port" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_d9_ten_bad_lines_are_said_and_the_others_counted(invoke: Run, feeds: Path) -> None:
    """D9"""
    add(feeds, *("nonsense" for _ in range(113)))
    done = invoke("poll", feeds.name)
    assert (done.returncode, done.stdout.count("first seen")) == (1, 1)
    lines = done.stderr.splitlines()
    assert [line.split(":")[2] for line in lines[:-1]] == [str(number) for number in range(2, 12)]
    assert lines[-1] == "condget: 103 more lines refused"


def test_d9_a_list_that_cannot_be_read_costs_that_list(invoke: Run, feeds: Path, tmp_path: Path) -> None:
    """D9: exit 2; the feeds of the other lists are polled."""
    (tmp_path / "page.html").write_text("<html></html>")
    done = invoke("poll", "nowhere.txt", "page.html", "ftp://example.org/", feeds.name)
    assert (done.returncode, done.stdout.count("first seen")) == (2, 1)
    assert done.stderr.splitlines() == [
        "condget: the list nowhere.txt cannot be read (No such file or directory)",
        "condget: page.html: markup with the root element <html> is not a list of feeds; "
        "give OPML, or a text file with a URL per line",
        'condget: command line: the scheme "ftp" is refused; condget polls http and https only',
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["list.txt lists no feed"]),
        ("# none yet\n", ["list.txt lists no feed"]),
        ("<opml><body/></opml>", ["list.txt lists no feed"]),
        ("nonsense\n", ["list.txt:1: not a URL", "list.txt lists no feed"]),
        ('<opml><body><outline xmlUrl="exec:x"/></body></opml>', ["outlines are skipped: 1", "list.txt lists no feed"]),
    ],
)
@pytest.mark.parametrize("command", [["poll"], ["list"]])
def test_d9_a_list_without_a_feed_is_wrong_usage(
    invoke: Run, tmp_path: Path, command: list[str], text: str, words: list[str]
) -> None:
    """D9: after a redirection that went wrong there must not be silence for months."""
    (tmp_path / "list.txt").write_text(text)
    done = invoke(*command, "list.txt")
    assert (done.returncode, done.stdout) == (2, "")
    for line, word in zip(done.stderr.splitlines(), words, strict=True):
        assert word in line


def test_d9_list_and_explain_read_lists_as_poll_does(invoke: Run, feeds: Path, origin: Origin) -> None:
    """D9"""
    add(feeds, "nonsense")
    for command in (["list"], ["explain", origin.url("/feed")]):
        done = invoke(*command, feeds.name)
        assert (done.returncode, origin.url("/feed") in done.stdout) == (1 if command == ["list"] else 0, True)
        assert done.stderr.startswith("condget: feeds.txt:2: not a URL")


def test_a_note_about_a_readers_export_is_for_who_made_it(invoke: Run, feeds: Path, origin: Origin) -> None:
    """D9: said when the list is new, and not in each mail of a cron job."""
    feeds.write_text(f'<opml><outline xmlUrl="exec:x"/><outline xmlUrl="{origin.url("/feed")}"/></opml>')
    note = "condget: feeds.txt: outlines are skipped: 1 that are not http or https (exec)\n"
    first = invoke("poll", feeds.name)
    assert (first.returncode, first.stderr) == (0, note)
    for options in ([], ["--force"], ["-q"]):
        assert invoke("poll", *options, feeds.name).stderr == ""
    assert note in invoke("poll", "-v", feeds.name).stderr
    assert invoke("list", feeds.name).stderr == note


def test_a_secret_is_read_from_a_file_beside_the_list(invoke: Run, origin: Origin, tmp_path: Path, home: Path) -> None:
    """E5: wherever the command is run, as cron runs it in the user's home."""
    origin.script("*", ok(rss(1)))
    there = tmp_path / "sub"
    there.mkdir()
    (there / "token").write_text("s3cret\n")
    (home / "other").write_text("0ther\n")
    paths = {"/near": "token", "/full": str(there / "token"), "/home": "~/other"}
    (there / "feeds.txt").write_text(
        "".join(f"{origin.url(path)} header=X-Key:@file:{file}\n" for path, file in paths.items())
    )
    done = invoke("poll", Path("sub") / "feeds.txt")
    assert (done.returncode, done.stderr) == (0, "")
    keys = {path: origin.requests_for(path)[0].fields.get("x-key") for path in paths}
    assert keys == {"/near": "s3cret", "/full": "s3cret", "/home": "0ther"}


def test_a_missing_secret_file_is_named_by_its_full_path(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "feeds.txt").write_text(f"{origin.url('/feed')} header=X-Key:@file:token\n")
    done = invoke("poll", os.path.join("sub", "feeds.txt"))  # noqa: PTH118
    assert done.returncode == 1
    assert str(tmp_path / "sub" / "token") in done.stderr


@pytest.mark.parametrize("options", [["--dry-run"], ["--dry-run", "--force"]])
def test_f10_a_dry_run_says_what_it_would_do(invoke: Run, feeds: Path, options: list[str]) -> None:
    """F10"""
    assert "dry run; due now, would be requested without validators" in invoke("poll", *options, feeds).stdout
    invoke("poll", feeds)
    done = invoke("poll", *options, feeds)
    if "--force" in options:
        assert "dry run; forced, would be requested with If-None-Match" in done.stdout
    else:
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == "condget: dry run; no feed would be polled now\n"
