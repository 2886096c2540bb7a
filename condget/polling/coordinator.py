"""A run: have the feeds of plans polled.

`run` yields outcomes as they are finished. Its caller commits them to the ledger once they are delivered, so that
nothing is marked as seen that was not reported (B7); outcomes that are never committed come again with the next run.
`poll` takes an outcome as delivered when the next one is requested.

A failure to connect waits until somebody was reached, at most to the end of the run: that tells whether the machine
was offline (C13).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from condget import settings
from condget.feeds.filters import Filter
from condget.feeds.subscriptions import Subscription
from condget.feeds.values import Outcome
from condget.polling.planning import Plan, Planned, begin
from condget.polling.run_options import RunOptions
from condget.stores.protocols import Ledger

if TYPE_CHECKING:
    from condget.polling.batch import Batch
    from condget.polling.executors import Executor


#: Seconds after which a run lets others write: it takes longer than expected, and others may have feeds that are due.
ALONE = 10.0

#: Failures to connect that wait to learn whether anybody can be reached; beyond these, the machine counts as offline.
_MOST_WAITING = 10_000


def run(
    plans: Iterable[Plan], ledger: Ledger, executor: Executor, clock: settings.Clock
) -> Generator[Sequence[Outcome], None, None]:
    """Yield outcomes in groups as they are finished; the caller commits those that are delivered.

    A plan is taken from the iterable when the executor has room. Nothing of a feed is kept once its outcome is
    out.
    """
    from condget.feeds.trouble import noticed
    from condget.polling.filtering import Filtering
    from condget.polling.outcomes import outcome_of

    under_way = _UnderWay(ledger)
    reached = False
    unconnected: list[tuple[Planned, Outcome]] = []
    alone_until: float | None = time.monotonic() + ALONE
    ledger.on_loss(executor.stop)
    with closing(executor.run(under_way.batches(plans))) as groups, closing(Filtering()) as filtering:
        for group in groups:
            if under_way.refused:
                yield under_way.take_refused()
            if alone_until is not None and time.monotonic() >= alone_until:
                alone_until, hosts = None, under_way.take_hosts()
                if not ledger.is_shared():  # else each plan has its hosts already
                    ledger.hold_hosts(hosts)
            finished: list[Outcome] = []
            for polled in group:
                seen = ledger.seen(polled.key) if polled.document else {}
                feed, run_options = under_way.feeds.pop(polled.key), under_way.run_options
                filters = _filters(feed.subscription, run_options)
                outcome = filtering.applied(outcome_of(feed, polled, seen), filters)
                if polled.connected:
                    reached = reached or outcome.status != "skipped"
                    finished.append(noticed(outcome, feed.state, run_options.patience, polled.now))
                else:
                    unconnected.append((feed, outcome))
            if unconnected and (reached or len(unconnected) >= _MOST_WAITING):
                finished += _settled(unconnected, under_way, ledger, reached=reached, now=clock())
                unconnected.clear()
            if finished:
                yield finished
    if under_way.refused:
        yield under_way.take_refused()
    if unconnected:
        yield _settled(unconnected, under_way, ledger, reached=reached, now=clock())


class _UnderWay:
    """The feeds that plans request and whose outcome is not yet out."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.feeds: dict[str, Planned] = {}
        #: The hosts of plans, until others may write: each later plan holds its hosts itself.
        self._hosts: list[Sequence[Sequence[Planned]]] | None = []
        self.run_options = RunOptions()
        #: How many feeds were requested.
        self.requests = 0
        #: Outcomes of feeds that cannot be requested.
        self.refused: list[Outcome] = []

    def batches(self, plans: Iterable[Plan]) -> Iterator[Batch]:
        """Yield the batches of plans, and take note of their feeds."""
        for plan_ in plans:
            self.refused += plan_.refused
            if not plan_.hosts:
                continue
            self._ledger.reserve(plan_.requests)
            if renamed := [(feed, feed.former) for feed in plan_.feeds if feed.former is not None]:
                # Under both URLs, since another list may still have the former URL.
                self._ledger.commit(
                    Outcome(feed.job.key, "skipped", state=feed.state, seen=tuple(self._ledger.seen(former).values()))
                    for feed, former in renamed
                )
            self.run_options = plan_.run_options
            self.requests += plan_.requests
            self.feeds.update((feed.job.key, feed) for feed in plan_.feeds)
            if self._hosts is not None:
                self._hosts.append(plan_.hosts)
            yield plan_.batch()

    def take_refused(self) -> list[Outcome]:
        refused, self.refused = self.refused, []
        return refused

    def take_hosts(self) -> list[str]:
        """Return the hosts of the plans so far; the next plans need not be remembered.

        Hosts whose feeds are finished are among them, since their outcomes may not be committed yet.
        """
        from condget.fetching.targets import host_of

        plans, self._hosts = self._hosts or (), None
        return [host_of(host[0].job.request.url) for hosts in plans for host in hosts]


def _settled(
    unconnected: Sequence[tuple[Planned, Outcome]], under_way: _UnderWay, ledger: Ledger, *, reached: bool, now: float
) -> list[Outcome]:
    """Return the outcomes of feeds that could not be connected to, as soon as it is known whether anybody can (C13)."""
    from condget.feeds.schedule import unreached
    from condget.feeds.trouble import OFFLINE_TOGETHER, noticed, noticed_offline

    alone, last_reached = under_way.requests == 1, 0.0 if reached else ledger.last_reached()
    outcomes = [
        unreached(outcome, feed.state, alone=alone, reached=reached, last_reached=last_reached, pace=feed.pace, now=now)
        for feed, outcome in unconnected
    ]
    befores = [feed.state for feed, _ in unconnected]
    if reached or len(outcomes) < OFFLINE_TOGETHER:
        patience = under_way.run_options.patience
        return [noticed(outcome, before, patience, now) for outcome, before in zip(outcomes, befores, strict=True)]
    return noticed_offline(outcomes, befores, last_reached)


def _filters(subscription: Subscription, run_options: RunOptions) -> tuple[Filter, Filter]:
    """Return the filters of a feed and of the run."""
    of_feed = subscription.options
    return Filter(of_feed.match, of_feed.not_match), Filter(run_options.match, run_options.not_match)


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
    clock = clock or time.time
    plan_ = begin(subscriptions, ledger, run_options or RunOptions(), clock())
    if not plan_.hosts and not plan_.refused:
        return
    from condget.polling.executors import InProcess

    yield from poll_planned([plan_], ledger, executor or InProcess(clock), clock)


def poll_planned(
    plans: Iterable[Plan],
    ledger: Ledger,
    executor: Executor,
    clock: settings.Clock,
    *,
    committed: Callable[[Sequence[Outcome]], None] | None = None,
) -> Generator[Outcome, None, None]:
    """Yield the outcomes of a run; each is committed, in groups, once the next one is requested.

    Args:
        committed: called with the outcomes of each commit.
    """
    with closing(run(plans, ledger, executor, clock)) as groups:
        for group in groups:
            delivered = 0
            try:
                for outcome in group:
                    yield outcome
                    delivered += 1
            finally:
                ledger.commit(group[:delivered])
                if committed is not None:
                    committed(group[:delivered])
