"""What commands print for programs: JSON Lines with a schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.origin import Origin, ok


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


@pytest.mark.parametrize("command", [["cache", "list"], ["cache", "info"], ["paths"]])
def test_a_format_that_does_not_exist_is_refused(invoke: Run, command: list[str]) -> None:
    done = invoke(*command, "--format", "xml")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'no format "xml"; choose one of text, jsonl' in done.stderr
