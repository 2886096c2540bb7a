"""A feed as an object of JSON Lines, as `condget list`, `condget explain` and `condget dead` print it for programs."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from condget.reports.phrases import instant
from condget.shown import address, without_credentials

if TYPE_CHECKING:
    from condget.feeds.feed_options import Options
    from condget.feeds.health import Ailment
    from condget.feeds.subscriptions import Subscription
    from condget.feeds.values import FeedState


def list_members(
    subscription: Subscription, state: FeedState | None, at: float, reason: str, now: float
) -> dict[str, object]:
    """Return the members of a feed whose next poll is at an instant, infinite for never."""
    return {
        "url": address(subscription.url),
        "name": subscription.name,
        "title": state.title if state else None,
        "source": subscription.source,
        "due": at <= now,
        "next_poll": instant(max(at, now)),
        "reason": reason,
        "gone": state is not None and state.gone,
        "moved_to": address(state.moved_to) if state and state.moved_to else None,
        "failures": state.failures if state else 0,
        "error": without_credentials(state.error) if state and state.error else None,
        "last_polled": instant(state.last_polled) if state else None,
        "last_changed": instant(state.last_changed) if state else None,
    }


def dead_members(subscription: Subscription, state: FeedState, ailment: Ailment) -> dict[str, object]:
    """Return the members of a feed that `condget dead` names."""
    return {
        "url": address(subscription.url),
        "name": subscription.name,
        "title": state.title,
        "source": subscription.source,
        "kind": ailment.kind,
        "reason": without_credentials(ailment.words),
        "failures": state.failures,
        "last_polled": instant(state.last_polled),
        "last_changed": instant(state.last_changed),
    }


def explain_members(state: FeedState | None, options: Options, *, is_listed: bool) -> dict[str, object]:
    """Return the members that `condget explain` adds."""
    from condget.cache.validators import etag_of, last_modified_of

    stored = state.stored if state else None
    return {
        "listed": is_listed,
        "options": _options(options),
        "known": state is not None,
        "first_polled": instant(state.first_polled) if state else None,
        "interval": state.interval or None if state else None,
        "etag": etag_of(stored.fields) if stored else None,
        "last_modified": last_modified_of(stored.fields) if stored else None,
        "answered_by": [address(url) for url in state.chain] if state else [],
        "content_bytes": state.content_bytes if state else None,
        "entries": state.window if state else None,
    }


def _options(options: Options) -> dict[str, object]:
    """Return the options that are not the default. Of headers the names only, because their values may be secret."""
    chosen = {option.name.replace("_", "-"): getattr(options, option.name) for option in fields(options)}
    defaults = {option.name.replace("_", "-"): option.default for option in fields(options)}
    chosen = {name: value for name, value in chosen.items() if value != defaults[name]}
    if "headers" in chosen:
        chosen["headers"] = [name for name, _ in options.headers]
    if "pause" in chosen:
        chosen["pause"] = instant(options.pause) or "yes"
    return chosen
