"""The plan of a run: which feeds it requests, which it passes over, and why. Reads the ledger and writes nothing.

Most runs of a cron job have nothing to request, so modules that only other runs need are imported inside functions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, NamedTuple, Protocol

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

    @property
    def outcome(self) -> Outcome:
        """The outcome of the feed in this run."""
        from condget.feeds.values import Outcome

        key, name = self.subscription.key, self.subscription.name
        return Outcome(key, "skipped", name=name, reason=self.reason, next_poll=self.next_poll)


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
    def host_names(self) -> list[str]:
        """The hosts to request."""
        from condget.fetching.targets import host_of

        return [host_of(host[0].job.request.url) for host in self.hosts]

    @property
    def touched(self) -> frozenset[str]:
        """The hosts to request, and those where redirects are known to lead."""
        return frozenset(self.host_names).union(*map(_led_to, self.feeds))

    @property
    def least_seconds(self) -> float:
        """How long the gaps between requests to one host make the run, at least (C12)."""
        if all(len(host) == 1 for host in self.hosts):
            return 0.0
        from condget.fetching.host_limits import gap_of
        from condget.polling.batch import parallel

        gap, named = self.run_options.gap, zip(self.host_names, self.hosts, strict=True)
        return max(
            gap_of(name, gap) * ((len(host) - 1) // parallel([feed.job for feed in host]))
            for name, host in named
            if len(host) > 1
        )

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
        return (feed.outcome for feed in self.passed_over)


class Rest(Protocol):
    """The feeds of a large list that are not in a plan."""

    def named(self, keys: Iterable[str]) -> Collection[str]:
        """Return which of these keys the list has."""

    def open_at(self, hosts: Iterable[str], urls: Iterable[str]) -> Iterable[str]:
        """Return the URLs of feeds that are requested without credentials: those at hosts, and which of these URLs."""


def plan(
    subscriptions: Iterable[Subscription],
    ledger: LedgerReader,
    run_options: RunOptions,
    now: float,
    *,
    rest: Rest | None = None,
) -> Plan:
    """Decide which feeds are requested now. Reads the ledger and writes nothing.

    Args:
        rest: of the list, where only a part of its feeds is to be planned; None: these are all.
    """
    unique, known, former, due_now, passed_over = due_feeds(subscriptions, ledger, run_options, now, rest=rest)
    holds = ledger.holds()
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
    targets = {state.moved_to for state in states.values() if state.moved_to is not None}
    listed_targets = targets & unique.keys() if rest is None else targets & (unique.keys() | set(rest.named(targets)))
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
        if job.request.moved_from is not None and job.request.url in listed_targets:
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
    if rest is not None:
        # Of the whole list, those that redirects may lead to: known ones, and those at the hosts of this plan (B9).
        listed |= frozenset(rest.open_at(hosts, {url for state in states.values() for url in state.chain[1:]}))
    return Plan(in_order, run_options, tuple(silences.values()), tuple(refused), tuple(passed_over), listed)


class DueFeeds(NamedTuple):
    """The feeds of a list, and which of them are due."""

    unique: dict[str, Subscription]
    known: dict[str, Due]
    #: Feeds that the ledger knows by another URL, by their keys.
    former: dict[str, tuple[str, Due]]
    due: list[str]
    passed_over: list[PassedOver]


def due_feeds(
    subscriptions: Iterable[Subscription],
    ledger: LedgerReader,
    run_options: RunOptions,
    now: float,
    *,
    rest: Rest | None = None,
) -> DueFeeds:
    """Tell the feeds that are due from those that are not, by their lines and what the ledger knows of them."""
    unique: dict[str, Subscription] = {}
    for subscription in subscriptions:
        unique.setdefault(subscription.key, subscription)
    known = dict(ledger.due(list(unique)))
    former = _former(unique, known, ledger, rest)
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
    return DueFeeds(unique, known, former, due_now, passed_over)


def begin(subscriptions: Iterable[Subscription], ledger: Ledger, run_options: RunOptions, now: float) -> Plan:
    """Plan a run. A long run holds its hosts only: other runs may write to the ledger for other hosts meanwhile.

    So does each run beside a long one. Then a feed is passed over whose host another run holds, or which another run
    has just polled (B9, C12).
    """
    ledger.set_back(now)
    plan_ = plan(subscriptions, ledger, run_options, now)
    if not plan_.hosts or (plan_.least_seconds < LONG and not ledger.is_shared()):
        return plan_
    return held(plan_, ledger)


def held(plan_: Plan, ledger: Ledger) -> Plan:
    """Hold the hosts of a plan, so that other runs may write to the ledger for other hosts; return what is left of it.

    A feed is passed over whose host, or a host that it redirects to, another run holds, or which another run has just
    polled (B9, C12).
    """
    names = plan_.host_names
    mine_alone = ledger.hold_hosts(plan_.touched)
    due = ledger.due([feed.job.key for feed in plan_.feeds])
    hosts: list[list[Planned]] = []
    passed_over = list(plan_.passed_over)
    for name, feeds in zip(names, plan_.hosts, strict=True):
        mine: list[Planned] = []
        for feed in feeds:
            is_mine = name in mine_alone and mine_alone.issuperset(_led_to(feed))
            if is_mine and _is_as_planned(feed, due.get(feed.job.key)):
                mine.append(feed)
            else:
                passed_over.append(PassedOver(feed.subscription, _ELSEWHERE, None))
        if mine:
            hosts.append(mine)
    return replace(plan_, hosts=hosts, passed_over=tuple(passed_over))


_ELSEWHERE = "another run polls feeds of its host"


def _led_to(feed: Planned) -> frozenset[str]:
    """Return the hosts to which a feed redirected last."""
    if feed.state is None or len(feed.state.chain) < 2:
        return frozenset()
    from condget.fetching.targets import host_of

    return frozenset(map(host_of, feed.state.chain[1:]))


def _is_as_planned(feed: Planned, due: Due | None) -> bool:
    planned = None if feed.state is None or feed.former is not None else feed.state.next_poll
    return planned == (None if due is None else due.next_poll)


def remembered(subscriptions: Iterable[Subscription], ledger: LedgerReader) -> dict[str, FeedState]:
    """Return what is remembered of feeds, by their keys, also of those that are listed where they moved to (E1)."""
    unique = {subscription.key: subscription for subscription in subscriptions}
    former = _former(unique, ledger.due(list(unique)), ledger, None)
    return _states(list(unique), {key: url for key, (url, _) in former.items()}, ledger)


def pace_of(subscription: Subscription, run_options: RunOptions) -> Pace:
    """Return how often a feed may be requested; its line in the list may say so."""
    every = subscription.options.every
    return run_options.pace if every is None else replace(run_options.pace, every=every)


def _former(
    unique: Mapping[str, Subscription], known: Mapping[str, object], ledger: LedgerReader, rest: Rest | None
) -> dict[str, tuple[str, Due]]:
    """Return feeds that the ledger knows by another URL than the list has.

    Their URL in the list was changed to the URL where they had moved (E1), or was written otherwise (D9). The result
    maps the URL in the list to the URL that the ledger knows, and to when that is due.
    """
    unknown = {key: subscription.url for key, subscription in unique.items() if key not in known}
    if not unknown:
        return {}
    moves, spellings = ledger.moves(list(unknown.values())), ledger.spellings()
    listed = unique.keys() if rest is None else unique.keys() | set(rest.named(moves.values()))
    former = {key: moves[url] for key, url in unknown.items() if url in moves and moves[url] not in listed}
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
