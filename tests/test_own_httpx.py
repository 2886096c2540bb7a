"""The command line and the poller use httpx, and httpx2 where only that is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from condget.own_httpx import bound_to_own, own
from tests.origin import Answer, Origin, conditional, ok, redirect
from tests.polling.support import rss

ROOT = Path(__file__).parents[1]
WITHOUT_HTTPX = "import sys; sys.modules['httpx'] = None\n"
MAIN = f"{WITHOUT_HTTPX}from condget.cli import main; main()"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def program(tmp_path: Path) -> Run:
    """Run a program where httpx cannot be imported."""
    pytest.importorskip("httpx2")
    directories = {f"CONDGET_{name}_DIR": str(tmp_path / name) for name in ("CACHE", "STATE", "CONFIG")}

    def run(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "NO_PROXY": "", **directories, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_httpx_is_taken_where_it_is_installed() -> None:
    assert own().__name__ == "httpx"
    assert bound_to_own("condget.client").__name__ == "condget.client"


def test_without_both_the_error_names_httpx(program: Run) -> None:
    done = program(
        f"{WITHOUT_HTTPX}sys.modules['httpx2'] = None\n"
        "from condget.own_httpx import own\n"
        "try:\n    own()\nexcept ModuleNotFoundError as error:\n    print(error.name)"
    )
    assert done.stdout == "httpx\n"


def test_get_works_with_httpx2_alone(program: Run, origin: Origin) -> None:
    origin.script("/page", conditional(b"hello\n", etag='"a"'))
    origin.script("/moved", redirect("/page"))
    assert [program(MAIN, "get", origin.url("/page")).stdout for _ in range(2)] == ["hello\n"] * 2
    done = program(MAIN, "get", "-v", origin.url("/moved"))
    assert (done.returncode, done.stdout) == (0, "hello\n")
    assert '> If-None-Match: "a"' in done.stderr
    assert "httpx2/" not in done.stderr  # the user agent is condget's
    assert program(MAIN, "cache", "list", origin.url("/page")).stdout.endswith("/page\n")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(404, body=b"no such tea"), 'the server answered 404 Not Found ("no such tea")'),
        (Answer(reset=True), "the connection broke off"),
        (redirect("ftp://127.0.0.1/"), 'it redirects to the scheme "ftp"'),
    ],
)
def test_failures_of_get_are_told_with_httpx2_alone(answer: Answer, words: str, program: Run, origin: Origin) -> None:
    """F9"""
    origin.script("/", answer)
    done = program(MAIN, "get", origin.url("/"))
    assert (done.returncode, words in done.stderr) == (1, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_poll_works_with_httpx2_alone_through_a_proxy_and_posts(program: Run, origin: Origin) -> None:
    origin.script("/feed.xml", conditional(rss(1), etag='"a"'), conditional(rss(1, 2), etag='"b"'))
    origin.script("/hook", ok())
    feed = "http://feeds.example/feed.xml"
    arguments = ("poll", "--force", "--post", origin.url("/hook"), feed)
    for _ in range(2):
        done = program(MAIN, *arguments, http_proxy=origin.url(""), NO_PROXY="127.0.0.1")
        assert (done.returncode, done.stderr) == (0, "")
    assert [request.target for request in origin.requests_for("/feed.xml")] == [feed] * 2
    (post,) = origin.requests_for("/hook")
    assert [entry["title"] for entry in json.loads(post.body)["entries"]] == ["Entry 2"]


def test_the_library_polls_with_httpx2_alone(program: Run, origin: Origin) -> None:
    origin.script("/feed.xml", ok(rss(1), etag='"a"'))
    code = (
        f"{WITHOUT_HTTPX}import condget, httpx2\n"
        "for transport in (None, httpx2.HTTPTransport()):\n"
        "    for outcome in condget.poll(sys.argv[1], state=':memory:', transport=transport):\n"
        "        print(outcome.status)"
    )
    done = program(code, origin.url("/feed.xml"))
    assert (done.stdout, done.stderr) == ("new\nnew\n", "")
