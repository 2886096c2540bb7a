"""What the commands about feeds share: their FEEDS arguments and the `--state` option."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

import typer

from condget.cli.output import say
from condget.errors import UsageError
from condget.polling.lists import Listed, read

Feeds = Annotated[
    list[str],
    typer.Argument(
        metavar="FEEDS...",
        help="Lists of feeds (a URL per line, or OPML), URLs of feeds, or - for a list on stdin.",
    ),
]
State = Annotated[str | None, typer.Option("--state", metavar="FILE", help="Use this state file, not the user's own.")]


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
