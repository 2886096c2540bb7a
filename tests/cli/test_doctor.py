"""`condget doctor` finds the common faults of servers, and names the option that helps."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.origin import Answer, Origin, RawRequest, Script, conditional, not_modified, ok, redirect
from tests.polling.support import rss

Run = Callable[..., "subprocess.CompletedProcess[str]"]
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


def apache(request: RawRequest) -> Answer:
    """Adds -gzip to the ETag and does not know it again (Apache bug 45023)."""
    asked = request.fields.get("if-none-match")
    if asked == '"1"' or (asked is None and request.fields.get("if-modified-since") == DATE):
        return not_modified(etag='"1"')
    return ok(rss(1), etag='"1-gzip"', last_modified=DATE)


def yes_man(request: RawRequest) -> Answer:
    """Answers 304 to whatever ETag."""
    return not_modified() if "if-none-match" in request.fields else ok(rss(1), etag='"1"')


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        (conditional(rss(1), etag='"1"', last_modified=DATE), 0, "honours its validators"),
        (ok(rss(1)), 1, "no validators"),
        (apache, 1, "validators=last-modified"),
        (yes_man, 1, "validators=none"),
    ],
)
def test_the_doctor_asks_politely_and_tells(invoke: Run, origin: Origin, script: Script, code: int, words: str) -> None:
    """A few GET requests, the poller's state left alone."""
    origin.script("/feed", script)
    done = invoke("doctor", origin.url("/feed"))
    assert (done.returncode, done.stderr) == (code, "")
    assert words in done.stdout
    assert {request.method for request in origin.requests} == {"GET"}
    assert len(origin.requests) <= 7


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429, 503])
def test_f9_the_doctor_says_of_an_error_what_poll_says(invoke: Run, origin: Origin, status: int) -> None:
    """F9"""
    origin.script("/feed", Answer(status, body=b"<h1>Sorry</h1>"))
    done = invoke("doctor", origin.url("/feed"))
    assert (done.returncode, done.stdout) == (1, "")
    polled = invoke("poll", "-f", "jsonl", "--all", origin.url("/feed"))
    assert done.stderr == f"condget: {json.loads(polled.stdout)['error']}\n"


def test_a_page_is_no_success_and_the_feed_that_it_names_is_named(invoke: Run, origin: Origin) -> None:
    page = b"""<html><head><title>My blog</title>
    <link rel="alternate" type="application/atom+xml" title="Posts" href="/atom.xml"></head></html>"""
    origin.script("/", ok(page, etag='"1"'))
    done = invoke("doctor", origin.url("/"))
    assert (done.returncode, done.stderr) == (1, "")
    assert 'no feed but an HTML page titled "My blog"' in done.stdout
    assert f"it names the feed {origin.url('/atom.xml')}" in done.stdout
    assert "honours" not in done.stdout
    assert len(origin.requests) == 1


def test_what_faults_cost_and_that_nothing_helps_is_said(invoke: Run, origin: Origin) -> None:
    """C2"""
    content = rss(*range(50))
    origin.script("/feed", lambda request: ok(content, etag='"ignored"'))
    done = invoke("doctor", origin.url("/feed"))
    assert done.returncode == 1
    assert "fault: it does not honour its own ETag\n" in done.stdout
    daily = len(content) * 6 / 1000
    assert (
        f"cost: each poll transfers {len(content):,} bytes; condget polls such a feed at most every 4 h" in done.stdout
    )
    assert f"for {daily:,.0f} kB a day\n" in done.stdout
    assert "No option of the list helps" in done.stdout


def test_moves_and_a_long_max_age_are_told(invoke: Run, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    """C3, E1"""
    monkeypatch.setenv("CONDGET_NOW", str(1_767_268_800))
    origin.script("/old", redirect("/new", 301))
    origin.script("/now", redirect("/new", 302))
    origin.script("/new", lambda request: conditional(rss(1), etag='"1"', cache_control="max-age=604800")(request))
    moved = invoke("doctor", origin.url("/old")).stdout
    assert f"moved:          permanently to {origin.url('/new')}; change the list\n" in moved
    assert f"redirects:      for the moment to {origin.url('/new')}\n" in invoke("doctor", origin.url("/now")).stdout
    assert "next poll:      max-age=604800 of the 200 at 12:00Z; next at 2026-01-08 1" in moved


def test_the_options_of_a_feed_come_from_its_list(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    """E5: by URL, with or without userinfo, or by name; and a redirect elsewhere is sent no secret."""
    origin.script("/feed", conditional(rss(1), etag='"1"'))
    (tmp_path / "key").write_text("s3cret\n")
    with Origin() as elsewhere:
        elsewhere.script("/there", conditional(rss(1), etag='"1"'))
        origin.script("/away", redirect(elsewhere.url("/there")))
        (tmp_path / "feeds.txt").write_text(
            f"{origin.url('/feed', userinfo='me:pa55')} name=Mine header=X-Key:@file:key user-agent=me/1\n"
            f"{origin.url('/away')} header=X-Key:@file:key\n"
        )
        for named in ("Mine", origin.url("/feed"), origin.url("/feed", userinfo="me:")):
            origin.clear()
            done = invoke("doctor", named, "--list", "feeds.txt")
            assert (done.returncode, done.stderr) == (0, "")
            assert {request.fields.get("x-key") for request in origin.requests} == {"s3cret"}
            assert {request.fields.get("user-agent") for request in origin.requests} == {"me/1"}
            assert {request.fields.get("authorization") for request in origin.requests} == {"Basic bWU6cGE1NQ=="}
            assert "pa55" not in done.stdout
        assert invoke("doctor", origin.url("/away"), "--list", "feeds.txt").returncode == 0
        assert not any(b"s3cret" in request.raw for request in elsewhere.requests)
    unknown = invoke("doctor", "Other", "--list", "feeds.txt")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert 'the list has no feed of the name "Other"' in unknown.stderr
