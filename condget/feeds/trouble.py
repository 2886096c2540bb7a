"""Failures of a feed that deserve words: not each of a flaky server, and not the same ones day after day. Pure.

A failure is reported when the feed has failed for some time, when failures of another kind begin, and once a week
while they last; and so is their end, if they were reported. A feed that never worked is reported at once, since
somebody has just written its line. The memory of it is committed with the outcome, after the report (B7).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from condget.feeds.durations import DAY
from condget.feeds.pace import Patience
from condget.feeds.values import FeedState, Outcome, Trouble

#: Seconds until a failure that lasts is reported again.
AGAIN = 7 * DAY

#: So many feeds that cannot be reached, and no other feed that can, are one event: the machine is offline.
OFFLINE_TOGETHER = 4


def noticed(outcome: Outcome, before: FeedState | None, patience: Patience, now: float) -> Outcome:
    """Return an outcome that knows whether its failure, or the end of failures, deserves words (C15)."""
    state = outcome.state
    trouble = before.trouble if before is not None else None
    if state is None or outcome.status == "skipped":
        return outcome
    if outcome.status != "error":
        if trouble is None or trouble.since is None:
            return outcome
        return replace(
            outcome,
            state=replace(state, trouble=None),
            failures=before.failures if before is not None else 0,
            failing_since=trouble.since,
            is_notable=outcome.status == "gone" or trouble.reported is not None,
        )
    kind, trouble = _kind(outcome), trouble or Trouble()
    since = now if trouble.since is None else trouble.since
    if trouble.reported is not None:
        is_notable = kind not in trouble.kinds or now - trouble.reported >= AGAIN
    else:
        has_worked = before is not None and before.last_changed is not None
        is_notable = not has_worked or state.failures >= patience.failures or now - since >= patience.seconds
    if is_notable:
        trouble = Trouble(since, now, trouble.kinds if kind in trouble.kinds else (*trouble.kinds, kind))
    else:
        trouble = replace(trouble, since=since)
    return replace(
        outcome,
        state=replace(state, trouble=trouble),
        failures=state.failures,
        failing_since=since,
        is_notable=is_notable,
    )


def noticed_offline(
    outcomes: Iterable[Outcome], before: Iterable[FeedState | None], last_reached: float
) -> list[Outcome]:
    """Return the outcomes of a run that reached none of many feeds: it deserves words until somebody was reached (C13).

    Args:
        outcomes: of the run.
        before: the states of its feeds before the run.
        last_reached: when any feed was reached last.
    """
    # A feed that counts failures may be dead, and was not reached while others were.
    is_known = any(
        state is not None and not state.failures and state.unreached is not None and state.unreached > last_reached
        for state in before
    )
    return [replace(outcome, is_notable=not is_known) for outcome in outcomes]


def _kind(outcome: Outcome) -> str:
    """Return what kind of failure it is; failures of one kind may differ in their words each time."""
    status = outcome.http_status
    if not outcome.connected:
        return "unreachable"
    if status is None:
        return "no response"
    if status >= 500:
        return "5xx"
    return str(status) if status >= 400 else "content"
