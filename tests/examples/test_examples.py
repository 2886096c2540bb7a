"""The examples run, and do what they say."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.origin import Answer, Origin, conditional
from tests.polling.support import rss

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def feeds(origin: Origin, tmp_path: Path) -> Path:
    """A list of one feed."""
    origin.script("/feed", conditional(rss(1, 2), etag='"1"'))
    file = tmp_path / "feeds.txt"
    file.write_text(origin.url("/feed") + "\n")
    return file


def run(*arguments: object, tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"CONDGET_STATE_DIR": str(tmp_path), "PYTHONPATH": str(EXAMPLES.parent)} | variables
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_a_webhook_announces_news_until_it_is_taken(origin: Origin, feeds: Path, tmp_path: Path) -> None:
    origin.script("/hook", Answer(500), Answer(200))
    hook = f"{sys.executable} {EXAMPLES / 'webhook.py'}"
    poll = ("-m", "condget", "poll", "--entries", "--exec", hook, feeds)
    failed = run(*poll, tmp_path=tmp_path, WEBHOOK_URL=origin.url("/hook"))
    assert failed.returncode == 1
    assert "the webhook answered 500" in failed.stderr
    assert run(*poll, tmp_path=tmp_path, WEBHOOK_URL=origin.url("/hook")).returncode == 0
    first, second = (json.loads(request.body) for request in origin.requests if request.method == "POST")
    assert first == second
    assert second["content"] == "*Tea*\n• Entry 1 https://example.org/1\n• Entry 2 https://example.org/2"


def test_a_report_of_ones_own_format(feeds: Path, tmp_path: Path) -> None:
    done = run(EXAMPLES / "csv_report.py", feeds, "http://127.0.0.1:9/", tmp_path=tmp_path)
    assert list(csv.reader(done.stdout.splitlines())) == [
        ["Tea", "", "Entry 1", "https://example.org/1"],
        ["Tea", "", "Entry 2", "https://example.org/2"],
    ]
    assert "127.0.0.1 refuses connections" in done.stderr
    assert run(EXAMPLES / "csv_report.py", feeds, tmp_path=tmp_path).stdout == ""


def test_a_web_application_polls_while_it_runs(feeds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from examples import web_app

    monkeypatch.setenv("FEEDS", str(feeds))
    web_app.news.clear()

    async def serve() -> list[dict[str, str]]:
        to_app: asyncio.Queue[web_app.Message] = asyncio.Queue()
        from_app: asyncio.Queue[web_app.Message] = asyncio.Queue()
        lifespan = asyncio.create_task(web_app.app({"type": "lifespan"}, to_app.get, from_app.put))
        await to_app.put({"type": "lifespan.startup"})
        assert (await from_app.get())["type"] == "lifespan.startup.complete"
        client = httpx.AsyncClient(transport=httpx.ASGITransport(web_app.app), base_url="http://app")
        async with client, asyncio.timeout(30):
            while not (news := (await client.get("/")).json()):
                await asyncio.sleep(0.05)
        await to_app.put({"type": "lifespan.shutdown"})
        assert (await from_app.get())["type"] == "lifespan.shutdown.complete"
        await lifespan
        return news

    assert asyncio.run(serve()) == [
        {"feed": "Tea", "title": "Entry 1", "link": "https://example.org/1"},
        {"feed": "Tea", "title": "Entry 2", "link": "https://example.org/2"},
    ]
