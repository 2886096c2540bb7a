"""A run: have the feeds of a plan polled, and commit what was delivered.

`run` yields outcomes as they are finished, and commits a group when the next one is asked for: whoever takes
outcomes has delivered them by then. So nothing is marked as seen that was not reported (B7), and a reader that
breaks off leaves the last group to be reported again.

Failures to connect are held back to the end of the run, which tells whether the machine was offline (C13).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from condget import settings
from condget.feeds.durations import with_instant
from condget.feeds.pace import Pace, spread
from condget.feeds.schedule import unreached
from condget.feeds.subscriptions import Subscription
from condget.feeds.values import FeedState, Outcome
from condget.polling.batch import Polled
from condget.polling.planning import Plan, pace_of, plan
from condget.polling.run_options import RunOptions
from condget.stores.protocols import Ledger

if TYPE_CHECKING:
    from condget.polling.executors import Executor


def run(
    planned: Plan, ledger: Ledger, executor: Executor, clock: settings.Clock
) -> Generator[Sequence[Outcome], None, None]:
    """Yield outcomes in groups as they are finished; a group is committed when the next one is asked for."""
    if planned.refused:
        yield planned.refused
    if not planned.hosts:
        return
    from condget.polling.outcomes import settle

    if planned.former:
        # Under both URLs, since another list may have the old one still.
        ledger.commit(
            Outcome(key, "skipped", state=planned.states[key], seen=tuple(ledger.seen(old).values()))
            for key, old in planned.former.items()
        )
    jobs = {job.key: job for host in planned.hosts for job in host}
    reached = False
    held: list[Outcome] = []
    with closing(executor.run(planned.batch())) as groups:
        for group in groups:
            found: list[Outcome] = []
            for polled in group:
                subscription = planned.subscriptions[polled.key]
                seen = ledger.seen(polled.key) if polled.document else {}
                pace = pace_of(subscription, planned.run_options)
                state = planned.states.get(polled.key)
                outcome = settle(subscription, jobs[polled.key], state, polled, seen, pace)
                if polled.until is not None:
                    outcome = _put_off(outcome, state, polled, pace)
                (found if polled.connected else held).append(outcome)
            if found:
                reached = reached or any(outcome.status != "skipped" for outcome in found)
                yield found
                ledger.commit(found)
    if held:
        now, last_reached = clock(), ledger.last_reached()
        held = [
            unreached(
                outcome,
                planned.states.get(outcome.url),
                alone=len(jobs) == 1,
                reached=reached,
                last_reached=last_reached,
                pace=pace_of(planned.subscriptions[outcome.url], planned.run_options),
                now=now,
            )
            for outcome in held
        ]
        yield held
        ledger.commit(held)


def poll(
    subscriptions: Iterable[Subscription],
    ledger: Ledger,
    *,
    run_options: RunOptions | None = None,
    clock: settings.Clock | None = None,
    executor: Executor | None = None,
) -> Generator[Outcome, None, None]:
    """Poll the feeds that are due and yield what each brought.

    What an outcome says is committed to the ledger after the caller has come back for the next one; leave the loop
    early, and the last outcomes come again with the next poll. One run at a time may use a ledger;
    `condget.stores.opening.open_ledger` sees to that.

    >>> from condget.feeds.subscriptions import single
    >>> from condget.stores.memory_ledger import MemoryLedger
    >>> [outcome.status for outcome in poll([single("http://localhost:1/feed")], MemoryLedger())]
    ['error']
    """
    import time

    clock = clock or time.time
    now = clock()
    ledger.set_back(now)
    planned = plan(subscriptions, ledger, run_options or RunOptions(), now)
    if not planned.asked and not planned.refused:
        return
    from condget.polling.executors import InProcess

    for group in run(planned, ledger, executor or InProcess(clock), clock):
        yield from group


def _put_off(outcome: Outcome, state: FeedState | None, polled: Polled, pace: Pace) -> Outcome:
    """Return the outcome of a feed that was led to a host which asked for silence (C6).

    It is as it was, and asked again when the silence ends; where its own host was asked, not before that may be (C1).
    """
    assert polled.until is not None
    if not polled.chain:
        return replace(outcome, next_poll=polled.until)
    floor = pace.minimum if pace.every is None else pace.every
    at = max(polled.until, polled.now + floor)
    at += spread(outcome.url, at - polled.now)
    reason = with_instant(str(outcome.reason), at, polled.now)
    state = replace(state or FeedState(outcome.url), next_poll=at, reason=reason)
    return replace(outcome, state=state, next_poll=at, reason=reason)
