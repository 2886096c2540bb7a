"""Reads the sources of feeds, for the commands and `condget.poll`: lists, URLs, `-` for stdin, and `Feed` values.

A bad line costs that line, and a list that cannot be read costs that list (D9): the feeds of the others are polled.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from condget.errors import SubscriptionError

if TYPE_CHECKING:
    from condget.feeds.feed import Feed
    from condget.feeds.subscriptions import FeedList, RefusedLine, Subscription

#: A list by its path, a feed by its URL, or a feed as a value.
Source: TypeAlias = "str | os.PathLike[str] | Feed"

#: More refused lines than these are counted: the list is not a list of feeds then.
LINES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Listed:
    """The content of the FEEDS arguments of a command."""

    #: Each feed once (B9).
    subscriptions: tuple[Subscription, ...]
    refused: tuple[RefusedLine, ...] = ()
    #: Why a whole argument was of no use, in sentences.
    unusable: tuple[str, ...] = ()
    #: Sentences about entries that were skipped on purpose.
    skipped: tuple[str, ...] = ()
    #: How many lines of a large list are refused beside those.
    more_refused: int = 0

    @property
    def exit_code(self) -> int:
        """The exit code of a command that did the rest."""
        return 2 if self.unusable else 1 if self.refused else 0

    def faults(self) -> list[str]:
        """Return what is wrong with the arguments, in sentences."""
        lines = [str(line) for line in self.refused[:LINES_SHOWN]]
        if (more := len(self.refused) - LINES_SHOWN + self.more_refused) > 0:
            lines.append(f"{more:,} more line{'' if more == 1 else 's'} refused")
        return [*lines, *self.unusable]


def read(feeds: Iterable[Source]) -> Listed:
    """Return the feeds that the sources name.

    Raises:
        SubscriptionError: there is no feed in any of them.
    """
    from condget.feeds.subscriptions import contradictions, merge

    lists: list[FeedList] = []
    unusable: list[str] = []
    for source in feeds:
        try:
            lists.append(_read(source))
        except SubscriptionError as error:
            unusable.append(str(error))
        except OSError as error:
            unusable.append(f"the list {source} cannot be read ({error.strerror})")
        else:
            if not lists[-1].subscriptions:
                unusable.append(f"{'stdin' if source == '-' else source} lists no feed")
    found = [feed_list.subscriptions for feed_list in lists]
    merged = merge(found)
    listed = Listed(
        merged,
        tuple(line for feed_list in lists for line in feed_list.refused),
        tuple(unusable),
        (
            *(feed_list.skipped for feed_list in lists if feed_list.skipped),
            # Hardly any list has a feed twice, and some have 50,000 feeds.
            *(contradictions(found) if len(merged) < sum(map(len, found)) else ()),
        ),
    )
    if feeds and not listed.subscriptions:
        raise SubscriptionError("\n".join([*listed.skipped, *listed.faults()]))
    return listed


def _read(source: Source) -> FeedList:
    from condget.feeds.subscriptions import FeedList, read_list, single

    if not isinstance(source, str | os.PathLike):
        from condget.feeds.feed import subscription_of

        return FeedList((subscription_of(source),))
    if isinstance(source, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", source):
        return FeedList((single(source),))
    if source == "-":
        return read_list(sys.stdin.buffer.read(), "stdin")
    path = Path(source)
    feed_list = read_list(path.read_bytes(), str(source))
    if not any(feed.options.headers for feed in feed_list.subscriptions):
        return feed_list
    directory = path.absolute().parent
    return replace(feed_list, subscriptions=tuple(in_directory(directory, feed) for feed in feed_list.subscriptions))


def in_directory(directory: Path, subscription: Subscription) -> Subscription:
    """Return a subscription whose `@file:` paths start at the directory of its list (`~` stays the user's home)."""
    options = subscription.options
    if not options.headers:
        return subscription
    headers = tuple(
        (name, f"@file:{directory / value[6:]}" if value.startswith("@file:") and value[6] != "~" else value)
        for name, value in options.headers
    )
    return replace(subscription, options=replace(options, headers=headers))
