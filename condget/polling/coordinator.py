"""A run: have the feeds of a plan polled.

`run` yields outcomes as they are finished. Its caller commits them to the ledger once they are delivered, so that
nothing is marked as seen that was not reported (B7); outcomes that are never committed come again with the next run.
`poll` takes an outcome as delivered when the next one is requested.

Failures to connect wait for the end of the run, which tells whether the machine was offline (C13).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from condget import settings
from condget.feeds.filters import Filter
from condget.feeds.subscriptions import Subscription
from condget.feeds.values import Outcome
from condget.polling.planning import Plan, begin
from condget.polling.run_options import RunOptions
from condget.stores.protocols import Ledger

if TYPE_CHECKING:
    from condget.polling.executors import Executor


def run(
    plan_: Plan, ledger: Ledger, executor: Executor, clock: settings.Clock
) -> Generator[Sequence[Outcome], None, None]:
    """Yield outcomes in groups as they are finished; the caller commits those that are delivered."""
    if plan_.refused:
        yield plan_.refused
    if not plan_.hosts:
        return
    ledger.reserve(plan_.requests)
    from condget.feeds.schedule import unreached
    from condget.feeds.trouble import OFFLINE_TOGETHER, noticed, noticed_offline
    from condget.polling.filtering import Filtering
    from condget.polling.outcomes import outcome_of

    if renamed := [(feed, feed.former) for feed in plan_.feeds if feed.former is not None]:
        # Under both URLs, since another list may still have the former URL.
        ledger.commit(
            Outcome(feed.job.key, "skipped", state=feed.state, seen=tuple(ledger.seen(former).values()))
            for feed, former in renamed
        )
    feeds = {feed.job.key: feed for feed in plan_.feeds}
    reached, patience = False, plan_.run_options.patience
    offline: list[Outcome] = []
    with closing(executor.run(plan_.batch())) as groups, closing(Filtering()) as filtering:
        for group in groups:
            finished: list[Outcome] = []
            for polled in group:
                seen = ledger.seen(polled.key) if polled.document else {}
                feed = feeds[polled.key]
                outcome = filtering.applied(outcome_of(feed, polled, seen), _filters(feed.subscription, plan_))
                if polled.connected:
                    finished.append(noticed(outcome, feed.state, patience, polled.now))
                else:
                    offline.append(outcome)
            if finished:
                reached = reached or any(outcome.status != "skipped" for outcome in finished)
                yield finished
    if offline:
        now, last_reached = clock(), ledger.last_reached()
        offline = [
            unreached(
                outcome,
                feeds[outcome.url].state,
                alone=len(feeds) == 1,
                reached=reached,
                last_reached=last_reached,
                pace=feeds[outcome.url].pace,
                now=now,
            )
            for outcome in offline
        ]
        befores = [feeds[outcome.url].state for outcome in offline]
        if reached or len(offline) < OFFLINE_TOGETHER:
            offline = [
                noticed(outcome, before, patience, now) for outcome, before in zip(offline, befores, strict=True)
            ]
        else:
            offline = noticed_offline(offline, befores, last_reached)
        yield offline


def _filters(subscription: Subscription, plan_: Plan) -> tuple[Filter, Filter]:
    """Return the filters of a feed and of the run."""
    of_feed, of_run = subscription.options, plan_.run_options
    return Filter(of_feed.match, of_feed.not_match), Filter(of_run.match, of_run.not_match)


def poll(
    subscriptions: Iterable[Subscription],
    ledger: Ledger,
    *,
    run_options: RunOptions | None = None,
    clock: settings.Clock | None = None,
    executor: Executor | None = None,
) -> Generator[Outcome, None, None]:
    """Poll the feeds that are due and yield the outcome of each.

    An outcome is committed to the ledger once the caller has come back for the next one. If the caller leaves the loop
    early, the last outcome comes again with the next poll. One run at a time may use a ledger;
    `condget.stores.opening.open_ledger` sees to that.

    >>> from condget.feeds.subscriptions import single
    >>> from condget.stores.memory_ledger import MemoryLedger
    >>> [outcome.status for outcome in poll([single("http://localhost:1/feed")], MemoryLedger())]
    ['error']
    """
    import time

    clock = clock or time.time
    plan_ = begin(subscriptions, ledger, run_options or RunOptions(), clock())
    if not plan_.hosts and not plan_.refused:
        return
    from condget.polling.executors import InProcess

    yield from poll_planned(plan_, ledger, executor or InProcess(clock), clock)


def poll_planned(
    plan_: Plan, ledger: Ledger, executor: Executor, clock: settings.Clock
) -> Generator[Outcome, None, None]:
    """Yield the outcomes of a run; each is committed, in groups, once the next one is requested."""
    with closing(run(plan_, ledger, executor, clock)) as groups:
        for group in groups:
            delivered = 0
            try:
                for outcome in group:
                    yield outcome
                    delivered += 1
            finally:
                ledger.commit(group[:delivered])
