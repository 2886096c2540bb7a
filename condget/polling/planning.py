"""What a run will ask, why not the rest, and what it needs to know of each feed. Reads the ledger and writes nothing.

Most runs of a cron job have nothing to ask: what only the others need is imported when there is something.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from condget.errors import UsageError
from condget.feeds.pace import Due, Pace, is_due
from condget.feeds.subscriptions import Subscription
from condget.polling.run_options import RunOptions

if TYPE_CHECKING:
    from condget.feeds.values import FeedState, HostHold, Outcome
    from condget.polling.batch import Batch, Job
    from condget.stores.protocols import LedgerReader


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will ask, with what is remembered of those feeds; and the outcomes that need no request."""

    #: Jobs by host, as a batch has them.
    hosts: Sequence[Sequence[Job]]
    run_options: RunOptions
    #: Silences that were asked for and last.
    holds: tuple[HostHold, ...]
    subscriptions: Mapping[str, Subscription]
    states: Mapping[str, FeedState]
    #: Feeds whose options cannot be used now.
    refused: tuple[Outcome, ...] = ()
    #: Feeds that are not asked, each with its reason, and the instant when it is.
    passed_over: tuple[tuple[Subscription, str, float | None], ...] = ()
    #: Feeds that are listed now where they had moved to, and by what URL the ledger still knows them (E1).
    former: Mapping[str, str] = field(default_factory=dict)

    @property
    def asked(self) -> int:
        """How many feeds will be asked."""
        return sum(map(len, self.hosts))

    @property
    def first_seen(self) -> bool:
        """Whether a feed that will be asked was never polled before."""
        return any(job.key not in self.states for jobs in self.hosts for job in jobs)

    def batch(self) -> Batch:
        """Return what an executor is to do."""
        from condget.polling.batch import Batch

        return Batch(tuple(map(tuple, self.hosts)), self.run_options, self.holds)

    def skipped(self) -> Iterator[Outcome]:
        """Yield the outcomes of the feeds that are not asked: most of a long list, and seldom reported."""
        from condget.feeds.values import Outcome

        for subscription, reason, next_poll in self.passed_over:
            yield Outcome(subscription.key, "skipped", name=subscription.name, reason=reason, next_poll=next_poll)


def plan(subscriptions: Iterable[Subscription], ledger: LedgerReader, run_options: RunOptions, now: float) -> Plan:
    """Decide which feeds are asked now. Reads the ledger and writes nothing."""
    unique: dict[str, Subscription] = {}
    for subscription in subscriptions:
        unique.setdefault(subscription.key, subscription)
    known, holds = dict(ledger.due(list(unique))), ledger.holds()
    former = _former(unique, known, ledger)
    known |= {key: plan_of_old for key, (_, plan_of_old) in former.items()}
    passed_over: list[tuple[Subscription, str, float | None]] = []
    due: list[str] = []
    for key, subscription in unique.items():
        next_poll, reason, gone = known.get(key, Due(now, "", False))
        # Who names a gone feed on the command line, with --force, says so (C8).
        if gone and not (run_options.force and subscription.source == "command line"):
            passed_over.append((subscription, reason, None))
        elif not run_options.force and not is_due(next_poll, pace=pace_of(subscription, run_options), now=now):
            passed_over.append((subscription, reason, next_poll))
        else:
            due.append(key)
    held = tuple(hold for hold in holds.values() if _holds(hold, run_options, now))
    if not due:
        return Plan((), run_options, held, unique, {}, passed_over=tuple(passed_over))
    from condget.feeds.values import Outcome
    from condget.polling.batch import host_of
    from condget.polling.jobs import job_of

    olds = {key: former[key][0] for key in due if key in former}
    states = dict(ledger.load([olds.get(key, key) for key in due]))
    states |= {key: replace(states[old], url=key, moved_to=None) for key, old in olds.items()}
    refused: list[Outcome] = []
    jobs: dict[str, list[Job]] = {}
    for key in due:
        subscription, state = unique[key], states.get(key)
        try:
            job = job_of(subscription, state, run_options)
        except UsageError as error:
            refused.append(Outcome(key, "error", name=subscription.name, error=str(error)))
            continue
        host = host_of(job.request.url)
        if job.request.moved_from is not None and job.request.url in unique:
            passed_over.append((subscription, f"it moved to {job.request.url}, which is in the list, too", None))
        elif (hold := holds.get(host)) is not None and _holds(hold, run_options, now):
            passed_over.append((subscription, hold.reason, hold.until))
        else:
            jobs.setdefault(host, []).append(job)
    # The longest first: with gaps between requests, it is they who say when the run ends.
    hosts = sorted(jobs.values(), key=len, reverse=True)
    return Plan(hosts, run_options, held, unique, states, tuple(refused), tuple(passed_over), olds)


def pace_of(subscription: Subscription, run_options: RunOptions) -> Pace:
    """Return how often a feed may be asked, which its list may say."""
    every = subscription.options.every
    return run_options.pace if every is None else replace(run_options.pace, every=every)


def _former(
    unique: Mapping[str, Subscription], known: Mapping[str, object], ledger: LedgerReader
) -> dict[str, tuple[str, Due]]:
    """Return by what URL those feeds are known, and when they are due, that are listed now where they had moved to.

    The user followed the advice to change the list: what is remembered goes on under the new URL (E1).
    """
    if len(known) == len(unique):
        return {}
    moves = ledger.moves()
    former = {
        key: moves[subscription.url]
        for key, subscription in unique.items()
        if key not in known and subscription.url in moves and moves[subscription.url] not in unique
    }
    due = ledger.due(list(former.values()))
    return {key: (old, due[old]) for key, old in former.items() if old in due and not due[old].gone}


def _holds(hold: HostHold, run_options: RunOptions, now: float) -> bool:
    # A hold that ends later than any rule can say was written by a clock that ran ahead (C14).
    return not is_due(hold.until, pace=run_options.pace, now=now)
