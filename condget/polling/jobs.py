"""What a worker needs to ask one feed: from its line in the list and from its state. No secret is kept (F12)."""

from __future__ import annotations

import os
from pathlib import Path

from condget import settings
from condget.cache.validators import preconditions
from condget.errors import UsageError
from condget.feeds.subscriptions import Subscription
from condget.feeds.values import FeedState
from condget.fetching.request import FetchRequest
from condget.polling.batch import Job
from condget.polling.run_options import RunOptions
from condget.urls import origin_of

#: By what a list says of a feed's validators: the fields that may be sent.
_VALIDATORS = {
    "both": ("If-None-Match", "If-Modified-Since"),
    "etag": ("If-None-Match",),
    "last-modified": ("If-Modified-Since",),
    "none": (),
}


def job_of(subscription: Subscription, state: FeedState | None, run_options: RunOptions) -> Job:
    """Compose what a worker needs to ask one feed.

    Raises:
        UsageError: a field is to be read from a variable or a file that is not there.
    """
    url, options = subscription.url, subscription.options
    # After a failure where the feed moved to, the configured URL and that one are asked in turn: it may have moved
    # on, or back.
    if state is not None and state.moved_to is not None and state.failures % 2 == 0:
        url = state.moved_to
    # Secrets belong to the origin that they were configured for (E5).
    own = url == subscription.url or origin_of(url) == origin_of(subscription.url)
    stored = state.stored if state is not None and not run_options.unconditional else None
    wanted = _VALIDATORS[options.validators]
    ask = FetchRequest(
        url,
        tuple([pair for pair in preconditions([stored]) if pair[0] in wanted]) if stored else (),
        state.chain if state is not None else (),
        tuple([(name, _resolved(subscription, name, value)) for name, value in options.headers]) if own else (),
        subscription.userinfo if own else None,
        options.user_agent or settings.USER_AGENT,
        options.timeout or run_options.timeout,
        options.private_network,
        moved_from=None if url == subscription.url else subscription.url,
    )
    if state is None:
        return Job(subscription.key, ask)
    return Job(subscription.key, ask, state.digest, state.cut_off, state.recall)


def _resolved(subscription: Subscription, name: str, value: str) -> str:
    """Return the value of a configured field; it is kept nowhere (F12)."""
    kind, colon, where = value.partition(":")
    if not colon or kind not in ("@env", "@file"):
        return value
    place = f"{subscription.source}: header={name}"
    found: str | None
    if kind == "@env":
        found = os.environ.get(where)
        if found is None:
            raise UsageError(f"{place}: the variable {where} is not set; set it, or take the header out")
    else:
        try:
            found = Path(where).expanduser().read_text(encoding="latin-1")
        except OSError as error:
            raise UsageError(f"{place}: {where} cannot be read ({error.strerror})") from None
    found = found.strip()
    if not found:
        raise UsageError(f"{place}: {where} is empty")
    return found
