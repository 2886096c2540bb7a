"""`condget demo`: the story of an ETag, told by an origin on a loopback port that logs what it really sent.

The cache, the list of feeds and the state of the poller live in a temporary directory; the user's are not touched.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import condget
from condget import settings

if TYPE_CHECKING:
    from condget.cli.origin import Exchange

COLUMNS = "  {:<28} {:<34} {:>6} {:>6}"
GREEN = "\x1b[32m{}\x1b[0m"


def run() -> int:
    """Show what conditional requests save, with an origin of its own on this machine.

    Pages are asked for again, changed and asked for again; then a feed is polled. Needs no network and leaves nothing
    behind.
    """
    import tempfile

    from condget.cli.origin import running

    log: list[Exchange] = []
    with (
        tempfile.TemporaryDirectory(prefix="condget-") as directory,
        running(log.append) as origin,
        condget.Client(cache=Path(directory), trust_env=False) as client,
    ):
        page, code, animals = (f"{origin.url}/only-etag{query}" for query in ("", "?tag=code", "?tag=animals"))
        table, feed = f"{origin.url}/db", f"{origin.url}/feed.xml"
        print(f"condget asks an origin with a table of posts at {origin.url}.")
        print("This is the origin's own log; bytes are those of the content it sent.\n")
        print(COLUMNS.format("request", "precondition", "status", "bytes"))

        with _scene("The same page three times", log):
            for _ in range(3):
                client.get(page)
        with _scene("The query is part of the URL: another page, another ETag", log):
            for url in (code, code, animals, animals):
                client.get(url)
        with _scene("The first page again: its ETag was kept meanwhile", log):
            client.get(page)
        with _scene("A post is added: 200 with another ETag, which then holds", log):
            client.post(table, json={"title": "ETag", "tag": "code"})
            for _ in range(2):
                client.get(code)
        with _scene("A title is changed: the same", log):
            client.patch(table, json={"title": "Amazing Caching", "index": 0})
            for _ in range(2):
                client.get(code)

        feeds = Path(directory) / "feeds.txt"
        feeds.write_text(feed + "\n", encoding="ascii")
        with _scene("A feed is polled, and polled again", log):
            failed = _poll(feeds) or _poll(feeds)
        with _scene("A post is added, and the feed polled once more", log):
            client.post(table, json={"title": "Feeds", "tag": "code"})
            failed = failed or _poll(feeds)

    asked = [exchange for exchange in log if exchange.method == "GET"]
    saved = [exchange for exchange in asked if exchange.status == 304]
    print(f"\n{len(saved)} of {len(asked)} GET requests were answered 304 Not Modified:")
    print(f"{_length(saved):,} of {_length(asked):,} bytes were not sent.")
    return failed


def _poll(feeds: Path) -> int:
    """Run `condget poll` as a user would, with a state of its own, and show what it says."""
    import subprocess

    print(f"  $ condget poll --force {feeds.name}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "condget", "poll", "--force", str(feeds)],
        env=os.environ | {settings.STATE_DIR_ENV: str(feeds.parent)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines() or ["(nothing new)"] * (done.returncode == 0):
        print(f"    {line}")
    return done.returncode


@contextmanager
def _scene(title: str, log: list[Exchange]) -> Iterator[None]:
    """Print a title and, when the block is done, what the origin logged meanwhile."""
    print(f"\n{title}")
    before = len(log)
    yield
    for exchange in log[before:]:
        request = f"{exchange.method:<5} {exchange.target}"
        line = COLUMNS.format(request, _short(exchange.preconditions), exchange.status, f"{exchange.sent:,}")
        print(GREEN.format(line) if exchange.status == 304 and _colours() else line)


def _short(preconditions: Sequence[tuple[str, str]]) -> str:
    """Return one precondition with the beginning of its value, or the names of several."""
    if len(preconditions) == 1:
        name, value = preconditions[0]
        return f"{name}: {value if len(value) < 16 else value[:12] + '...'}"
    return " + ".join(name for name, _ in preconditions) or "-"


def _length(exchanges: Sequence[Exchange]) -> int:
    return sum(exchange.length for exchange in exchanges)


def _colours() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
