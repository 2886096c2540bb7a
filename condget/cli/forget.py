"""`condget forget`: delete what the poller remembers of feeds that nobody wants any more."""

from __future__ import annotations

from typing import Annotated

import typer

from condget import settings
from condget.cli import completion
from condget.cli.arguments import State
from condget.cli.output import say


def forget(
    urls: Annotated[
        list[str],
        typer.Argument(metavar="URL...", help="Feeds, as they stand in the list.", autocompletion=completion.feeds),
    ],
    state: State = None,
    wait: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="Wait that long for another run to end.")] = 0.0,
) -> int:
    """Forget feeds: validators, known entries, schedule.

    A feed that stays in the list is new with the next poll, and all its entries are.

    \b
    Examples:
      condget forget https://example.org/feed.xml
    """
    from condget.feeds.subscriptions import single
    from condget.shown import address
    from condget.stores.opening import open_ledger

    feeds = [single(url) for url in urls]
    unknown = 0
    with open_ledger(state, wait=wait, clock=settings.clock()) as ledger:
        for feed in feeds:
            if not ledger.forget([feed.key]):
                unknown += 1
                say(f"{address(feed.url)}: nothing is known of this feed; `condget state export` lists those that are")
        notices = ledger.take_notices()
    for notice in notices:
        say(notice)
    return 1 if unknown else 0
