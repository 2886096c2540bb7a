"""The plan of a run: which feeds it requests, which it passes over, and why. Reads the ledger and writes nothing.

Most runs of a cron job have nothing to request, so modules that only other runs need are imported inside functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from condget.errors import UsageError
from condget.feeds.feed_options import pause_words
from condget.feeds.pace import Due, Pace, is_due
from condget.feeds.subscriptions import Subscription
from condget.polling.run_options import LEFT, RunOptions

if TYPE_CHECKING:
    from condget.feeds.values import FeedState, HostHold, Outcome
    from condget.polling.batch import Batch, Job
    from condget.stores.protocols import Ledger, LedgerReader


#: Seconds from which on a run counts as long. To hold 10,000 hosts takes 0.4 s of CPU, which no other run should.
LONG = 60.0


class Planned(NamedTuple):
    """A feed that a run requests."""

    subscription: Subscription
    job: Job
    #: The memory of the feed; None at first sight.
    state: FeedState | None
    #: How often the feed may be requested.
    pace: Pace
    #: The URL that the ledger knows the feed by, if that is not its key.
    former: str | None = None


class PassedOver(NamedTuple):
    """A feed that a run does not request."""

    subscription: Subscription
    reason: str
    next_poll: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The feeds that a run requests, and those that it does not."""

    #: The feeds to request, by host.
    hosts: Sequence[Sequence[Planned]]
    run_options: RunOptions
    #: Hosts that are silent now.
    silences: tuple[HostHold, ...] = ()
    #: Feeds that cannot be requested, since a secret is missing.
    refused: tuple[Outcome, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    #: The URLs of all feeds of the list that are requested without credentials.
    listed: frozenset[str] = frozenset()

    @property
    def feeds(self) -> Iterator[Planned]:
        """The feeds to request."""
        return (feed for host in self.hosts for feed in host)

    @property
    def requests(self) -> int:
        """How many feeds are requested."""
        return sum(map(len, self.hosts))

    @property
    def least_seconds(self) -> float:
        """How long the gaps between requests to one host make the run, at least (C12)."""
        if not self.hosts:
            return 0.0
        from condget.fetching.host_limits import gap_of
        from condget.fetching.targets import host_of

        gaps = (gap_of(host_of(host[0].job.request.url), self.run_options.gap) * (len(host) - 1) for host in self.hosts)
        return max(gaps)

    @property
    def first_seen(self) -> bool:
        """Whether a feed that will be requested was never polled before."""
        return any(feed.state is None for feed in self.feeds)

    def batch(self) -> Batch:
        """Return what an executor is to do."""
        from condget.polling.batch import Batch

        hosts = tuple(tuple(feed.job for feed in host) for host in self.hosts)
        return Batch(hosts, self.run_options, self.silences, self.listed)

    def skipped(self) -> Iterator[Outcome]:
        """Yield the outcomes of the feeds that are passed over: most of a long list, and seldom reported."""
        from condget.feeds.values import Outcome

        for subscription, reason, next_poll in self.passed_over:
            yield Outcome(subscription.key, "skipped", name=subscription.name, reason=reason, next_poll=next_poll)


def plan(subscriptions: Iterable[Subscription], ledger: LedgerReader, run_options: RunOptions, now: float) -> Plan:
    """Decide which feeds are requested now. Reads the ledger and writes nothing."""
    unique: dict[str, Subscription] = {}
    for subscription in subscriptions:
        unique.setdefault(subscription.key, subscription)
    known, holds = dict(ledger.due(list(unique))), ledger.holds()
    former = _former(unique, known, ledger)
    known |= {key: due for key, (_, due) in former.items()}
    passed_over: list[PassedOver] = []
    due_now: list[str] = []
    for key, subscription in unique.items():
        due, pause = known.get(key), subscription.options.pause
        if pause is not None and pause > now:
            passed_over.append(PassedOver(subscription, pause_words(pause), None if pause == inf else pause))
        elif due is None:
            due_now.append(key)
        # A gone feed is requested again only by force, and by its own URL on the command line (C8).
        elif due.gone and not (run_options.force and subscription.source == "command line"):
            passed_over.append(PassedOver(subscription, due.reason, None))
        elif not run_options.force and not is_due(due.next_poll, pace=pace_of(subscription, run_options), now=now):
            passed_over.append(PassedOver(subscription, due.reason, due.next_poll))
        else:
            due_now.append(key)
    if (budget := run_options.budget) is not None:
        # A feed that was never polled is overdue longest.
        due_now.sort(key=lambda key: known[key].next_poll if key in known else -inf)
        if budget.requests is not None:
            for key in due_now[budget.requests :]:
                passed_over.append(PassedOver(unique[key], LEFT, now))
            del due_now[budget.requests :]
    # A hold that ends later than any rule can say was written by a clock that ran ahead (C14).
    silences = {host: hold for host, hold in holds.items() if not is_due(hold.until, pace=run_options.pace, now=now)}
    if not due_now:
        return Plan((), run_options, tuple(silences.values()), passed_over=tuple(passed_over))
    from condget.fetching.targets import host_of
    from condget.polling.jobs import job_of

    states = _states(due_now, {key: url for key, (url, _) in former.items()}, ledger)
    refused: list[Outcome] = []
    hosts: dict[str, list[Planned]] = {}
    for key in due_now:
        subscription, state = unique[key], states.get(key)
        try:
            job = job_of(subscription, state, run_options)
        except UsageError as error:
            from condget.feeds.schedule import unusable
            from condget.feeds.trouble import noticed

            outcome = unusable(subscription, state, str(error), pace=pace_of(subscription, run_options), now=now)
            refused.append(noticed(outcome, state, run_options.patience, now))
            continue
        host = host_of(job.request.url)
        if job.request.moved_from is not None and job.request.url in unique:
            reason = f"it moved to {job.request.url}, which is in the list, too"
            passed_over.append(PassedOver(subscription, reason, None))
        elif (silence := silences.get(host)) is not None:
            passed_over.append(PassedOver(subscription, silence.reason, silence.until))
        else:
            url = former[key][0] if key in former else None
            feed = Planned(subscription, job, state, pace_of(subscription, run_options), url)
            hosts.setdefault(host, []).append(feed)
    # With gaps between requests, the host with the most feeds decides when the run ends: it comes first. A run with a
    # budget ends before that, and its hosts stay in the order of their feeds.
    in_order = list(hosts.values()) if budget else sorted(hosts.values(), key=len, reverse=True)
    listed = frozenset(feed.url for feed in unique.values() if feed.userinfo is None and not feed.options.headers)
    return Plan(in_order, run_options, tuple(silences.values()), tuple(refused), tuple(passed_over), listed)


def begin(subscriptions: Iterable[Subscription], ledger: Ledger, run_options: RunOptions, now: float) -> Plan:
    """Plan a run. A long run holds its hosts only: other runs may write to the ledger for other hosts meanwhile.

    So does each run beside a long one. Then a feed is passed over whose host another run holds, or which another run
    has just polled (B9, C12).
    """
    ledger.set_back(now)
    plan_ = plan(subscriptions, ledger, run_options, now)
    if not plan_.hosts or (plan_.least_seconds < LONG and not ledger.is_shared()):
        return plan_
    from condget.fetching.targets import host_of

    names = [host_of(host[0].job.request.url) for host in plan_.hosts]
    held = ledger.hold_hosts(names)
    due = ledger.due([feed.job.key for feed in plan_.feeds])
    hosts: list[list[Planned]] = []
    passed_over = list(plan_.passed_over)
    for name, feeds in zip(names, plan_.hosts, strict=True):
        mine: list[Planned] = []
        for feed in feeds:
            if name in held and _is_as_planned(feed, due.get(feed.job.key)):
                mine.append(feed)
            else:
                passed_over.append(PassedOver(feed.subscription, _ELSEWHERE, None))
        if mine:
            hosts.append(mine)
    return replace(plan_, hosts=hosts, passed_over=tuple(passed_over))


_ELSEWHERE = "another run polls feeds of its host"


def _is_as_planned(feed: Planned, due: Due | None) -> bool:
    planned = None if feed.state is None or feed.former is not None else feed.state.next_poll
    return planned == (None if due is None else due.next_poll)


def remembered(subscriptions: Iterable[Subscription], ledger: LedgerReader) -> dict[str, FeedState]:
    """Return what is remembered of feeds, by their keys, also of those that are listed where they moved to (E1)."""
    unique = {subscription.key: subscription for subscription in subscriptions}
    former = _former(unique, ledger.due(list(unique)), ledger)
    return _states(list(unique), {key: url for key, (url, _) in former.items()}, ledger)


def pace_of(subscription: Subscription, run_options: RunOptions) -> Pace:
    """Return how often a feed may be requested; its line in the list may say so."""
    every = subscription.options.every
    return run_options.pace if every is None else replace(run_options.pace, every=every)


def _former(
    unique: Mapping[str, Subscription], known: Mapping[str, object], ledger: LedgerReader
) -> dict[str, tuple[str, Due]]:
    """Return feeds that the ledger knows by another URL than the list has.

    Their URL in the list was changed to the URL where they had moved (E1), or was written otherwise (D9). The result
    maps the URL in the list to the URL that the ledger knows, and to when that is due.
    """
    unknown = {key: subscription.url for key, subscription in unique.items() if key not in known}
    if not unknown:
        return {}
    moves, spellings = ledger.moves(list(unknown.values())), ledger.spellings()
    former = {key: moves[url] for key, url in unknown.items() if url in moves and moves[url] not in unique}
    former = {key: spellings[key] for key in unknown if key in spellings} | former
    due = ledger.due(list(former.values()))
    return {key: (url, due[url]) for key, url in former.items() if url in due and not due[url].gone}


def _states(keys: Sequence[str], former: Mapping[str, str], ledger: LedgerReader) -> dict[str, FeedState]:
    """Return what is remembered of feeds, by their URLs in the list."""
    states = dict(ledger.load([former.get(key, key) for key in keys]))
    for key in keys:
        if (url := former.get(key)) is not None:
            moved_to = states[url].moved_to
            states[key] = replace(states[url], url=key, moved_to=None if moved_to == key else moved_to)
    return states
