"""`condget list`: when each feed is polled next, and why."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from math import inf
from typing import TYPE_CHECKING

from condget import settings
from condget.cli.arguments import Feeds, State, read_and_say
from condget.cli.output import put
from condget.cli.records import Format, is_jsonl, put_record

if TYPE_CHECKING:
    from condget.feeds.subscriptions import Subscription
    from condget.polling.planning import Plan


def list_feeds(feeds: Feeds, state: State = None, format_: Format = "text") -> int:
    """Print when each feed is polled next, and why; the next one first.

    It sends and writes nothing, and can be used while a poll runs. A terminal gets a table in local time.

    \b
    Examples:
      condget list feeds.txt
      condget list feeds.txt --format jsonl
    """
    from condget.feeds.durations import instant
    from condget.polling.planning import plan, remembered
    from condget.polling.run_options import RunOptions
    from condget.shown import address, line
    from condget.stores.opening import open_ledger_for_reading

    jsonl = is_jsonl(format_)
    listed = read_and_say(feeds)
    now = settings.clock()()
    is_terminal = sys.stdout.isatty()
    with open_ledger_for_reading(state) as ledger:
        planned = plan(listed.subscriptions, ledger, RunOptions(), now)
        states = remembered(listed.subscriptions, ledger) if jsonl or is_terminal else {}
    by_key = {subscription.key: subscription for subscription in listed.subscriptions}
    rows = sorted(next_polls(planned, now), key=lambda row: row[0])
    if is_terminal and not jsonl:
        titles = {key: known.title for key, known in states.items()}
        for text in _table([(at, by_key[key], titles.get(key), why) for at, key, why in rows], now):
            put(text)
        return listed.exit_code
    for at, key, why in rows:
        if jsonl:
            from condget.cli.feed_records import list_members

            put_record("condget.list/1", list_members(by_key[key], states.get(key), at, why, now))
            continue
        when = "never" if at == inf else "now" if at <= now else instant(at, 0)
        name = f" ({line(name)})" if (name := by_key[key].name) else ""
        put(f"{when:<17}  {address(by_key[key].url)}{name}: {why}")
    return listed.exit_code


def _table(rows: Iterable[tuple[float, Subscription, str | None, str]], now: float) -> Iterator[str]:
    """Yield the lines of a table as wide as the terminal: when in local time, what people call the feed, why."""
    from shutil import get_terminal_size

    from condget.feeds.durations import local_instant
    from condget.reports.table import lay_out
    from condget.shown import address, line

    table = [("NEXT", "FEED", "WHY")]
    for at, subscription, title, why in rows:
        when = "never" if at == inf else "now" if at <= now else local_instant(at, now)
        label = line(subscription.name or title or "") or address(subscription.url)
        # A reason ends with its instant, which the first column has.
        table.append((when, label, line(why.partition("; next at ")[0])))
    yield from lay_out(table, get_terminal_size().columns)


def next_polls(planned: Plan, now: float) -> Iterator[tuple[float, str, str]]:
    """Yield when each feed is polled next, its key, and why then, as a poll would have it now."""
    from condget.feeds.schedule import explain
    from condget.fetching.targets import host_of
    from condget.polling.jobs import missing_secret

    for feed in planned.feeds:
        yield now, feed.subscription.key, explain(feed.state, None, now)
    for outcome in planned.refused:
        yield now, outcome.url, f"due now; {outcome.error}"
    silences = {hold.host: hold for hold in planned.silences}
    for subscription, reason, next_poll in planned.passed_over:
        at = inf if next_poll is None else next_poll
        hold = silences.get(host_of(subscription.url))
        if hold is not None and hold.until > at:
            at, reason = hold.until, hold.reason
        if missing := missing_secret(subscription):
            reason = f"{missing}; {reason}"
        yield at, subscription.key, reason
