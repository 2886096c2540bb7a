"""Progress on a terminal while a command runs, of which nothing stays."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from tests.cli.conftest import Run
from tests.origin import Answer, Origin, ok
from tests.polling.support import rss


def _on_a_terminal(environment: dict[str, str], tmp_path: Path, *arguments: object) -> tuple[str, str]:
    """Run condget with stderr on a terminal; return its stdout and what the terminal was sent."""
    main, terminal = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "condget", *map(str, arguments)],
            env=environment | {"TERM": "xterm", "COLUMNS": "100"},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=terminal,
            text=True,
        )
        os.close(terminal)
        terminal = -1
        sent = b""
        while True:
            try:
                piece = os.read(main, 10_000)
            except OSError:  # Linux, once the other side is closed
                break
            if not piece:
                break
            sent += piece
        out, _ = process.communicate(timeout=60)
        assert process.returncode in (0, 1)
    finally:
        os.close(main)
        if terminal >= 0:
            os.close(terminal)
    return out, sent.decode()


def _left(sent: str) -> str:
    """Return what stays on a terminal that was sent this: lines that are cleared or overwritten are gone."""
    lines = [""]
    for piece in re.split(r"(\x1b\[[0-9;?]*[A-Za-z]|\r\n|\r|\n)", sent):
        if piece in ("\n", "\r\n"):
            lines.append("")
        elif piece == "\x1b[1A":
            lines = lines[:-1] or [""]
        elif piece == "\x1b[2K":
            lines[-1] = ""
        elif not piece.startswith("\x1b") and piece != "\r":
            lines[-1] += piece
    return "\n".join(lines).strip()


def test_a_long_run_shows_a_bar_and_nothing_of_it_stays(
    environment: dict[str, str], tmp_path: Path, origin: Origin
) -> None:
    origin.script("*", replace(ok(rss(1)), delay=0.4))
    origin.script("/2", Answer(503, delay=0.4))
    file = tmp_path / "feeds.txt"
    file.write_text("".join(f"{origin.url(f'/{n}')}\n" for n in range(4)))
    out, sent = _on_a_terminal(environment, tmp_path, "poll", file)
    assert out.count("first seen") == 3
    assert re.search(r"[123] of 4 feeds, [123] changed, [01] failed, 0 B saved", sent)
    assert "\x1b[?25h" in sent  # the cursor is back
    assert "of 4 feeds" not in _left(sent)
    assert "503 Service Unavailable" in _left(sent)


def test_a_short_run_shows_no_bar(environment: dict[str, str], tmp_path: Path, invoke: Run, origin: Origin) -> None:
    origin.script("/feed", ok(rss(1), etag='"1"'))
    invoke("poll", origin.url("/feed"))
    assert _on_a_terminal(environment, tmp_path, "poll", origin.url("/feed")) == ("", "")


def test_quiet_and_verbose_runs_show_no_bar(environment: dict[str, str], tmp_path: Path, origin: Origin) -> None:
    origin.script("*", replace(ok(rss(1)), delay=0.4))
    urls = [origin.url(f"/{n}") for n in range(3)]
    assert _on_a_terminal(environment, tmp_path, "poll", "-q", *urls)[1] == ""
    assert " of 3 feeds" not in _on_a_terminal(environment, tmp_path, "poll", "-v", "--force", *urls)[1]


def test_v_prints_a_line_for_each_feed_with_its_reason(invoke: Run, origin: Origin) -> None:
    origin.script("/feed", ok(rss(1), etag='"1"'))
    done = invoke("poll", "-v", origin.url("/feed"))
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"condget: {origin.url('/feed')}: sent no validators; 200, ")
    assert "at most every 60 min" in line


def test_f12_vv_prints_fields_without_secrets(
    invoke: Run, environment: dict[str, str], origin: Origin, tmp_path: Path
) -> None:
    """F12: neither of the list, nor of the response; D8."""
    environment["KEY"] = "s3cret-key"
    origin.script("/feed", ok(rss(1), etag='"1"', set_cookie="id=s3cret-cookie", x_echo="s3cret-key s3cret-pw"))
    (tmp_path / "feeds.txt").write_text(
        origin.url("/feed").replace("://", "://ann:s3cret-pw@") + " header=X-My-Key:@env:KEY\n"
    )
    done = invoke("poll", "-vv", "feeds.txt")
    lines = done.stderr.splitlines()
    assert lines[0] == f"> GET {origin.url('/feed')}"
    assert {"> Authorization: ***", "> X-My-Key: ***", "< 200", '< ETag: "1"', "< Set-Cookie: ***"} <= set(lines)
    assert "s3cret" not in done.stderr + done.stdout


def test_a_long_download_shows_a_bar_and_nothing_of_it_stays(
    environment: dict[str, str], tmp_path: Path, origin: Origin
) -> None:
    pieces = [b"x" * 50_000] * 8
    origin.script("/file", Answer(200, chunks=pieces, chunk_delay=0.15, fields=[("Content-Length", "400000")]))
    out, sent = _on_a_terminal(environment, tmp_path, "get", "-o", "file", origin.url("/file"))
    assert out == ""
    assert re.search(r"[0-9.]+ kB of 400\.0 kB", sent)
    assert _left(sent) == ""
    assert (tmp_path / "file").read_bytes() == b"".join(pieces)
