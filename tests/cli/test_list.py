"""`condget list` and `condget explain` tell what a poll would do, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.origin import Answer, Origin, conditional, ok, redirect
from tests.polling.support import rss

NOW = 1_767_268_800


@pytest.fixture(autouse=True)
def _noon(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDGET_NOW", str(NOW))


def test_e1_a_feed_whose_move_was_followed_in_the_list_is_known(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    """E1"""
    origin.script("/old", redirect("/new", 301))
    origin.script("/new", conditional(rss(1), etag='"1"'))
    invoke("poll", origin.url("/old"))
    feeds = tmp_path / "feeds.txt"
    feeds.write_text(origin.url("/new"))
    listed = invoke("list", feeds).stdout
    assert listed.startswith("2026-01-01 13:0")
    assert "requested at most every 60 min" in listed
    explained = invoke("explain", origin.url("/new"))
    assert explained.returncode == 0
    assert 'ETag:               "1"' in explained.stdout
    assert "requested at most every 60 min" in explained.stdout


def test_c6_a_silent_host_is_told_of_feeds_that_were_never_polled(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    """C6: by list, by explain, and by a forced poll that sends nothing."""
    origin.script("*", Answer(429, fields=[("Retry-After", "3600")]))
    invoke("poll", origin.url("/one"))
    url = origin.url("/two")
    feeds = tmp_path / "feeds.txt"
    feeds.write_text(url)
    reason = "Retry-After: 3600 of the 429 at 12:00Z; no request to 127.0.0.1 until 13:00Z"
    assert invoke("list", feeds).stdout == f"2026-01-01 13:00Z  {url}: {reason}\n"
    assert f"next poll:          {reason}\n" in invoke("explain", url, feeds).stdout
    forced = invoke("poll", "--force", feeds)
    assert (forced.returncode, forced.stdout) == (0, "")
    assert forced.stderr == f"condget: {url}: not polled: {reason}\n"
    assert len(origin.requests) == 1


def test_a_secret_that_is_missing_is_named(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    feeds = tmp_path / "feeds.txt"
    feeds.write_text(f"{origin.url('/feed')} header=X-Key:@env:NO_SUCH_VARIABLE\n")
    for polled in (False, True):
        if polled:
            assert invoke("poll", feeds).returncode == 1
        for command in (["list"], ["explain", origin.url("/feed")]):
            assert "the variable NO_SUCH_VARIABLE is not set" in invoke(*command, feeds).stdout


def test_c8_how_to_poll_a_gone_feed_again_is_told(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    """C8"""
    origin.script("/feed", Answer(410))
    url = origin.url("/feed")
    invoke("poll", url)
    assert invoke("list", url).stdout.startswith(f"never              {url}: gone")
    assert f"to poll it again:   condget poll --force {url}\n" in invoke("explain", url).stdout
    origin.script("/feed", ok(rss(1)))
    assert "first seen" in invoke("poll", "--force", url).stdout


def test_options_are_shown_as_people_write_them(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    """F9: without secrets; the feed is named by its URL without userinfo, or by its name."""
    feeds = tmp_path / "feeds.txt"
    feeds.write_text(
        f"{origin.url('/feed', userinfo='me:pa55')} name=Mine every=6h private-network=yes timeout=90s "
        "header=X-Key:s3cret pause=yes\n"
    )
    for named in (origin.url("/feed"), "Mine"):
        shown = invoke("explain", named, feeds)
        assert shown.returncode == 0
        rows = dict(line.split(":", 1) for line in shown.stdout.splitlines())
        options = {name.strip(): value.strip() for name, value in rows.items() if name.startswith("  ")}
        assert options == {
            "every": "6 h",
            "private-network": "yes",
            "timeout": "90 s",
            "headers": "X-Key",
            "pause": "paused in the list",
        }
        assert rows["listed"].strip() == f"{feeds}:1 as Mine"
        assert "s3cret" not in shown.stdout
        assert "pa55" not in shown.stdout


def test_a_feed_that_is_known_to_nobody_is_exit_1(invoke: Run, origin: Origin) -> None:
    done = invoke("explain", origin.url("/feed"))
    assert done.returncode == 1
    assert "never polled" in done.stdout
    assert "never requested: due now" in done.stdout
