"""The request for one feed, by its line in the list and its state. Secrets are read here and kept nowhere (F12)."""

from __future__ import annotations

from collections.abc import Sequence

from condget import settings
from condget.cache.validators import preconditions
from condget.errors import UsageError
from condget.feeds.subscriptions import Subscription
from condget.feeds.values import FeedState
from condget.fetching.request import DEFAULT_LIMITS, FetchRequest, limits_of
from condget.fetching.targets import host_of
from condget.polling.batch import Job
from condget.polling.run_options import RunOptions
from condget.secret_values import resolved
from condget.urls import canonical, origin_of

#: The fields that may be sent, by the option `validators` of the list.
_VALIDATORS = {
    "both": ("If-None-Match", "If-Modified-Since"),
    "etag": ("If-None-Match",),
    "last-modified": ("If-Modified-Since",),
    "none": (),
}


def job_of(subscription: Subscription, state: FeedState | None, run_options: RunOptions) -> Job:
    """Compose the job of one feed.

    Raises:
        UsageError: the value of a field is to be read from a variable or a file that is missing.
    """
    url, options = subscription.url, subscription.options
    # After a failure at the URL where the feed moved to, that URL and the configured one are requested in turn: the
    # feed may have moved on, or back.
    if state is not None and state.moved_to is not None and state.failures % 2 == 0:
        url = state.moved_to
    # Secrets belong to the origin that they were configured for (E5).
    own = url == subscription.url or origin_of(url) == origin_of(subscription.url)
    stored = state.stored if state is not None and not run_options.unconditional else None
    allowed = _VALIDATORS[options.validators]
    request = FetchRequest(
        url,
        tuple([pair for pair in preconditions([stored]) if pair[0] in allowed]) if stored else (),
        tuple(map(canonical, state.chain[-1:])) if state is not None else (),
        tuple([(name, _resolved(subscription, name, value)) for name, value in options.headers]) if own else (),
        subscription.userinfo if own else None,
        options.user_agent or settings.USER_AGENT,
        options.timeout or run_options.timeout,
        options.private_network,
        moved_from=None if url == subscription.url else subscription.url,
        limits=DEFAULT_LIMITS if options.max_size is None else limits_of(options.max_size),
        trace=run_options.trace,
    )
    timeout, parallel = options.parse_timeout, options.parallel or 1
    if state is None:
        return Job(subscription.key, request, parse_timeout=timeout, parallel=parallel)
    hosts = _led_to(request, state.chain) if request.moved_from or len(state.chain) > 1 else ()
    return Job(subscription.key, request, state.digest, state.cut_off, state.recall, timeout, hosts, parallel)


def _led_to(request: FetchRequest, chain: Sequence[str]) -> tuple[str, ...]:
    """Return the hosts beside the first that a request may lead to, as far as is known."""
    urls = chain if request.moved_from is None else [*chain, request.moved_from]
    return tuple(sorted({host_of(url) for url in urls} - {host_of(request.url)}))


def missing_secret(subscription: Subscription) -> str | None:
    """Return which secret of a feed cannot be had now, in a sentence; None: none is missing."""
    try:
        for name, value in subscription.options.headers:
            _resolved(subscription, name, value)
    except UsageError as error:
        return str(error)
    return None


def _resolved(subscription: Subscription, name: str, value: str) -> str:
    try:
        return resolved(value)
    except ValueError as error:
        raise UsageError(f"{subscription.source}: header={name}: {error}") from None
