"""The cron script and the store of one's own run, and do what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import condget
from condget.stores.lock import lock
from condget.stores.protocols import Store
from examples.directory_store import DirectoryStore
from tests.origin import Answer, Origin, conditional
from tests.polling.support import rss
from tests.stores.store_contract import StoreContract

EXAMPLES = Path(__file__).parents[2] / "examples"


class TestDirectoryStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return DirectoryStore(tmp_path)


def test_the_store_serves_a_client(tmp_path: Path) -> None:
    """It outlives the client, and leaves no half file."""
    requests: list[httpx.Request] = []

    def origin(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, headers={"Cache-Control": "max-age=60"}, text="hello")

    for _ in range(2):
        with condget.Client(cache=DirectoryStore(tmp_path), transport=httpx.MockTransport(origin)) as client:
            assert client.get("https://example.org/").text == "hello"
    assert len(requests) == 1
    assert [path.suffix for path in tmp_path.rglob("*.*")] == [".response"]


@pytest.fixture
def cron(tmp_path: Path) -> dict[str, str]:
    """The variables of a cron job."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(EXAMPLES.parent),
        "CONDGET": f"{sys.executable} -m condget",
        "CONDGET_STATE_DIR": str(tmp_path / "state"),
    }


def test_the_cron_script_writes_a_page_for_a_day_with_news(
    origin: Origin, tmp_path: Path, cron: dict[str, str]
) -> None:
    origin.script("/feed", conditional(rss(1), etag='"1"'))
    feeds, pages = tmp_path / "feeds.txt", tmp_path / "news"
    feeds.write_text(f"{origin.url('/feed')}\n")

    def run() -> tuple[int, str, str]:
        command = ["sh", str(EXAMPLES / "cron.sh"), str(feeds), str(pages)]
        done = subprocess.run(command, env=cron, cwd=os.sep, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    assert run() == (0, "", "")
    (page,) = pages.iterdir()
    assert page.read_text().startswith(f"## [Tea]({origin.url('/feed')})")
    before = page.read_text()
    assert run() == (0, "", "")
    assert page.read_text() == before
    page.unlink()
    with lock(tmp_path / "state" / "feeds.sqlite3"):
        code, _, err = run()
    assert (code, list(pages.iterdir())) == (0, [])
    origin.script("/feed", Answer(503))
    feeds.write_text("not a list\n")
    code, _, err = run()
    assert code == 2
    assert "condget poll ended with 2" in err
