"""What the commands about feeds share: the FEEDS arguments read into subscriptions, and the state file they name."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from condget.errors import SubscriptionError

if TYPE_CHECKING:
    from condget.feeds.subscriptions import Subscription

Feeds = Annotated[
    list[str],
    typer.Argument(
        metavar="FEEDS...",
        help="Lists of feeds (a URL per line, or OPML), URLs of feeds, or - for a list on stdin.",
    ),
]
State = Annotated[str | None, typer.Option("--state", metavar="FILE", help="Use this state file, not the user's own.")]


def read(feeds: Iterable[str]) -> tuple[Subscription, ...]:
    """Return the subscriptions of FEEDS arguments, each feed once (B9).

    Raises:
        SubscriptionError: a list cannot be read, or has bad lines.
    """
    from condget.feeds.subscriptions import merge, parse_list, single

    found: list[tuple[Subscription, ...]] = []
    refused: list[str] = []
    for argument in feeds:
        try:
            if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", argument):
                found.append((single(argument),))
            elif argument == "-":
                found.append(parse_list(sys.stdin.buffer.read(), "stdin"))
            else:
                found.append(parse_list(Path(argument).read_bytes(), argument))
        except SubscriptionError as error:
            refused.append(str(error))
        except OSError as error:
            refused.append(f"the list {argument} cannot be read ({error.strerror})")
    if refused:
        raise SubscriptionError("\n".join(refused))
    return merge(found)
