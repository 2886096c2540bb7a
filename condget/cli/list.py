"""`condget list`: when each feed is polled next, and why."""

from __future__ import annotations

from condget import settings
from condget.cli.arguments import Feeds, State, read_and_say
from condget.cli.output import put


def list_feeds(feeds: Feeds, state: State = None) -> int:
    """Print when each feed is polled next, and why; the next one first.

    It sends and writes nothing, and can be used while a poll runs.

    \b
    Examples:
      condget list feeds.txt
    """
    from condget.feeds.durations import instant
    from condget.feeds.schedule import explain
    from condget.feeds.values import FeedState, HostHold
    from condget.fetching.targets import host_of
    from condget.shown import address, line
    from condget.stores.opening import open_ledger_for_reading

    listed = read_and_say(feeds)
    subscriptions = listed.subscriptions
    now = settings.clock()()
    with open_ledger_for_reading(state) as ledger:
        states = ledger.load([subscription.key for subscription in subscriptions])
        holds = ledger.holds()
    rows: list[tuple[float, str, str]] = []
    for subscription in subscriptions:
        known: FeedState | None = states.get(subscription.key)
        where = (known.moved_to if known else None) or subscription.url
        hold: HostHold | None = holds.get(host_of(where))
        at = max(now, known.next_poll if known else now, hold.until if hold else now)
        if known is not None and known.gone:
            when, at = "never", float("inf")
        else:
            when = "now" if at <= now else instant(at, 0)
        label = address(subscription.url) + (f" ({line(subscription.name)})" if subscription.name else "")
        rows.append((at, when, f"{label}: {explain(known, hold, now)}"))
    for _, when, words in sorted(rows, key=lambda row: row[0]):
        put(f"{when:<17}  {words}")
    return listed.exit_code
