"""`condget dead`: the feeds of a list that are gone, fail, or have been silent for long."""

from __future__ import annotations

from typing import Annotated

import typer

from condget import settings
from condget.cli.arguments import Feeds, State, length, read_and_say
from condget.cli.output import put
from condget.cli.records import Format, is_jsonl, put_record


def dead(
    feeds: Feeds,
    since: Annotated[
        str, typer.Option("--since", metavar="DURATION", help="A feed without news for so long is silent.")
    ] = "180d",
    format_: Format = "text",
    state: State = None,
) -> int:
    """List the feeds that are gone, failing or silent.

    It says what the last polls found, and sends no request. A feed fails if its last poll failed.

    \b
    Examples:
      condget dead feeds.txt
      condget dead --since 52w feeds.txt
      condget dead feeds.txt --format jsonl
    """
    from condget.cli.feed_records import dead_members
    from condget.feeds.health import ailment
    from condget.shown import address, line
    from condget.stores.opening import open_ledger_for_reading

    seconds, jsonl = length("--since", since), is_jsonl(format_)
    lists = read_and_say(feeds)
    now = settings.clock()()
    with open_ledger_for_reading(state) as ledger:
        states = ledger.load([subscription.key for subscription in lists.subscriptions])
    for subscription in lists.subscriptions:
        known = states.get(subscription.key)
        if known is not None and (found := ailment(known, silent_for=seconds, now=now)) is not None:
            if jsonl:
                put_record("condget.dead/1", dead_members(subscription, known, found))
                continue
            title = line(subscription.name or known.title or "")
            url = address(subscription.url)
            label = f"{title} ({url})" if title else url
            put(f"{found.kind:<8}  {label}: {line(found.words)}")
    return lists.exit_code
