"""`condget get`, judged by what the origin received and what the user sees."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.origin import Answer, Origin, conditional, ok, redirect


def test_the_content_comes_from_the_cache_when_the_origin_confirms_it(condget: Run, origin: Origin) -> None:
    """A1, A2: two processes share the cache."""
    origin.script("/page", conditional(b"hello\n", etag='"a"'))
    outputs = [condget("get", origin.url("/page")).stdout for _ in range(2)]
    assert outputs == ["hello\n"] * 2
    assert [r.fields.get("if-none-match") for r in origin.requests_for("/page")] == [None, '"a"']


def test_a_get_loads_no_library_for_terminals(environment: dict[str, str], origin: Origin) -> None:
    """httpx imports rich for a command line of its own, which takes longer than a request."""
    origin.script("/page", ok(b"hello\n"))
    program = (
        "import sys\nfrom condget.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "import httpx\nprint('rich' in sys.modules, callable(httpx.main))"
    )
    command = [sys.executable, "-c", program, "get", origin.url("/page")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "hello\nFalse True\n"


def test_fresh_content_makes_no_request(invoke: Run, origin: Origin) -> None:
    origin.script("/page", ok(b"hello\n", cache_control="max-age=600"))
    assert [invoke("get", origin.url("/page")).stdout for _ in range(2)] == ["hello\n"] * 2
    assert len(origin.requests_for("/page")) == 1


def test_content_is_decoded_and_other_bytes_are_left_as_they_are(condget: Run, origin: Origin) -> None:
    data = bytes(range(256)) * 9
    origin.script("/page", ok(gzip.compress(data), content_encoding="gzip"))
    assert condget("get", origin.url("/page"), text=False).stdout == data


def test_verbose_shows_the_exchange_as_it_was_on_the_wire(invoke: Run, origin: Origin) -> None:
    origin.script("/page", conditional(b"hello\n", etag='"a"'))
    invoke("get", origin.url("/page"))
    # Options stand before or behind the URL.
    for arguments in (("-v", origin.url("/page")), (origin.url("/page"), "-v")):
        done = invoke("get", *arguments)
        assert done.stdout == "hello\n"
        lines = done.stderr.splitlines()
        assert lines[0] == "> GET /page HTTP/1.1"
        assert '> If-None-Match: "a"' in lines
        assert "< HTTP/1.1 304 Not Modified" in lines
        assert '< ETag: "a"' in lines
        assert lines[-1].startswith(f"* 200 {origin.url('/page')}: condget; fwd=stale; fwd-status=304;")


def test_verbose_hides_secrets(invoke: Run, origin: Origin) -> None:
    """F9: an Authorization is sent, and not shown."""
    origin.script("/page", ok(b"x", set_cookie="sid=hunter2"))
    url = origin.url("/page").replace("http://", "http://me:hunter2@")
    done = invoke("get", "-v", url)
    assert origin.requests_for("/page")[0].fields.get("authorization") is not None
    assert "> Authorization: ***" in done.stderr
    assert "hunter2" not in done.stderr
    assert "bWU6aHVudGVyMg" not in done.stderr


def test_head_shows_the_stored_validators(invoke: Run, origin: Origin) -> None:
    origin.script("/page", ok(b"hello\n", etag='"a"', last_modified="yesterday", cache_control="max-age=600"))
    invoke("get", origin.url("/page"))
    done = invoke("get", "--head", origin.url("/page"))
    lines = done.stdout.splitlines()
    assert lines[0] == "HTTP/1.1 200 OK"
    assert {'ETag: "a"', "Last-Modified: yesterday"} <= set(lines)
    assert lines[-1].startswith("Cache-Status: condget; hit;")
    assert len(origin.requests_for("/page")) == 1


def test_redirects_are_followed(invoke: Run, origin: Origin) -> None:
    origin.script("/old", redirect("/new"))
    origin.script("/new", ok(b"new\n"))
    assert invoke("get", origin.url("/old")).stdout == "new\n"


def test_a_redirect_in_circles_ends(invoke: Run, origin: Origin) -> None:
    origin.script("/a", redirect("/a"))
    done = invoke("get", origin.url("/a"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "more than 10 redirects" in done.stderr


@pytest.mark.parametrize("status", [404, 500])
def test_an_http_error_exits_with_1_and_prints_no_content(invoke: Run, origin: Origin, status: int) -> None:
    origin.script("/page", Answer(status, body=b"<h1>Sorry</h1>", reason="So\x1b[2Jrry"))
    for arguments in ((), ("-o", "file")):
        done = invoke("get", origin.url("/page"), *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f'condget: {origin.url("/page")}: the server answered {status} Sorry ("Sorry")\n'


def test_g9_an_origin_that_fails_is_stood_in_for_by_its_own_word_and_stderr_says_so(
    invoke: Run, origin: Origin
) -> None:
    """G9"""
    fields = [("Cache-Control", "max-age=0, stale-if-error=600"), ("ETag", '"a"')]
    origin.script("/page", Answer(fields=fields, body=b"hello\n"), Answer(503))
    invoke("get", origin.url("/page"))
    done = invoke("get", origin.url("/page"))
    assert (done.returncode, done.stdout) == (0, "hello\n")
    assert "stale, the origin answered 503" in done.stderr


def test_g9_an_origin_that_fails_is_stood_in_for_on_request_and_stderr_says_so(invoke: Run, origin: Origin) -> None:
    """G9"""
    origin.script("/page", ok(b"hello\n", etag='"a"'), Answer(503))
    invoke("get", origin.url("/page"))
    done = invoke("get", "--stale-if-error", "1d", origin.url("/page"))
    assert (done.returncode, done.stdout) == (0, "hello\n")
    assert "stale, the origin answered 503" in done.stderr
    done = invoke("get", origin.url("/page"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "503" in done.stderr


def test_an_origin_that_cannot_be_reached_is_an_error(invoke: Run) -> None:
    with Origin() as gone:
        url = gone.url("/page")
    done = invoke("get", url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"condget: {url}: ")
    assert done.stderr.count("\n") == 1


def test_a_silent_origin_is_given_up(invoke: Run, origin: Origin) -> None:
    origin.script("/page", Answer(200, body=b"late", delay=5))
    done = invoke("get", origin.url("/page"), "--timeout", "0.2")
    assert done.returncode == 1
    assert "silent" in done.stderr


def test_a_file_is_replaced_as_a_whole_or_not_at_all(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    origin.script("/page", ok(b"one\n"), ok(b"two\n"), Answer(200, body=b"x" * 1000, truncate=10))
    url = origin.url("/page")
    file = tmp_path / "page"
    assert invoke("get", "--mode", "reload", "-o", file, url).stdout == ""
    file.chmod(0o640)
    invoke("get", "--mode", "reload", "--output", file, url)
    assert file.read_bytes() == b"two\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert invoke("get", "--mode", "no-store", "-o", file, url).returncode == 1
    assert file.read_bytes() == b"two\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "page"]


@pytest.mark.parametrize("place", ["/dev/null", "-"])
def test_output_may_be_a_device_or_stdout(invoke: Run, origin: Origin, place: str) -> None:
    origin.script("/page", ok(b"one\n"))
    done = invoke("get", "-o", place, origin.url("/page"))
    assert (done.returncode, done.stdout) == (0, "one\n" if place == "-" else "")


def test_modes_are_those_of_the_fetch_standard(invoke: Run, origin: Origin) -> None:
    origin.script("/page", ok(b"hello\n", etag='"a"', cache_control="max-age=600"))
    url = origin.url("/page")
    assert invoke("get", "--mode", "only-if-cached", url).returncode == 1
    assert origin.requests_for("/page") == []
    invoke("get", url)
    assert invoke("get", "--mode", "only-if-cached", url).stdout == "hello\n"
    invoke("get", "--mode", "reload", url)
    invoke("get", "--mode", "no-cache", url)
    assert [r.fields.get("if-none-match") for r in origin.requests_for("/page")] == [None, None, '"a"']


def test_fields_and_user_agent_are_sent(invoke: Run, origin: Origin) -> None:
    """D5."""
    origin.script("/page", ok(b"x"))
    invoke("get", "-H", "Accept: text/plain", "-H", "X-A:b", origin.url("/page"))
    fields = origin.requests_for("/page")[0].fields
    assert (fields.get("accept"), fields.get("x-a")) == ("text/plain", "b")
    assert fields.get(
        "user-agent",
    ).startswith("condget/")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "arguments",
    [
        ["ftp://example.org/"],
        ["file:///etc/passwd"],
        ["http://exa mple.org/"],
        ["--mode", "nosuch", "http://example.org/"],
        ["-H", "no colon", "http://example.org/"],
        ["-H", "a: b\nc: d", "http://example.org/"],
        ["--timeout", "0", "http://example.org/"],
        ["--stale-if-error", "2", "http://example.org/"],
        ["-H", "X-Key:@env:NO_SUCH_VARIABLE", "http://example.org/"],
        ["-H", "X-Key:@file:nosuch", "http://example.org/"],
        ["-o", "file", "http://example.org/", "http://example.net/"],
        ["--netrc", "http://example.org/"],
    ],
)
def test_what_makes_no_sense_is_refused(invoke: Run, arguments: list[str]) -> None:
    """D9."""
    done = invoke("get", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr


def test_the_cache_can_be_another_directory(invoke: Run, origin: Origin, tmp_path: Path, home: Path) -> None:
    origin.script("/page", ok(b"x", cache_control="max-age=600"))
    invoke("get", "--cache", tmp_path / "elsewhere", origin.url("/page"))
    assert (tmp_path / "elsewhere" / "cache.sqlite3").exists()
    assert not (home / "cache").exists()
