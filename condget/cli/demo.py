"""`condget demo`: the story of an ETag, told by an origin on a loopback port that logs what it really sent.

Everything happens in a temporary directory, with condget itself as the client; the user's files are not touched.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import condget
from condget.cli.origin import Exchange, Origin, running

COLUMNS = "  {:<28} {:<34} {:>6} {:>6}"


def run() -> int:
    """Play the story on stdout and return the exit code."""
    exchanges: list[Exchange] = []
    with tempfile.TemporaryDirectory(prefix="condget-") as directory, running(exchanges.append) as origin:
        print(f"An origin with a table of posts listens on {origin.url}, and condget asks it.")
        print("Every line below is the origin's own log.\n")
        print(COLUMNS.format("request", "precondition", "status", "bytes"))
        _pages(origin, exchanges, Path(directory) / "cache.sqlite3")
    asked = [exchange for exchange in exchanges if exchange.method == "GET"]
    saved = [exchange for exchange in asked if exchange.status == 304]
    not_sent = sum(exchange.length for exchange in saved)
    total = sum(exchange.length for exchange in asked)
    print(
        f"\n{len(saved)} of {len(asked)} GET requests were answered 304 Not Modified: "
        f"{not_sent:,} of {total:,} bytes of content were not sent again."
    )
    return 0


def _pages(origin: Origin, exchanges: list[Exchange], cache: Path) -> None:
    page, code, animals = (f"{origin.url}/only-etag{query}" for query in ("", "?tag=code", "?tag=animals"))
    with condget.Client(cache=cache) as client:
        with _scene("The same page three times", exchanges):
            for _ in range(3):
                client.get(page)
        with _scene("The query is part of the URL: another page, another ETag", exchanges):
            for url in (code, code, animals, animals):
                client.get(url)
        with _scene("The first page again; its ETag was kept meanwhile", exchanges):
            client.get(page)
        with _scene("A post is added: another ETag, then the new one holds", exchanges):
            client.post(f"{origin.url}/db", json={"title": "ETag", "tag": "code"})
            client.get(code)
            client.get(code)
        with _scene("A title is changed: the same", exchanges):
            client.patch(f"{origin.url}/db", json={"title": "Amazing Caching", "index": 0})
            client.get(code)
            client.get(code)


@contextmanager
def _scene(title: str, exchanges: list[Exchange]) -> Iterator[None]:
    """Print a title and, when the block is done, what the origin logged meanwhile."""
    print(f"\n{title}")
    before = len(exchanges)
    yield
    for exchange in exchanges[before:]:
        request = f"{exchange.method:<5} {exchange.target}"
        line = COLUMNS.format(request, _short(exchange.preconditions), exchange.status, f"{exchange.sent:,}")
        print(_green(line) if exchange.status == 304 else line)


def _short(preconditions: Sequence[tuple[str, str]]) -> str:
    """Return one precondition with the beginning of its value, or the names of several."""
    if len(preconditions) == 1:
        name, value = preconditions[0]
        return f"{name}: {value if len(value) < 16 else value[:12] + '...'}"
    return " + ".join(name for name, _ in preconditions) or "-"


def _green(line: str) -> str:
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return f"\x1b[32m{line}\x1b[0m" if colours else line
