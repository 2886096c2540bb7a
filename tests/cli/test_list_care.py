"""`condget moved`, `dead`, `forget`, `import`, `export`: a list of feeds is kept in order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.origin import Answer, Origin, conditional, ok, redirect
from tests.polling.support import rss

DAY = 86_400


@pytest.fixture
def moving(origin: Origin, tmp_path: Path, invoke: Run) -> Path:
    """A list with a feed that has moved for good, and with one that has not."""
    origin.script("/old", redirect(origin.url("/new"), 301))
    origin.script("/new", conditional(rss(1), etag='"1"'))
    origin.script("/stays", conditional(rss(2), etag='"2"'))
    file = tmp_path / "feeds.txt"
    file.write_bytes(f"# mine\r\n{origin.url('/old')}  every=6h\r\n{origin.url('/stays')}\r\n".encode())
    invoke("poll", file)
    return file


def test_e1_a_permanent_move_is_shown_as_a_diff(moving: Path, origin: Origin, invoke: Run) -> None:
    """E1: nothing is written and nothing is sent."""
    before, requests = moving.read_bytes(), len(origin.requests)
    done = invoke("moved", "feeds.txt")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "--- feeds.txt",
        "+++ feeds.txt",
        "@@ -1,3 +1,3 @@",
        " # mine",
        f"-{origin.url('/old')}  every=6h",
        f"+{origin.url('/new')}  every=6h",
        f" {origin.url('/stays')}",
    ]
    assert (moving.read_bytes(), len(origin.requests)) == (before, requests)


def test_e1_a_move_is_applied_and_the_feed_stays_known(moving: Path, origin: Origin, invoke: Run) -> None:
    """E1: line ends, comments and mode stay; the next poll knows the feed by its new URL."""
    before = moving.read_bytes()
    moving.chmod(0o640)
    assert invoke("moved", "--apply", moving).returncode == 0
    assert moving.read_bytes() == before.replace(b"/old", b"/new")
    assert moving.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in moving.parent.iterdir() if path.name.endswith(".part")] == []
    assert invoke("moved", moving).stdout == ""
    done = invoke("poll", "--force", moving)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {request.target for request in origin.requests[-2:]} == {"/new", "/stays"}


def test_a_link_to_the_list_stays_a_link(moving: Path, tmp_path: Path, invoke: Run) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to(moving)
    invoke("moved", "--apply", link)
    assert link.is_symlink()
    assert b"/new" in moving.read_bytes()


def test_only_a_file_can_be_edited(invoke: Run) -> None:
    done = invoke("moved", "https://example.org/")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not a file; name the list of feeds to edit" in done.stderr


def test_dead_feeds_are_listed_by_what_is_wrong_with_them(
    origin: Origin, tmp_path: Path, invoke: Run, environment: dict[str, str]
) -> None:
    now = 1_767_268_800
    for path, answer in (("/gone", Answer(410)), ("/bad", Answer(503)), ("/silent", ok(rss(1)))):
        origin.script(path, answer)
    file = tmp_path / "feeds.txt"
    urls = [origin.url(path) for path in ("/gone", "/bad", "/silent", "/unknown")]
    file.write_text("\n".join(urls[:3]))
    environment["CONDGET_NOW"] = str(now)
    invoke("poll", file)
    file.write_text("\n".join(urls))
    early = invoke("dead", file)
    assert (early.returncode, early.stderr) == (0, "")
    gone, failing = early.stdout.splitlines()
    assert gone.startswith(f"gone      {urls[0]}: gone: the 410 at ")
    assert failing.startswith(f"failing   {urls[1]}: failed once: 503 Service Unavailable")
    environment["CONDGET_NOW"] = str(now + 180 * DAY)
    assert invoke("dead", file).stdout.splitlines()[2:] == [
        f"silent    Tea ({urls[2]}): no news since 2026-01-01 12:00Z"
    ]
    assert len(invoke("dead", "--since", "52w", file).stdout.splitlines()) == 2
    assert invoke("dead", "--since", "2", file).returncode == 2


def test_a_feed_that_was_forgotten_is_new_again(origin: Origin, invoke: Run) -> None:
    origin.script("/feed", conditional(rss(1), etag='"1"'))
    url = origin.url("/feed")
    invoke("poll", url)
    assert json.loads(invoke("state", "export").stdout.splitlines()[0])["feed"]["url"] == url
    assert invoke("forget", url).returncode == 0
    assert invoke("state", "export").stdout == ""
    assert "first seen" in invoke("poll", url).stdout
    assert "If-None-Match" not in dict(origin.requests[-1].fields)
    done = invoke("forget", "https://example.org/unknown")
    assert done.returncode == 1
    assert "https://example.org/unknown: nothing is known of this feed" in done.stderr


def test_a_paused_feed_is_not_polled(origin: Origin, tmp_path: Path, invoke: Run, environment: dict[str, str]) -> None:
    origin.script("/a", ok(rss(1)))
    origin.script("/b", ok(rss(2)))
    file = tmp_path / "feeds.txt"
    file.write_text(f"{origin.url('/a')} pause=yes\n{origin.url('/b')} pause=2026-01-02\n")
    environment["CONDGET_NOW"] = "1767268800"
    done = invoke("poll", "--force", "--all", "-f", "jsonl", file)
    facts = [(row["status"], row["reason"], row["next_poll"]) for row in map(json.loads, done.stdout.splitlines())]
    assert facts == [
        ("skipped", "paused in the list", None),
        ("skipped", "paused in the list until 2026-01-02", "2026-01-02T00:00:00Z"),
    ]
    assert len(origin.requests) == 0
    environment["CONDGET_NOW"] = "1767398400"
    invoke("poll", file)
    assert [request.target for request in origin.requests] == ["/b"]


def test_the_same_feed_with_other_options_is_said(origin: Origin, tmp_path: Path, invoke: Run) -> None:
    """B9: the first line counts."""
    origin.script("/feed", ok(rss(1)))
    url = origin.url("/feed")
    (tmp_path / "l1").write_text(f"{url} name=A every=1d\n")
    (tmp_path / "l2").write_text(f"{url} name=B every=2d\n{url} name=A every=1d\n")
    done = invoke("poll", "l1", "l2")
    assert done.stderr == "condget: l2:1: this feed is in l1:1 with other options, which count\n"
    assert done.stdout.startswith("A (")


def test_opml_to_text_and_back(tmp_path: Path, invoke: Run) -> None:
    opml = tmp_path / "l.opml"
    opml.write_text(
        '<opml><body><outline text="Tech"><outline text="A \x1b]0;x" xmlUrl="https://a.example/"/></outline></body></opml>'
    )
    text = invoke("import", opml)
    assert (text.returncode, text.stderr) == (0, "")
    assert text.stdout.splitlines()[0] == "## Tech"
    assert "\x1b" not in text.stdout
    (tmp_path / "l.txt").write_text("## Tech\nhttps://a.example/ name=A\nhttps://u:p@b.example/\n")
    back = invoke("export", "l.txt")
    assert '<outline type="rss" text="A" xmlUrl="https://a.example/"/>' in back.stdout
    assert back.stderr == (
        "condget: the list holds passwords or headers, and so does the OPML; look through it before you share it\n"
    )
    assert invoke("import", "l.txt").returncode == 2
    assert invoke("export", opml).returncode == 2
    assert invoke("import", "nosuch").returncode == 2


PAGE = (
    b'<!DOCTYPE html><html><head><title>My blog</title><link rel="alternate" type="application/rss+xml" href="/feed">'
    b'<link rel="alternate" type="application/atom+xml" title="Talk" href="/talk"></head></html>'
)


def test_the_feed_of_a_page_is_added(origin: Origin, tmp_path: Path, invoke: Run) -> None:
    origin.script("/blog", ok(PAGE))
    origin.script("/feed", ok(rss(1)))
    file = tmp_path / "feeds.txt"
    file.write_bytes(b"# mine\r\nhttps://example.org/")
    url = origin.url("/feed")
    done = invoke("add", origin.url("/blog"), file)
    assert (done.returncode, done.stdout) == (0, f"Tea ({url}) added to {file}\n")
    assert done.stderr == f"condget: the page names {origin.url('/talk')} (Talk), too\n"
    assert file.read_bytes() == b"# mine\r\nhttps://example.org/\r\n" + url.encode() + b"\r\n"
    again = invoke("add", url, file)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", f"condget: Tea ({url}) is in {file} already\n")
    assert len(file.read_bytes().splitlines()) == 3


def test_a_list_is_made_for_its_first_feed(origin: Origin, tmp_path: Path, invoke: Run) -> None:
    origin.script("/old", redirect(origin.url("/feed"), 301))
    origin.script("/feed", ok(rss(1)))
    assert invoke("add", origin.url("/old"), "new.txt").returncode == 0
    assert (tmp_path / "new.txt").read_text() == f"{origin.url('/feed')}\n"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            ok(b"<html><head><title>Hi</title></head></html>"),
            'no feed but an HTML page titled "Hi", which names no feed',
        ),
        (Answer(404), "404 where a feed should be"),
    ],
)
def test_what_is_no_feed_is_not_added(origin: Origin, tmp_path: Path, invoke: Run, answer: Answer, words: str) -> None:
    origin.script("/", answer)
    done = invoke("add", origin.url("/"), "feeds.txt")
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert not (tmp_path / "feeds.txt").exists()
    assert invoke("add", origin.url("/")).returncode == 2


def test_a_poll_that_meets_a_page_says_which_feed_it_names(origin: Origin, invoke: Run) -> None:
    origin.script("/blog", ok(PAGE))
    done = invoke("poll", origin.url("/blog"))
    assert f'no feed but an HTML page titled "My blog"; it names the feed {origin.url("/feed")}' in done.stderr
