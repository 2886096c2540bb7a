"""A feed as a program names it: what a line of a list says, as a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from condget.errors import SubscriptionError
from condget.feeds.durations import duration
from condget.feeds.feed_options import Validators, read_options
from condget.feeds.feed_urls import target_of
from condget.feeds.subscriptions import Subscription
from condget.shown import address


@dataclass(frozen=True, slots=True, repr=False)
class Feed:
    """A feed to poll, with the options that a list has behind a URL.

    >>> Feed("https://ann:secret@example.org/feed.xml", name="Ann", every="6h")
    Feed('https://example.org/feed.xml', name='Ann')
    """

    #: The URL; `user:password@` before its host is sent as Authorization, to that origin only.
    url: str
    #: The feed's name in reports.
    name: str | None = field(default=None, kw_only=True)
    #: A fixed interval instead of the adaptive one: seconds, a timedelta, or text such as "6h".
    every: float | timedelta | str | None = field(default=None, kw_only=True)
    #: The validators to send back.
    validators: Validators = field(default="both", kw_only=True)
    #: Further request fields; a value may be `@env:NAME` or `@file:PATH`.
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = field(default=(), kw_only=True)
    #: Total time for the feed, redirects included: seconds, a timedelta, or text such as "10s".
    timeout: float | timedelta | str | None = field(default=None, kw_only=True)
    #: Replaces condget's own User-Agent.
    user_agent: str | None = field(default=None, kw_only=True)
    #: Lets a feed on a public host redirect to a private address.
    private_network: bool = field(default=False, kw_only=True)
    #: True: the feed is not polled; a day, also as text such as "2027-01-01": it is not polled before that day (UTC).
    pause: bool | date | str = field(default=False, kw_only=True)
    #: Regular expressions: only entries in which the one, and not the other, is found are reported.
    match: str | None = field(default=None, kw_only=True)
    not_match: str | None = field(default=None, kw_only=True)
    #: The longest content as received, in bytes or as text such as "50MB".
    max_size: int | str | None = field(default=None, kw_only=True)
    #: The time for reading the document: seconds, a timedelta, or text such as "5m".
    parse_timeout: float | timedelta | str | None = field(default=None, kw_only=True)
    #: How many requests at a time the server allows, such as a server of your own; None: one.
    parallel: int | None = field(default=None, kw_only=True)

    def __repr__(self) -> str:
        name = "" if self.name is None else f", name={self.name!r}"
        return f"Feed({address(self.url)!r}{name})"


def subscription_of(feed: Feed) -> Subscription:
    """Return what is polled for a feed.

    Raises:
        SubscriptionError: its URL or an option cannot be used.
    """
    headers = feed.headers.items() if isinstance(feed.headers, Mapping) else feed.headers
    pairs = [("header", f"{name}:{value}") for name, value in headers]
    pairs.append(("validators", feed.validators))
    if feed.pause is not False:
        pairs.append(("pause", "yes" if feed.pause is True else str(feed.pause)))
    optional = {
        "user-agent": feed.user_agent,
        "match": feed.match,
        "not-match": feed.not_match,
        "max-size": feed.max_size,
        "parallel": feed.parallel,
    }
    pairs += [(name, str(value)) for name, value in optional.items() if value is not None]
    try:
        target, userinfo = target_of(feed.url.strip())
        _, options = read_options(pairs)
        options = replace(
            options,
            every=_seconds(feed.every),
            timeout=_seconds(feed.timeout),
            private_network=feed.private_network,
            parse_timeout=_seconds(feed.parse_timeout),
        )
    except ValueError as error:
        raise SubscriptionError(f"{feed!r}: {error}") from None
    return Subscription(target, userinfo, "Feed", feed.name, options)


def _seconds(length: float | timedelta | str | None) -> float | None:
    if length is None:
        return None
    if isinstance(length, str):
        return duration(length)
    seconds = length.total_seconds() if isinstance(length, timedelta) else float(length)
    if not 0 < seconds < float("inf"):
        raise ValueError(f"{length} is not a length of time above zero")
    return seconds
