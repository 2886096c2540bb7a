"""From the result of a job, and what is remembered of the feed, to an `Outcome`. No I/O.

An accepted response replaces the pair as a whole (B1, B2), a 304 updates the pair (B3), and an error leaves the pair
and the known entries as they are (B4, B5). A poller keeps the pair of a `no-store` response, too: it keeps no content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from condget.cache.fields import Fields
from condget.cache.freshening import freshened
from condget.cache.freshness import FRESHNESS_FIELDS
from condget.cache.messages import Request, Response, StoredResponse
from condget.cache.storing import to_stored
from condget.cache.validators import VALIDATOR_FIELDS, etag_of, last_modified_of
from condget.feeds.entries import Diff, diff
from condget.feeds.schedule import after_failure, after_success, put_off
from condget.feeds.values import FeedState, Outcome, SeenEntry, Status
from condget.fetching.targets import host_of
from condget.polling.batch import Polled
from condget.polling.planning import Planned

#: Fields that the next poll needs, to validate and where a 304 does not repeat them. Date and Age belong to one
#: response only (RFC 9111 §3.2, §4.2.3).
_REMEMBERED = VALIDATOR_FIELDS | FRESHNESS_FIELDS

_NO_DIFFERENCE = Diff()


def outcome_of(planned: Planned, polled: Polled, seen: Mapping[str, SeenEntry]) -> Outcome:
    """Return the outcome of a poll; `seen` is what is remembered of the feed's entries."""
    if polled.skipped is not None:
        return _skipped(planned, polled)
    if polled.error is not None or polled.response is None:
        return _failed(planned, polled)
    return _accepted(planned, polled, polled.response, seen)


def _outcome(planned: Planned, polled: Polled, status: Status, **facts: Any) -> Outcome:
    facts = {"title": planned.state.title if planned.state else None, **facts}
    return Outcome(
        planned.job.key,
        status,
        name=planned.subscription.name,
        http_status=polled.response.status if polled.response else None,
        validators_sent=polled.sent,
        bytes=polled.received,
        connected=polled.connected,
        hops=polled.hops,
        **facts,
    )


def _skipped(planned: Planned, polled: Polled) -> Outcome:
    outcome = _outcome(planned, polled, "skipped", reason=polled.skipped)
    if polled.until is None:
        return outcome
    own = not polled.chain
    return put_off(outcome, planned.state, polled.until, own=own, pace=planned.pace, now=polled.now)


def _failed(planned: Planned, polled: Polled) -> Outcome:
    before = planned.state or FeedState(planned.job.key)
    response, host = polled.response, host_of(polled.chain[-1])
    # A response that was rejected for its content has a status and fields that say nothing about the failure.
    rejected = response is not None and response.status < 400
    due = after_failure(
        before,
        host,
        response.status if response else None,
        response.fields if response and not rejected else Fields(),
        pace=planned.pace,
        now=polled.now,
        for_good=polled.for_good,
        redirected=host != host_of(polled.chain[0]),
    )
    state = due.applied(
        before,
        first_polled=before.first_polled or polled.now,
        last_polled=polled.now,
        error=polled.error,
        cut_off=polled.cut_off or before.cut_off,
        unreached=None,
    )
    return _outcome(
        planned,
        polled,
        "gone" if due.gone else "error",
        state=state,
        error=polled.error,
        reason=due.reason,
        next_poll=None if due.gone else due.at,
        hold=due.hold,
    )


def _accepted(planned: Planned, polled: Polled, response: Response, seen: Mapping[str, SeenEntry]) -> Outcome:
    before = planned.state or FeedState(planned.job.key)
    first = before.last_changed is None
    now, document = polled.now, polled.document
    difference = _NO_DIFFERENCE if document is None else diff(document, seen, before.window, now)
    stored, remembered = head_left(before, polled, response)
    moved_to = _moved_to(planned, polled)
    changes: dict[str, Any] = {
        "moved_to": moved_to,
        "stored": remembered,
        "chain": polled.chain,
        "first_polled": before.first_polled or now,
        "last_polled": now,
        "last_changed": now if first or difference.changed else before.last_changed,
        "error": None,
        "cut_off": None,
        "unreached": None,
        "undelivered": 0,
    }
    if response.status == 226:
        # Only what was added: not the whole document, and an absent entry is not gone (F6).
        difference = replace(difference, forget=())
        changes |= {"digest": None}
    elif response.status != 304:
        changes |= {"digest": polled.digest, "content_bytes": polled.received}
    if response.status == 304 or not polled.sent:
        changes["ignored"] = 0
    elif polled.digest == before.digest:
        changes["ignored"] = before.ignored + 1
    if document is not None:
        changes |= {
            "title": document.title or before.title,
            "window": max(before.window, document.window) if response.status == 226 else document.window,
            "hints": before.hints if response.status == 226 or document.hints is None else document.hints,
            "recall": difference.recall,
        }
    due = after_success(
        before,
        stored,
        changes.get("hints", before.hints),
        status=response.status,
        changed=bool(difference.new),
        pace=planned.pace,
        now=now,
        ignored=changes.get("ignored", before.ignored),
    )
    is_news = difference.changed or difference.reissued
    moved = moved_to is not None and moved_to != before.moved_to
    state = due.applied(before, **changes)
    return _outcome(
        planned,
        polled,
        "new" if first else "moved" if moved else "changed" if is_news else "unchanged",
        state=state,
        title=state.title,
        entries=difference.new,
        edited=difference.edited,
        reissued=difference.reissued,
        defect=document.defect if document else None,
        changed=difference.changed,
        moved_to=moved_to if moved else None,
        reason=due.reason,
        next_poll=due.at,
        validators_received=_pair(response.fields),
        bytes_saved=before.content_bytes if response.status == 304 else 0,
        seen=difference.seen,
        forget=difference.forget,
    )


def head_left(before: FeedState, polled: Polled, response: Response) -> tuple[StoredResponse, StoredResponse]:
    """Return the head that a response leaves, and the part of it that is remembered.

    The part is the very value of before, its times included, where it says the same.
    """
    old = before.stored
    if response.status == 304 and old is not None:
        if says_nothing_new(response.fields, old.fields):
            return old, old
        stored = freshened(old, response, replace_validators=True)
    else:
        # Without the fields of the request: what Vary selects by could be a secret (F12), and nothing is reused.
        stored = to_stored(Request("GET", polled.chain[-1]), response)
    kept = Fields([pair for pair in stored.fields if pair[0].lower() in _REMEMBERED])
    if old is not None and (old.url, old.status, old.fields) == (stored.url, stored.status, kept):
        return stored, old
    return stored, StoredResponse(stored.url, stored.status, kept, stored.request_time, stored.response_time)


def says_nothing_new(fields: Fields, old: Fields) -> bool:
    """Whether a 304 leaves the validators as they are, and neither side states freshness, as in most polls."""
    if fields.has_any(FRESHNESS_FIELDS) or old.has_any(FRESHNESS_FIELDS):
        return False
    for name in VALIDATOR_FIELDS:
        values = fields.all(name)
        if values and (values != old.all(name) or "" in values):  # an empty one says nothing, and would go
            return False
    return True


def _moved_to(planned: Planned, polled: Polled) -> str | None:
    """Return where the feed is requested from now on; None: at the configured URL (E1)."""
    configured, target = planned.subscription.url, polled.chain[-1]
    if polled.permanent_to == target:
        return None if target == configured else target
    # A response of the configured URL without a permanent redirect: the remembered redirect holds no longer.
    if polled.chain[0] == configured or planned.state is None:
        return None
    return planned.state.moved_to


def _pair(fields: Fields) -> tuple[tuple[str, str], ...]:
    pairs = (("ETag", etag_of(fields)), ("Last-Modified", last_modified_of(fields)))
    return tuple((name, value) for name, value in pairs if value is not None)
