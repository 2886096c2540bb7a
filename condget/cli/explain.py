"""`condget explain`: everything that is remembered of one feed, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated

import typer

from condget import settings
from condget.cli import completion
from condget.cli.arguments import State, listed_feed, read_and_say
from condget.cli.output import put
from condget.cli.records import Format, is_jsonl, put_record

if TYPE_CHECKING:
    from condget.feeds.subscriptions import Options
    from condget.feeds.values import FeedState


def explain(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL", help="The feed, by URL or by its name in the list.", autocompletion=completion.feeds
        ),
    ],
    feeds: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FEEDS]...",
            help="Lists to take the feed's options from.",
            autocompletion=completion.feeds_behind_a_colon,
        ),
    ] = None,
    state: State = None,
    format_: Format = "text",
) -> int:
    """Print what is remembered of a feed.

    That is its validators, its next poll and the reason for it, its last failure. It sends and writes nothing, and
    can be used while a poll runs.

    \b
    Examples:
      condget explain https://example.org/feed.xml
      condget explain https://example.org/feed.xml feeds.txt
      condget explain https://example.org/feed.xml --format jsonl
    """
    from condget.cli.list import next_polls
    from condget.polling.planning import plan, remembered
    from condget.polling.run_options import RunOptions
    from condget.shown import address, line
    from condget.stores.opening import open_ledger_for_reading

    jsonl = is_jsonl(format_)
    lists = read_and_say(feeds or [])
    subscription = listed_feed(url, lists.subscriptions)
    is_listed = subscription in lists.subscriptions
    now = settings.clock()()
    with open_ledger_for_reading(state) as ledger:
        known = remembered([subscription], ledger).get(subscription.key)
        ((at, _, why),) = next_polls(plan([subscription], ledger, RunOptions(), now), now)
    code = 0 if known is not None or is_listed else 1
    if jsonl:
        from condget.cli.feed_records import explain_members, list_members

        members = list_members(subscription, known, at, why, now)
        members |= explain_members(known, subscription.options, is_listed=is_listed)
        put_record("condget.explain/1", members)
        return code
    rows = [("feed", address(subscription.url))]
    if is_listed:
        name = f" as {subscription.name}" if subscription.name else ""
        rows += [("listed", f"{subscription.source}{name}"), *_options(subscription.options)]
    elif feeds:
        rows.append(("listed", "no"))
    rows += _known(known) if known else [("known", "nothing; it was never polled")]
    rows.append(("next poll", why))
    if known is not None and known.gone:
        rows.append(("to poll it again", f"condget poll --force {address(subscription.url)}"))
    for name, value in rows:
        put(f"{name + ':':<20}{line(value)}")
    return code


def _options(options: Options) -> Iterator[tuple[str, str]]:
    """Yield the options of a feed that are not the default, as people write them."""
    from condget.feeds.durations import span
    from condget.feeds.feed_options import pause_words

    for option in fields(options):
        value = getattr(options, option.name)
        if value == option.default:
            continue
        if option.name == "headers":  # the values may be secret
            value = ", ".join(name for name, _ in value)
        elif option.name in ("every", "timeout"):
            value = span(value)
        elif option.name == "pause":
            value = pause_words(value)
        elif isinstance(value, bool):
            value = "yes" if value else "no"
        yield f"  {option.name.replace('_', '-')}", str(value)


def _known(state: FeedState) -> list[tuple[str, str]]:
    """Return what is remembered of a feed, in words."""
    from condget.cache.validators import etag_of, last_modified_of
    from condget.feeds.durations import instant, span
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
        ("adaptive interval", span(state.interval) if state.interval else "not yet known"),
        ("ETag", etag or "none"),
        ("Last-Modified", modified or "none"),
        ("content", f"{state.content_bytes:,} bytes as received; {entries(state.window)}"),
    ]
    if stored is not None and stored.url != state.url:
        rows.append(("answered by", " > ".join(state.chain)))
    if state.moved_to:
        rows.append(("moved to", f"{state.moved_to} and polled there; change the list"))
    if state.failures:
        rows.append(("failures", f"{state.failures} in a row"))
    if state.error:
        rows.append(("last failure", state.error))
    return rows
