"""`condget get`: where the content goes, and what tells news."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.origin import Answer, Origin, conditional, ok


def on_a_terminal(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """Run `condget get` with a terminal as stdout; return the exit code and what it and stderr show."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "condget", "get", *arguments], env=environment, stdout=theirs, stderr=subprocess.PIPE
    ) as process:
        os.close(theirs)
        assert process.stderr is not None
        errors = process.stderr.read().decode()
        process.wait(30)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    return process.returncode, shown.decode().replace("\r\n", "\n"), errors


def test_a_file_with_the_same_bytes_stays_untouched(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    """Whether they came from the cache, were confirmed, or were sent again."""
    origin.script("/hit", ok(b"one\n", etag='"1"', cache_control="max-age=600"))
    origin.script("/same", conditional(b"one\n", etag='"1"'))
    origin.script("/again", ok(b"one\n"))
    for path in ("/hit", "/same", "/again"):
        file = tmp_path / path[1:]
        first = invoke("get", "--exit-code", "-o", file, origin.url(path))
        os.utime(file, (1, 1))
        second = invoke("get", "--exit-code", "-o", file, origin.url(path))
        assert [(done.returncode, done.stdout, done.stderr) for done in (first, second)] == [(3, "", ""), (0, "", "")]
        assert (file.read_bytes(), file.stat().st_mtime) == (b"one\n", 1)
        assert invoke("get", "-o", file, origin.url(path)).returncode == 0
    file.write_bytes(b"other")
    assert invoke("get", "--exit-code", "-o", file, origin.url("/again")).returncode == 3
    assert file.read_bytes() == b"one\n"


def test_exit_code_without_a_file_tells_whether_the_cache_had_it(invoke: Run, origin: Origin) -> None:
    origin.script("/page", conditional(b"one\n", etag='"1"'))
    codes = [invoke("get", "--exit-code", origin.url("/page")).returncode for _ in range(3)]
    origin.script("/page", conditional(b"two\n", etag='"2"'))
    codes.append(invoke("get", "--exit-code", origin.url("/page")).returncode)
    assert codes == [3, 0, 0, 3]


def test_a_link_stays_and_what_it_leads_to_is_replaced(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    origin.script("/page", ok(b"one\n"))
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "real")
    assert invoke("get", "-o", tmp_path / "link", origin.url("/page")).returncode == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "real").read_bytes() == b"one\n"


@pytest.mark.parametrize("place", ["nodir/file", ".", "/proc/nosuch/file"])
def test_f9_a_file_that_cannot_be_written_is_named(invoke: Run, origin: Origin, place: str) -> None:
    origin.script("/page", ok(b"one\n"))
    done = invoke("get", "-o", place, origin.url("/page"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"condget: {place} cannot be written (")
    assert ".part" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_f9_a_full_disk_behind_stdout_is_told(condget: Run, origin: Origin) -> None:
    origin.script("/page", ok(b"one\n" * 50_000))
    with Path("/dev/full").open("w") as full:
        done = condget("get", origin.url("/page"), stdout=full, stderr=subprocess.PIPE, capture_output=False)
    words = "condget: the content cannot be written to stdout (No space left on device)\n"
    assert (done.returncode, done.stderr) == (1, words)


def test_several_urls_are_got_one_after_another(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    origin.script("/a", ok(b"a\n"))
    origin.script("/b", ok(b"b\n"))
    assert invoke("get", origin.url("/a"), origin.url("/b"), origin.url("/a")).stdout == "a\nb\na\n"
    done = invoke("get", "-o", tmp_path / "x", origin.url("/a"), "-o", "-", origin.url("/b"))
    assert (done.returncode, done.stdout, (tmp_path / "x").read_bytes()) == (0, "b\n", b"a\n")


def test_one_url_that_fails_stops_no_other(invoke: Run, origin: Origin) -> None:
    """F4"""
    origin.script("/a", ok(b"a\n"))
    origin.script("/b", Answer(404))
    done = invoke("get", "--exit-code", origin.url("/b"), origin.url("/a"))
    assert (done.returncode, done.stdout) == (1, "a\n")
    assert done.stderr == f"condget: {origin.url('/b')}: the server answered 404 Not Found\n"


def test_the_head_of_any_status_is_shown_and_goes_to_the_file(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    origin.script("/gone", Answer(404, fields=[("X-Why", "moved \x1b[2J\x9bout")]))
    done = invoke("get", "--head", origin.url("/gone"))
    assert done.returncode == 1
    assert done.stdout.splitlines()[:2] == ["HTTP/1.1 404 Not Found", "X-Why: moved out"]
    assert "404 Not Found" in done.stderr
    done = invoke("get", "--head", "-o", tmp_path / "head", origin.url("/gone"))
    assert (done.returncode, done.stdout) == (1, "")
    assert (tmp_path / "head").read_text().startswith("HTTP/1.1 404 Not Found\nX-Why: moved out\n")
    assert {request.method for request in origin.requests} == {"HEAD"}


def test_the_body_of_an_error_is_printed_on_request(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    problem = b'{"title": "Sorry"}'
    origin.script("/bad", Answer(422, body=problem, fields=[("Content-Type", "application/problem+json")]))
    done = invoke("get", "--fail-with-body", origin.url("/bad"))
    assert (done.returncode, done.stdout) == (1, problem.decode())
    assert done.stderr.endswith("the server answered 422 Unprocessable Entity\n")
    assert invoke("get", "--fail-with-body", "-o", tmp_path / "x", origin.url("/bad")).returncode == 1
    assert (tmp_path / "x").read_bytes() == problem


def test_a_304_without_a_condition_is_an_error_and_leaves_the_file_alone(
    invoke: Run, origin: Origin, tmp_path: Path
) -> None:
    origin.script("/page", Answer(304, fields=[("ETag", '"1"')]))
    (tmp_path / "file").write_bytes(b"mine")
    for arguments in ((), ("-o", tmp_path / "file")):
        done = invoke("get", *arguments, origin.url("/page"))
        assert (done.returncode, done.stdout) == (1, "")
        assert "304 Not Modified to a request without a condition" in done.stderr
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_a_condition_of_ones_own_may_be_answered_304(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    """A7"""
    origin.script("/page", conditional(b"one\n", etag='"1"'))
    (tmp_path / "file").write_bytes(b"mine")
    condition = ("-H", 'If-None-Match: "1"')
    done = invoke("get", "--exit-code", *condition, "-o", tmp_path / "file", origin.url("/page"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "file").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("body", "media_type"),
    [(b"\x89PNG\r\n\x1a\n\0\0", "image/png"), (b"caf\xe9" * 9, "text/plain"), (b"a\0b", "text/plain; charset=latin-1")],
)
def test_what_is_not_text_does_not_go_to_a_terminal(
    environment: dict[str, str], origin: Origin, body: bytes, media_type: str
) -> None:
    origin.script("/x", ok(body, content_type=media_type))
    code, shown, errors = on_a_terminal(environment, origin.url("/x"))
    assert (code, shown) == (1, "")
    assert "the content is not text, and stdout is a terminal" in errors


@pytest.mark.parametrize(
    ("body", "media_type", "text"),
    [
        ("Zoë 🦆\n".encode(), "text/plain", "Zoë 🦆\n"),
        ("Zoë\n".encode("latin-1"), "text/plain; charset=iso-8859-1", "Zoë\n"),
        (b"a\r\nb\x1b[2J\x1b]0;owned\x07c\xc2\x9b2J\xe2\x80\xaed\n", "text/html", "a\nbc2Jd\n"),
        (b"plain", "text/plain; charset=zlib", "plain"),
    ],
)
def test_text_on_a_terminal_cannot_act_upon_it(
    environment: dict[str, str], origin: Origin, body: bytes, media_type: str, text: str
) -> None:
    origin.script("/x", ok(body, content_type=media_type))
    assert on_a_terminal(environment, origin.url("/x")) == (0, text, "")
