"""`condget explain`: everything that is remembered of one feed, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated

import typer

from condget import settings
from condget.cli.arguments import State, read_and_say
from condget.cli.output import put

if TYPE_CHECKING:
    from condget.feeds.subscriptions import Options
    from condget.feeds.values import FeedState, HostHold


def explain(
    url: Annotated[str, typer.Argument(metavar="URL", help="The feed, as it stands in the list.")],
    feeds: Annotated[
        list[str] | None, typer.Argument(metavar="[FEEDS]...", help="Lists to take the feed's options from.")
    ] = None,
    state: State = None,
) -> int:
    """Print what is remembered of a feed.

    That is its validators, its next poll and the reason for it, its last failure. It sends and writes nothing, and
    can be used while a poll runs.

    \b
    Examples:
      condget explain https://example.org/feed.xml
      condget explain https://example.org/feed.xml feeds.txt
    """
    from condget.feeds.subscriptions import single
    from condget.fetching.targets import host_of
    from condget.shown import address, line
    from condget.stores.opening import open_ledger_for_reading

    subscription = single(url)
    lists = read_and_say(feeds or [])
    listed = next((feed for feed in lists.subscriptions if feed.key == subscription.key), None)
    now = settings.clock()()
    with open_ledger_for_reading(state) as ledger:
        known = ledger.load([subscription.key]).get(subscription.key)
        seen = len(ledger.seen(subscription.key))
        hold = ledger.holds().get(host_of((known.moved_to if known else None) or subscription.url))
    rows = [("feed", address(subscription.url))]
    if listed is not None:
        rows += [
            ("listed", f"{listed.source}{f' as {listed.name}' if listed.name else ''}"),
            *_options(listed.options),
        ]
    elif feeds:
        rows.append(("listed", "no"))
    rows += _known(known, hold, seen, now) if known else [("known", "nothing; it was never polled")]
    for name, value in rows:
        put(f"{name + ':':<20}{line(value)}")
    return 0 if known is not None or listed is not None else 1


def _options(options: Options) -> Iterator[tuple[str, str]]:
    for option in fields(options):
        value = getattr(options, option.name)
        if value == option.default:
            continue
        if option.name == "headers":  # the values may be secret
            value = ", ".join(name for name, _ in value)
        yield f"  {option.name.replace('_', '-')}", str(value)


def _known(state: FeedState, hold: HostHold | None, seen: int, now: float) -> list[tuple[str, str]]:
    from condget.cache.validators import etag_of, last_modified_of
    from condget.feeds.durations import instant, span
    from condget.feeds.schedule import explain as why
    from condget.reports.phrases import entries

    def when(at: float | None) -> str:
        return "never" if at is None else instant(at, 0)

    stored = state.stored
    etag = etag_of(stored.fields) if stored else None
    modified = last_modified_of(stored.fields) if stored else None
    rows = [
        ("title", state.title or "none"),
        ("first polled", when(state.first_polled)),
        ("last polled", when(state.last_polled)),
        ("last news", when(state.last_changed)),
        ("next poll", why(state, hold, now)),
        ("adaptive interval", span(state.interval) if state.interval else "not yet known"),
        ("ETag", etag or "none"),
        ("Last-Modified", modified or "none"),
        ("content", f"{state.content_bytes:,} bytes; {entries(state.window)}, {seen} rows remembered"),
    ]
    if stored is not None and stored.url != state.url:
        rows.append(("answered by", " > ".join(state.chain)))
    if state.moved_to:
        rows.append(("moved to", f"{state.moved_to} and asked there; change the list"))
    if state.failures:
        rows.append(("failures", f"{state.failures} in a row"))
    if state.error:
        rows.append(("last failure", state.error))
    return rows
