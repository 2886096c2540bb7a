"""What an answer means for a feed: from what was polled and what is remembered to an `Outcome`. No I/O.

An accepted answer replaces the pair as one (B1, B2), a 304 updates it (B3), and an error leaves both it and the known
entries as they are (B4, B5). A poller keeps the pair of a `no-store` response, too: it keeps none of its content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from condget.cache.fields import Fields
from condget.cache.freshening import freshened
from condget.cache.freshness import FRESHNESS_FIELDS
from condget.cache.messages import Request, Response, StoredResponse
from condget.cache.storing import to_stored
from condget.cache.validators import VALIDATOR_FIELDS, etag_of, last_modified_of
from condget.feeds.entries import Diff, diff
from condget.feeds.pace import Pace
from condget.feeds.schedule import after_failure, after_success
from condget.feeds.subscriptions import Subscription
from condget.feeds.values import FeedState, Outcome, SeenEntry, Status
from condget.polling.batch import Job, Polled, for_good, host_of

#: Fields that the next poll needs: to ask, and where a 304 does not repeat them. Date and Age are of one answer alone
#: (RFC 9111 §3.2, §4.2.3).
_REMEMBERED = VALIDATOR_FIELDS | FRESHNESS_FIELDS

_NOTHING = Diff()


def settle(
    subscription: Subscription,
    job: Job,
    before: FeedState | None,
    polled: Polled,
    seen: Mapping[str, SeenEntry],
    pace: Pace,
) -> Outcome:
    """Return what a poll found; `before` and `seen` are what is remembered of the feed."""
    first = before is None or before.last_changed is None
    before = before or FeedState(job.key)
    told = partial(
        Outcome,
        job.key,
        name=subscription.name,
        title=before.title,
        http_status=polled.response.status if polled.response else None,
        validators_sent=polled.sent,
        bytes=polled.received,
        connected=polled.connected,
    )
    if polled.skipped is not None:
        return told(status="skipped", reason=polled.skipped)
    if polled.error is not None or polled.response is None:
        return _failed(told, before, polled, pace)
    return _accepted(told, before, first, subscription, job, polled, polled.response, seen, pace)


def _failed(told: partial[Outcome], before: FeedState, polled: Polled, pace: Pace) -> Outcome:
    response = polled.response
    # An answer that was rejected for its content has a status that says nothing of it.
    rejected = response is not None and response.status < 400
    due = after_failure(
        before,
        host_of(polled.chain[-1]),
        response.status if response else None,
        response.fields if response and not rejected else Fields(),
        pace=pace,
        now=polled.now,
        for_good=for_good(polled.chain, polled.permanent_to),
    )
    state = due.applied(
        before,
        first_polled=before.first_polled or polled.now,
        last_polled=polled.now,
        error=polled.error,
        cut_off=polled.digest or before.cut_off,
        unreached=None,
    )
    return told(
        status="gone" if due.gone else "error",
        state=state,
        error=polled.error,
        reason=due.reason,
        next_poll=None if due.gone else due.at,
        hold=due.hold,
    )


def _accepted(
    told: partial[Outcome],
    before: FeedState,
    first: bool,
    subscription: Subscription,
    job: Job,
    polled: Polled,
    response: Response,
    seen: Mapping[str, SeenEntry],
    pace: Pace,
) -> Outcome:
    now, document = polled.now, polled.document
    found = _NOTHING if document is None else diff(document, seen, before.window, now)
    stored, remembered = _stored(before, polled, response)
    moved_to = _moved_to(before, subscription, job, polled)
    changes: dict[str, Any] = {
        "moved_to": moved_to,
        "stored": remembered,
        "chain": polled.chain,
        "first_polled": before.first_polled or now,
        "last_polled": now,
        "last_changed": now if first or found.changed else before.last_changed,
        "error": None,
        "cut_off": None,
        "unreached": None,
    }
    if response.status == 226:
        # Only what was added: neither the whole document, nor is an absent entry gone (F6).
        found = replace(found, forget=())
        changes |= {"digest": None}
    elif response.status != 304:
        changes |= {"digest": polled.digest, "content_bytes": polled.received}
    if document is not None:
        changes |= {
            "title": document.title or before.title,
            "window": max(before.window, document.window) if response.status == 226 else document.window,
            "hints": before.hints if response.status == 226 or document.hints is None else document.hints,
            "recall": found.recall,
        }
    due = after_success(
        before,
        stored,
        changes.get("hints", before.hints),
        status=response.status,
        changed=bool(found.new),
        pace=pace,
        now=now,
    )
    is_news = found.changed or found.reissued
    moved = moved_to is not None and moved_to != before.moved_to
    status: Status = "new" if first else "moved" if moved else "changed" if is_news else "unchanged"
    state = due.applied(before, **changes)
    return told(
        status=status,
        state=state,
        title=state.title,
        entries=found.new,
        edited=found.edited,
        reissued=found.reissued,
        changed=found.changed,
        moved_to=moved_to if moved else None,
        reason=due.reason,
        next_poll=due.at,
        validators_received=_pair(response.fields),
        bytes_saved=before.content_bytes if response.status == 304 else 0,
        seen=found.seen,
        forget=found.forget,
    )


def _stored(before: FeedState, polled: Polled, response: Response) -> tuple[StoredResponse, StoredResponse]:
    """Return the head that an answer leaves, and what is remembered of it.

    That is the value of before, its times included, where it says the same.
    """
    old = before.stored
    if response.status == 304 and old is not None:
        if _says_nothing_new(response.fields, old.fields):
            return old, old
        stored = freshened(old, response, replace_validators=True)
    else:
        # Without the fields of the request: what Vary selects by could be a secret (F12), and nothing is reused.
        stored = to_stored(Request("GET", polled.chain[-1]), response)
    kept = Fields([pair for pair in stored.fields if pair[0].lower() in _REMEMBERED])
    if old is not None and (old.url, old.status, old.fields) == (stored.url, stored.status, kept):
        return stored, old
    return stored, StoredResponse(stored.url, stored.status, kept, stored.request_time, stored.response_time)


def _says_nothing_new(fields: Fields, old: Fields) -> bool:
    """Whether a 304 leaves validators as they are, and neither side speaks of freshness: as most do."""
    if fields.has_any(FRESHNESS_FIELDS) or old.has_any(FRESHNESS_FIELDS):
        return False
    for name in VALIDATOR_FIELDS:
        values = fields.all(name)
        if values and (values != old.all(name) or "" in values):  # an empty one says nothing, and would go
            return False
    return True


def _moved_to(before: FeedState, subscription: Subscription, job: Job, polled: Polled) -> str | None:
    """Return where the feed is asked from now on, None for the configured URL (E1)."""
    target = polled.chain[-1]
    if polled.permanent_to == target:
        return None if target == subscription.url else target
    # An answer to the configured URL itself, without a permanent redirect: what was remembered holds no longer.
    return None if polled.chain[0] == subscription.url else before.moved_to


def _pair(fields: Fields) -> tuple[tuple[str, str], ...]:
    pairs = (("ETag", etag_of(fields)), ("Last-Modified", last_modified_of(fields)))
    return tuple((name, value) for name, value in pairs if value is not None)
