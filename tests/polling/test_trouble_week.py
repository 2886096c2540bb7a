"""A week of cron with flaky and dead feeds: how many mails come, and what is in them."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterable, Sequence
from functools import partial

from condget.cache.fields import Fields
from condget.cache.messages import Response
from condget.feeds.subscriptions import parse_list
from condget.feeds.values import Document, Entry
from condget.polling import RunOptions, poll
from condget.polling.batch import Batch, Polled
from condget.reports import ReportOptions, format_of, select
from condget.stores.memory_ledger import MemoryLedger
from tests.polling.support import NOON

QUARTER, DAY = 900.0, 86_400.0
ENTRY = Entry("1", "1", "One", "https://example.org/1", None, "f")

#: The response of a feed at an instant: a status, or None if no connection comes about.
Server = Callable[[float], int | None]


class Scripted:
    """An executor that reaches no network."""

    def __init__(self, servers: dict[str, Server], now: float) -> None:
        self._servers, self._now = servers, now

    def run(self, batches: Iterable[Batch]) -> Generator[Sequence[Polled], None, None]:
        for batch in batches:
            yield [self._polled(job.key) for host in batch.hosts for job in host]

    def stop(self) -> None:
        """Nothing is under way."""

    def _polled(self, url: str) -> Polled:
        status = self._servers[url](self._now)
        if status is None:
            return Polled(url, self._now, chain=(url,), error=f"{url}: the host has no address", connected=False)
        response = Response(status, Fields([("ETag", '"1"')]), self._now, self._now)
        if status != 200:
            return Polled(url, self._now, response=response, chain=(url,), error=f"{url}: {status}")
        document = Document(url.rpartition("/")[2], "rss20", (ENTRY,))
        return Polled(url, self._now, response=response, chain=(url,), digest="d", document=document)


def week(servers: dict[str, Server], days: int = 7) -> list[str]:
    """Return the mails of cron: what each run prints that prints anything."""
    ledger, text, mails = MemoryLedger(), format_of("text"), []
    subscriptions = parse_list("\n".join(servers), "feeds.txt")
    for run in range(int(days * DAY / QUARTER)):
        now = NOON + run * QUARTER
        executor = Scripted(servers, now)
        outcomes = poll(subscriptions, ledger, run_options=RunOptions(), clock=partial(float, now), executor=executor)
        options = ReportOptions()
        reports = [text.report(found, options) for outcome in outcomes if (found := select(outcome, options))]
        if reports:
            mails.append("".join(reports))
    return mails


def flaky(seed: int, share: float) -> Server:
    generator = random.Random(seed)
    return lambda now: generator.choice((502, 503)) if generator.random() < share else 200


def test_c15_a_week_with_three_flaky_feeds_and_two_dead_ones_is_five_mails_at_most() -> None:
    """C15: first sight, the dead feeds once and after a week, and perhaps a bad streak of a flaky one with its end."""
    numbers = []
    for seed in range(5):
        servers: dict[str, Server] = {f"https://well.example/{n}": lambda now: 200 for n in range(10)}
        for share in (0.02, 0.1, 0.3):
            servers[f"https://flaky.example/{share}"] = flaky(seed, share)
        servers |= {"https://dead.example/404": lambda now: 404, "https://nowhere.example/": lambda now: None}
        mails = week(servers)
        numbers.append(len(mails))
        assert "".join(mails).count("first seen") == 13
        assert sum(mail.count("dead.example") for mail in mails) <= 2
        assert sum(mail.count("nowhere.example") for mail in mails) <= 2
    assert max(numbers) <= 5, numbers


def test_c15_a_feed_that_dies_and_comes_back_is_two_mails() -> None:
    """C15: after three failures in a row, with their number and beginning; and when they end."""

    def server(now: float) -> int:
        return 503 if NOON + DAY <= now < NOON + 3 * DAY else 200

    first, died, back = week({"https://example.org/tea": server, "https://example.net/": lambda now: 200})
    assert "first seen" in first
    assert died.startswith("error: tea (https://example.org/tea): 503; 3 failures in a row since 2026-01-02T1")
    assert died.count("\n") == 1
    assert back.startswith("tea (https://example.org/tea): works again, after ")
    assert " failures in a row since 2026-01-02T1" in back


def test_c13_c15_a_single_feed_that_cannot_be_reached_is_told_after_a_day() -> None:
    """C13, C15: a machine that is offline counts no failures, but a day is long."""

    def server(now: float) -> int | None:
        return None if NOON + DAY <= now < NOON + 3 * DAY else 200

    first, died, back = week({"https://example.org/tea": server})
    assert "first seen" in first
    assert "the host has no address; failing since 2026-01-02T1" in died
    assert "works again" in back
