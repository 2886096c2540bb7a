"""A poll that is killed at any instant loses nothing (B7): no entry is both unreported and marked as seen.

`CONDGET_TEST_KILLS` says how many instants are tried; by hand, give it a few hundred. Every other time nobody reads
the pipe, which holds less than the report: the run is killed while it waits to deliver, before it may commit.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

from condget.feeds.documents import parse
from condget.stores.ledger_reader import SqliteLedgerReader
from tests.origin import Answer, Origin, RawRequest, not_modified, ok
from tests.polling.support import rss

KILLS = int(os.environ.get("CONDGET_TEST_KILLS", "8"))
FEEDS = 12

#: Makes the report of one run longer than a pipe holds (64 kB).
LONG = b" and so on" * 800


def feed(newest: int) -> bytes:
    return rss(*range(newest + 1)).replace(b"</title><link>", LONG + b"</title><link>")


def test_b7_killed_at_any_instant_nothing_is_lost(environment: dict[str, str], origin: Origin, home: Path) -> None:
    """B7: each feed gains an entry before each run; what the state knows was reported, and in the end all was."""
    newest = 0

    def answer(request: RawRequest) -> Answer:
        etag = f'"{newest}"'
        if request.fields.get("if-none-match") == etag:
            return not_modified(etag=etag)
        return ok(feed(newest), etag=etag)

    origin.script("*", answer)
    urls = [origin.url(f"/{n}") for n in range(FEEDS)]
    state = home / "state" / "feeds.sqlite3"
    reported: set[tuple[str, str]] = set()
    rolls = random.Random(7)
    keys: dict[str, str] = {}

    for kill in range(KILLS + 1):
        newest = kill
        origin.clear()
        keys |= {entry.key: str(entry.id) for entry in parse(feed(newest), None, "").entries}
        run = subprocess.Popen(
            [sys.executable, "-m", "condget", "poll", "--force", "-f", "jsonl", *urls],
            env=environment,
            stdout=subprocess.PIPE,
        )
        assert run.stdout is not None
        if kill < KILLS:
            origin.wait_for(1, timeout=30)
            # Most instants are in the part where reports and commits alternate.
            timer = threading.Timer(rolls.uniform(0, 0.6) + (0.4 if kill % 2 else 0), run.kill)
            timer.start()
            if kill % 2:
                timer.join()
        out = run.stdout.read()
        run.wait(30)
        run.stdout.close()
        if kill < KILLS:
            timer.cancel()
        for line in out.splitlines(keepends=True):
            if line.endswith(b"\n"):
                told = json.loads(line)
                reported |= {(told["url"], entry["id"]) for entry in told["entries"]}
        if not state.exists():
            continue
        ledger = SqliteLedgerReader(state)
        for url in urls:
            seen = {(url, keys[key]) for key in ledger.seen(url) if key in keys}
            assert seen <= reported
        ledger.close()

    assert run.returncode == 0
    assert reported == {(url, f"id-{n}") for url in urls for n in range(newest + 1)}
