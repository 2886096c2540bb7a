"""Hooks: commands and webhooks that get the news, and get them again after they failed."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.origin import Answer, Origin, conditional
from tests.polling.support import rss


@pytest.fixture
def feed(invoke: Run, origin: Origin) -> str:
    """A feed whose first entry is known, and which has two new ones."""
    url = origin.url("/feed")
    origin.script("/feed", conditional(rss(1), etag='"1"'))
    assert invoke("poll", url).returncode == 0
    origin.script("/feed", conditional(rss(1, 2, 3), etag='"2"'))
    return url


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Path]:
    """Write a program of the shell and return its path."""

    def write(text: str) -> Path:
        path = tmp_path / f"hook{len(list(tmp_path.iterdir()))}"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    return write


def said(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr


def test_a_command_gets_each_feed_with_news(
    invoke: Run, feed: str, script: Callable[[str], Path], tmp_path: Path
) -> None:
    hook = script('cat > "$1"; env | grep ^CONDGET_ > "$1.env"')
    out = tmp_path / "out put"
    done = invoke("poll", "--force", "--exec", f"{hook} '{out}'", feed)
    assert said(done) == (0, "", "")
    got = json.loads(out.read_text())
    assert (got["schema"], got["url"], [entry["title"] for entry in got["entries"]]) == (
        "condget.poll/1",
        feed,
        ["Entry 2", "Entry 3"],
    )
    variables = dict(line.split("=", 1) for line in Path(f"{out}.env").read_text().splitlines())
    assert variables["CONDGET_FEED_URL"] == feed
    assert (variables["CONDGET_FEED_TITLE"], variables["CONDGET_STATUS"]) == ("Tea", "changed")
    assert variables["CONDGET_ENTRIES"] == "2"
    out.unlink()
    assert said(invoke("poll", "--force", "--exec", f"{hook} '{out}'", feed)) == (0, "", "")
    assert not out.exists()


def test_a_command_gets_each_entry(invoke: Run, feed: str, script: Callable[[str], Path], tmp_path: Path) -> None:
    hook = script(f'cat >> "{tmp_path}/out"; echo "$CONDGET_ENTRY_TITLE $CONDGET_ENTRY_LINK" >> "{tmp_path}/titles"')
    assert said(invoke("poll", "--force", "--exec-entry", hook, feed)) == (0, "", "")
    assert (tmp_path / "titles").read_text() == "Entry 2 https://example.org/2\nEntry 3 https://example.org/3\n"
    first, _ = map(json.loads, (tmp_path / "out").read_text().splitlines())
    assert first["schema"] == "condget.entry/1"
    assert (first["feed"]["url"], first["entry"]["id"]) == (feed, "id-2")


def test_f8_hooks_are_for_news_and_not_for_first_sight(
    invoke: Run, origin: Origin, script: Callable[[str], Path], tmp_path: Path
) -> None:
    """F8: unless the entries of new feeds are wanted."""
    origin.script("*", conditional(rss(1), etag='"1"'))
    hook = script(f'echo "$CONDGET_ENTRY_TITLE" >> {tmp_path}/titles')
    assert said(invoke("poll", "--exec-entry", hook, origin.url("/a"))) == (0, "", "")
    assert not (tmp_path / "titles").exists()
    assert said(invoke("poll", "--entries", "--exec-entry", hook, origin.url("/b"))) == (0, "", "")
    assert (tmp_path / "titles").read_text() == "Entry 1\n"


@pytest.mark.parametrize("option", ["--exec", "--exec-entry"])
@pytest.mark.parametrize(
    ("program", "cause"),
    [("exit 3", "exited with 3"), ("sleep 60", "did not end within 0.5 seconds"), ("kill -9 $$", "signal 9")],
)
def test_b7_news_whose_hook_fails_come_again(
    invoke: Run, feed: str, script: Callable[[str], Path], program: str, cause: str, option: str
) -> None:
    """B7: with the next run, whether the feed is due or not."""
    done = invoke("poll", "--force", option, script(program), "--hook-timeout", 0.5, feed)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{feed}: " in done.stderr
    assert cause in done.stderr
    assert "its news come with the next run" in done.stderr
    assert "Entry 2" in invoke("poll", "--force", feed).stdout


def test_c1_a_hook_that_is_broken_for_long_costs_the_server_a_poll_an_hour(
    condget: Run, origin: Origin, script: Callable[[str], Path], tmp_path: Path
) -> None:
    """C1, B7: the next run tries again at once, twice; whenever the hook works, the news are there."""
    origin.script("/feed", conditional(rss(1), etag='"1"'))
    feed, broken, works = origin.url("/feed"), script("exit 1"), script(f"cat > {tmp_path}/news")

    def run(minutes: int, hook: Path) -> int:
        now = {"CONDGET_NOW": str(1_767_268_800 + minutes * 60)}
        condget("poll", "-q", "--entries", "--exec", hook, feed, env=now)
        return len(origin.requests)

    assert [run(minutes, broken) for minutes in (0, 5, 10, 15, 69, 90, 95, 149)] == [1, 2, 3, 3, 3, 4, 4, 4]
    assert "not delivered 4 times in a row" in condget("explain", feed, env={"CONDGET_NOW": "1767277740"}).stdout
    assert run(180, works) == 5
    assert [entry["id"] for entry in json.loads((tmp_path / "news").read_text())["entries"]] == ["id-1"]
    assert run(185, broken) == 5


def test_b7_a_failing_hook_holds_back_its_feed_alone(
    invoke: Run, feed: str, origin: Origin, script: Callable[[str], Path]
) -> None:
    """B7"""
    other = origin.url("/other")
    origin.script("/other", conditional(rss(7), etag='"1"'))
    hook = script(f'test "$CONDGET_FEED_URL" != "{feed}"')
    done = invoke("poll", "--force", "--gap", 0, "--entries", "--exec", hook, "-f", "jsonl", feed, other)
    assert done.returncode == 1
    assert [json.loads(line)["url"] for line in done.stdout.splitlines()] == [other]
    again = invoke("poll", "--force", "--gap", 0, "-f", "jsonl", feed, other)
    assert [json.loads(line)["url"] for line in again.stdout.splitlines()] == [feed]


def test_a_run_ends_though_no_hook_does(invoke: Run, origin: Origin, script: Callable[[str], Path]) -> None:
    urls = [origin.url(f"/{number}") for number in range(12)]
    origin.script("*", conditional(rss(1), etag='"1"'))
    arguments = ("--entries", "--gap", 0, "--hook-timeout", 0.3, "--exec", script("sleep 60"))
    done = invoke("poll", *arguments, *urls)
    assert (done.returncode, done.stderr.count("did not end within 0.3 seconds") <= 6) == (1, True)
    assert done.stderr.count("did not end in time") >= 6
    assert len(invoke("poll", "--gap", 0, *urls).stdout.splitlines()) == 12


def test_a_command_that_is_given_up_ends_with_all_its_children(
    invoke: Run, feed: str, script: Callable[[str], Path], tmp_path: Path
) -> None:
    hook = script(f"sleep 61 & echo $! > {tmp_path}/pid; wait")
    invoke("poll", "--force", "--exec", hook, "--hook-timeout", 0.5, feed)
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().split()[2] == "Z":
            return
        time.sleep(0.05)
    raise AssertionError("the child of the hook goes on")


def test_f9_nothing_of_strangers_is_an_argument_a_shell_line_or_a_control(
    invoke: Run, origin: Origin, script: Callable[[str], Path], tmp_path: Path
) -> None:
    """F9"""
    odd = "$(touch owned); `touch owned` &#x9b;2J \" '"
    origin.script("/feed", conditional(rss(1, title=odd).replace(b"Entry 1", odd.encode()), etag='"1"'))
    hook = script('printf "%s|%s\\033[2J" "$#" "$CONDGET_ENTRY_TITLE"')
    done = invoke("poll", "--entries", "--exec-entry", f"{hook} {{title}} '$HOME'", origin.url("/feed"))
    assert said(done) == (0, "", "2|$(touch owned); `touch owned` ›2J \" '\n")
    assert not (tmp_path / "owned").exists()


def test_what_a_hook_prints_goes_to_stderr_beside_the_report(
    invoke: Run, feed: str, script: Callable[[str], Path]
) -> None:
    done = invoke("poll", "--force", "-f", "jsonl", "--exec", script("echo done; echo now >&2"), feed)
    assert (len(done.stdout.splitlines()), done.stderr) == (1, "done\nnow\n")


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("--exec", "/nowhere/hook"), "there is no command /nowhere/hook"),
        (("--exec-entry", ""), "there is no command in it"),
        (("--exec", "'unclosed"), "cannot be read"),
        (("--post", "file:///etc/passwd"), "--post: the scheme"),
        (("--post", "@env:NO_SUCH_HOOK"), "--post: the variable NO_SUCH_HOOK is not set"),
    ],
)
def test_a_hook_that_cannot_be_run_is_refused_before_any_request(
    invoke: Run, origin: Origin, arguments: tuple[str, str], cause: str
) -> None:
    done = invoke("poll", *arguments, origin.url("/feed"))
    assert (done.returncode, done.stdout) == (2, "")
    assert cause in done.stderr
    assert origin.requests == []


def test_gone_and_failing_feeds_are_said_on_stderr_where_news_go_to_a_hook(
    invoke: Run, origin: Origin, script: Callable[[str], Path]
) -> None:
    """C8: that a feed is gone is said once, so it is not for a hook alone."""
    origin.script("/gone", Answer(410))
    done = invoke("poll", "--exec", script("exit 9"), origin.url("/gone"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "gone (410)" in done.stderr


def posts(origin: Origin) -> list[Any]:
    return [request for request in origin.requests if request.method == "POST"]


def test_a_webhook_gets_the_same_json_with_a_key(
    invoke: Run, feed: str, origin: Origin, environment: dict[str, str]
) -> None:
    origin.script("/hook", Answer(503), Answer(204))
    hook = origin.url("/hook", userinfo="me:s3cret")
    done = invoke("poll", "--force", "--post", f"{hook}?token=t0ken", feed)
    assert (done.returncode, done.stdout) == (1, "")
    assert "answered 503 to the POST; its news come with the next run" in done.stderr
    assert "s3cret" not in done.stderr
    assert "t0ken" not in done.stderr
    environment["HOOK"] = hook
    assert said(invoke("poll", "--force", "--post", "@env:HOOK", feed)) == (0, "", "")
    assert said(invoke("poll", "--force", "--post", hook, feed)) == (0, "", "")
    first, second = posts(origin)
    assert first.fields.get("content-type") == "application/json"
    assert [entry["id"] for entry in json.loads(first.body)["entries"]] == ["id-2", "id-3"]
    assert first.fields.get("idempotency-key") == second.fields.get("idempotency-key")
    assert second.fields.get("authorization").startswith("Basic ")


def test_a_webhook_that_cannot_be_reached_or_redirects_has_failed(invoke: Run, feed: str, origin: Origin) -> None:
    origin.script("/hook", Answer(302, [("Location", "/elsewhere")]))
    assert "answered 302" in invoke("poll", "--force", "--post", origin.url("/hook"), feed).stderr
    done = invoke("poll", "--force", "--post", "http://127.0.0.1:9/", feed)
    assert "127.0.0.1 got no POST (ConnectError)" in done.stderr
    assert "Entry 3" in invoke("poll", "--force", feed).stdout


def test_a_dry_run_runs_no_hook(invoke: Run, feed: str, script: Callable[[str], Path], tmp_path: Path) -> None:
    """F10"""
    done = invoke("poll", "--force", "-n", "--exec", script(f"touch {tmp_path}/ran"), feed)
    assert "dry run" in done.stdout
    assert not (tmp_path / "ran").exists()


def test_metrics_are_written_for_a_run(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    origin.script("/feed", conditional(rss(1, 2), etag='"1"'))
    origin.script("/bad", Answer(503))
    file = tmp_path / "condget.prom"
    arguments = ("poll", "-q", "--gap", 0, "--metrics", file, origin.url("/feed"), origin.url("/bad"))
    assert invoke(*arguments).returncode == 1
    samples = dict(line.rsplit(" ", 1) for line in file.read_text().splitlines() if line[0] != "#")
    assert samples['condget_feeds_polled{status="new"}'] == "1"
    assert samples['condget_failures{kind="503"}'] == "1"
    assert (samples["condget_entries_new"], samples["condget_feeds_due"]) == ("2", "2")
    assert (samples["condget_received_bytes"], samples["condget_run_exit_code"]) == (str(len(rss(1, 2))), "1")
    assert file.stat().st_mode & 0o044
    assert invoke(*arguments).returncode == 0
    assert "condget_feeds_due 0\n" in file.read_text()
    assert "127.0.0.1" not in file.read_text()
