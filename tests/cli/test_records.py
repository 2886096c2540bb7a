"""The output of commands for programs: JSON Lines with a schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.origin import Answer, Origin, conditional, ok
from tests.polling.support import rss


def records(run: Run, *arguments: object) -> list[dict[str, Any]]:
    done = run(*arguments, "--format", "jsonl")
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_cache_list_and_info_for_programs(invoke: Run, origin: Origin, home: Path) -> None:
    fields = {"etag": '"a"', "cache_control": "max-age=600", "content_type": "text/plain"}
    origin.script("/a", ok(b"unmistakable", **fields))
    invoke("get", origin.url("/a"))
    (response,) = records(invoke, "cache", "list")
    assert (response["schema"], response["url"], response["status"]) == (
        "condget.cache.response/1",
        origin.url("/a"),
        200,
    )
    assert (response["content_length"], response["content_type"]) == (12, "text/plain")
    assert (response["etag"], response["last_modified"]) == ('"a"', None)
    assert 590 < response["ttl"] <= 600
    assert response["received"].endswith("Z")
    (info,) = records(invoke, "cache", "info")
    assert (info["schema"], info["file"]) == ("condget.cache.info/1", f"{home}/cache/cache.sqlite3")
    assert (info["responses"], info["hosts"]) == (1, 1)


def test_paths_for_programs(invoke: Run, home: Path) -> None:
    (paths,) = records(invoke, "paths")
    assert (paths["schema"], paths["state"]) == ("condget.paths/1", f"{home}/state/feeds.sqlite3")
    assert paths["cache"] == f"{home}/cache/cache.sqlite3"
    assert paths["config"].endswith("condget.toml")


def test_list_for_programs(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    origin.script("/a", conditional(rss(1), etag='"1"'))
    origin.script("/gone", Answer(410))
    feeds = tmp_path / "feeds.txt"
    feeds.write_text(f"{origin.url('/new')}\n{origin.url('/a', userinfo='ann:s3cret')} name=A\n{origin.url('/gone')}\n")
    invoke("poll", "-q", "--gap", 0, feeds)
    feeds.write_text(f"{origin.url('/newer')}\n{feeds.read_text()}")
    by_url = {record["url"]: record for record in records(invoke, "list", feeds)}
    assert {record["schema"] for record in by_url.values()} == {"condget.list/1"}
    new, known, gone = (by_url[origin.url(path)] for path in ("/newer", "/a", "/gone"))
    assert (new["due"], new["title"], new["last_polled"]) == (True, None, None)
    assert (known["due"], known["name"], known["title"]) == (False, "A", "Tea")
    assert known["next_poll"] > known["last_polled"] > "2026"
    assert "60 min" in known["reason"]
    assert (gone["gone"], gone["due"], gone["next_poll"]) == (True, False, None)
    assert known["source"] == f"{feeds}:3"
    assert "s3cret" not in json.dumps(list(by_url.values()))


def test_dead_for_programs(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    origin.script("/gone", Answer(410))
    origin.script("/good", ok(rss(1)))
    feeds = tmp_path / "feeds.txt"
    feeds.write_text(f"{origin.url('/gone', userinfo='ann:s3cret')} name=A\n{origin.url('/good')}\n")
    invoke("poll", "-q", "--gap", 0, feeds)
    (record,) = records(invoke, "dead", feeds)
    assert (record["schema"], record["url"], record["kind"]) == ("condget.dead/1", origin.url("/gone"), "gone")
    assert (record["name"], record["source"], record["failures"]) == ("A", f"{feeds}:1", 1)
    assert record["reason"].startswith("gone: the 410 at ")
    assert record["last_polled"] > "2026"
    assert "s3cret" not in json.dumps(record)


def test_explain_for_programs(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    origin.script("/a", conditional(rss(1, 2), etag='"1"'))
    url = origin.url("/a")
    feeds = tmp_path / "feeds.txt"
    feeds.write_text(f"{url} every=6h header=X-Key:s3cret\n")
    invoke("poll", "-q", feeds)
    (record,) = records(invoke, "explain", url, feeds)
    assert (record["schema"], record["listed"], record["known"]) == ("condget.explain/1", True, True)
    assert record["options"] == {"every": 21_600.0, "headers": ["X-Key"]}
    assert (record["etag"], record["last_modified"], record["entries"]) == ('"1"', None, 2)
    assert record["answered_by"] == [url]
    (unknown,) = records(invoke, "explain", origin.url("/b"))
    assert (unknown["known"], unknown["listed"], unknown["due"], unknown["etag"]) == (False, False, True, None)


def test_doctor_for_programs(invoke: Run, origin: Origin) -> None:
    origin.script("/good", conditional(rss(1, 2), etag='"1"'))
    origin.script("/deaf", ok(rss(1), etag='"1"'))
    origin.script("/page", ok(b"<html><title>x</title></html>"))
    (good,) = records(invoke, "doctor", origin.url("/good"))
    assert (good["schema"], good["title"], good["entries"]) == ("condget.doctor/1", "Tea", 2)
    assert (good["faults"], good["option"], good["findings"]["etag_works"]) == ([], None, True)
    (deaf,) = records(invoke, "doctor", origin.url("/deaf"))
    assert deaf["faults"] == ["it does not honour its own ETag"]
    (page,) = records(invoke, "doctor", origin.url("/page"))
    assert (page["title"], page["findings"]) == (None, None)
    assert "HTML page" in page["no_feed"]


@pytest.mark.parametrize(
    "command", [["cache", "list"], ["cache", "info"], ["paths"], ["list", "x:"], ["explain", "x:"], ["doctor", "x:"]]
)
def test_a_format_that_does_not_exist_is_refused(invoke: Run, command: list[str]) -> None:
    done = invoke(*command, "--format", "xml")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'no format "xml"; choose one of text, jsonl' in done.stderr
