"""`condget demo`: the story of an ETag, told by an origin on a loopback port that logs what it really sent.

The cache is in a temporary directory and the poller's state in memory; the user's own are not touched.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import condget
from condget.cli.output import has_colours, put, write

if TYPE_CHECKING:
    from condget.demo_origin import Exchange
    from condget.feeds.subscriptions import Subscription
    from condget.stores.protocols import Ledger

COLUMNS = "  {:<28} {:<34} {:>6} {:>6}"


def run() -> int:
    """Show what conditional requests save, without a network.

    An origin on this machine serves pages, which are requested, changed and requested again; then a feed is polled.
    Nothing is left behind.

    \b
    Examples:
      condget demo
    """
    import tempfile
    import time

    from condget.demo_origin import running
    from condget.feeds.subscriptions import parse_list
    from condget.stores.memory_ledger import MemoryLedger

    os.environ["no_proxy"] = "127.0.0.1"  # a proxy looks for 127.0.0.1 on its own machine
    log: list[Exchange] = []
    with (
        tempfile.TemporaryDirectory(prefix="condget-") as directory,
        running(log.append) as origin,
        condget.Client(cache=Path(directory)) as client,
    ):
        page, code, animals = (f"{origin.url}/only-etag{query}" for query in ("", "?tag=code", "?tag=animals"))
        table = f"{origin.url}/db"
        put(f"condget sends requests to an origin with a table of posts at {origin.url}.")
        put("This is the origin's own log; bytes are those of the content it sent.")
        put()
        put(COLUMNS.format("request", "precondition", "status", "bytes"))

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

        feed = parse_list(f"{origin.url}/feed.xml", "feeds.txt")
        ledger, today = MemoryLedger(), time.time()
        with _scene("A feed is polled, and polled again the next day", log):
            statuses = [*_poll(feed, ledger, today), *_poll(feed, ledger, today + 86400)]
        with _scene("A post is added, and the feed polled the day after", log):
            client.post(table, json={"title": "Feeds", "tag": "code"})
            statuses += _poll(feed, ledger, today + 2 * 86400)

    requests = [exchange for exchange in log if exchange.method == "GET"]
    saved = [exchange for exchange in requests if exchange.status == 304]
    put()
    put(f"{len(saved)} of {len(requests)} GET requests were answered 304 Not Modified:")
    put(f"{_length(saved):,} of {_length(requests):,} bytes were not sent.")
    return int("error" in statuses)


def _poll(feed: Sequence[Subscription], ledger: Ledger, now: float) -> Iterator[str]:
    """Poll as `condget poll` does, print what it would say, and yield the statuses."""
    from condget.polling import poll
    from condget.reports import ReportOptions, format_of, select

    options = ReportOptions(colour=has_colours(sys.stdout))
    for outcome in poll(feed, ledger, clock=lambda: now):
        selection = select(outcome, options)
        report = format_of("text").report(selection, options) if selection else "nothing new, nothing said\n"
        write(textwrap.indent(report, "  > "), colour=options.colour)
        yield outcome.status


@contextmanager
def _scene(title: str, log: list[Exchange]) -> Iterator[None]:
    """Print a title and, when the block is done, what the origin logged meanwhile."""
    put()
    put(title)
    before = len(log)
    yield
    for exchange in log[before:]:
        request = f"{exchange.method:<5} {exchange.target}"
        line = COLUMNS.format(request, _short(exchange.preconditions), exchange.status, f"{exchange.sent:,}")
        colour = exchange.status == 304 and has_colours(sys.stdout)
        write(f"\x1b[32m{line}\x1b[0m\n" if colour else f"{line}\n", colour=colour)


def _short(preconditions: Sequence[tuple[str, str]]) -> str:
    """Return one precondition with the beginning of its value, or the names of several."""
    if len(preconditions) == 1:
        name, value = preconditions[0]
        return f"{name}: {value if len(value) < 16 else value[:12] + '...'}"
    return " + ".join(name for name, _ in preconditions) or "-"


def _length(exchanges: Sequence[Exchange]) -> int:
    return sum(exchange.length for exchange in exchanges)
