"""`condget demo`, as a user runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_demo_tells_the_story_with_304s_that_the_origin_sent(tmp_path: Path) -> None:
    environment = os.environ | {
        "HOME": str(tmp_path),
        "CONDGET_CACHE_DIR": str(tmp_path / "cache"),
        "CONDGET_STATE_DIR": str(tmp_path / "state"),
        "TMPDIR": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "http_proxy": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-W", "error", "-m", "condget", "demo"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    exchanges = re.findall(r"^  (GET|POST|PATCH) +(\S+) +(.+?) +(\d{3}) +([\d,]+)$", done.stdout, re.MULTILINE)
    page, code, animals = "/only-etag", "/only-etag?tag=code", "/only-etag?tag=animals"
    assert [(target, status) for _, target, _, status, _ in exchanges] == [
        *[(page, "200"), (page, "304"), (page, "304")],
        *[(code, "200"), (code, "304"), (animals, "200"), (animals, "304")],
        (page, "304"),
        *[("/db", "201"), (code, "200"), (code, "304")],
        *[("/db", "200"), (code, "200"), (code, "304")],
        *[("/feed.xml", "200"), ("/feed.xml", "304")],
        *[("/db", "201"), ("/feed.xml", "200")],
    ]
    for _, target, precondition, status, sent in exchanges:
        assert precondition.startswith("If-None-Match") or status != "304"
        assert (sent == "0") == (status == "304" or target == "/db")
    assert exchanges[-1][2] == "If-None-Match + If-Modified-Since"
    assert "8 of 15 GET requests were answered 304 Not Modified" in done.stdout
    assert "\x1b" not in done.stdout
    assert list(tmp_path.iterdir()) == []
