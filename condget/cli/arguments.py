"""The FEEDS arguments and the `--state` option that the commands about feeds share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from condget.cli.output import say
from condget.errors import SubscriptionError, UsageError
from condget.polling.lists import Listed, read

if TYPE_CHECKING:
    from condget.feeds.subscriptions import Subscription

Feeds = Annotated[
    list[str],
    typer.Argument(
        metavar="FEEDS...",
        help="Lists of feeds (a URL per line, or OPML), URLs of feeds, or - for a list on stdin.",
    ),
]
State = Annotated[
    str | None,
    typer.Option("--state", metavar="FILE", help="Use this state file or postgresql:// URL, not the user's own file."),
]


def length(option: str, text: str) -> float:
    """Return the seconds of an option whose value is a length of time.

    Raises:
        UsageError: it is not one.
    """
    from condget.feeds.durations import duration

    try:
        return duration(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def size(option: str, text: str) -> int:
    """Return the bytes of an option such as 500kB, 50MB or 1GB.

    Raises:
        UsageError: it is not a number with a unit.
    """
    number = re.fullmatch(r"(?i)([0-9]{1,9}(?:\.[0-9]{1,3})?)\s?(kB|MB|GB)", text)
    if number is None or not float(number[1]):
        raise UsageError(f'{option}: "{text}" is not a number of bytes with its unit (such as 500kB, 50MB, 1GB)')
    return int(float(number[1]) * {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}[number[2][0].lower()])


def read_and_say(feeds: Iterable[str]) -> Listed:
    """Return what FEEDS arguments hold, and say on stderr what is wrong with them or skipped.

    Raises:
        SubscriptionError: there is no feed in any of them.
    """
    listed = read(feeds)
    for sentence in (*listed.skipped, *listed.faults()):
        say(sentence)
    return listed


def listed_feed(named: str, subscriptions: Sequence[Subscription]) -> Subscription:
    """Return the feed that a user names by its URL, with or without userinfo, or by its name in the list.

    Where no list has it, the feed is the URL alone, and its `source` is the command line.

    Raises:
        UsageError: it is neither a URL that can be requested nor a name in the list.
    """
    from condget.feeds.subscriptions import single

    by_name = [feed for feed in subscriptions if feed.name == named]
    if len(by_name) == 1:
        return by_name[0]
    try:
        wanted = single(named)
    except SubscriptionError:
        if not subscriptions or re.match("[a-z]+:", named):
            raise
        number = "several feeds" if by_name else "no feed"
        raise UsageError(f'the list has {number} of the name "{named}"; name the URL') from None
    matches = [feed for feed in subscriptions if feed.key == wanted.key]
    if not matches and wanted.userinfo is None:
        matches = [feed for feed in subscriptions if feed.url == wanted.url]
    return matches[0] if len(matches) == 1 else wanted
