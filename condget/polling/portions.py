"""The plans of a run, made one after another as they are taken: one for a short list, a portion each of a large one.

A portion holds the due feeds of whole hosts. Its hosts are held while it is under way, and released when all of its
outcomes are committed, so that a run needs memory for the feeds that are under way and no others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from condget import settings
from condget.polling.large_lists import LargeList, large_list
from condget.polling.lists import Listed, Source, read
from condget.polling.planning import PassedOver, Plan, Planned, begin, due_feeds, held, plan
from condget.polling.run_options import RunOptions

if TYPE_CHECKING:
    from condget.feeds.subscriptions import Subscription
    from condget.feeds.values import Outcome
    from condget.stores.protocols import EnrolledFeed, EnrollingLedger, Ledger

#: Feeds of a portion. Each takes about 5 KB until its outcome is committed.
PORTION = 10_000


class _Open(NamedTuple):
    """A portion that is under way."""

    keys: set[str]
    hosts: frozenset[str]


class Plans(Iterator[Plan]):
    """The plans of a run, and what is known of those that were taken."""

    def __init__(
        self, plans: Iterator[tuple[Plan, frozenset[str]]], ledger: Ledger, most_bytes: int | None = None
    ) -> None:
        """`plans` come with the hosts that are held for them; once `most_bytes` were received, no more are made."""
        self._plans = plans
        self._ledger = ledger
        self._most_bytes = most_bytes
        self._received = 0
        #: The first plan until it is looked through, and the first one with something to do until it is taken.
        self._first: list[Plan] = []
        self._ready: list[Plan] = []
        #: Called with each plan before it is carried out.
        self.on_plan: Callable[[Plan], None] = lambda plan_: None
        #: How many feeds are requested, or cannot be.
        self.due = 0
        #: How many feeds were passed over, and the first one.
        self.passed_over = 0
        self.first_passed_over: PassedOver | None = None
        #: Whether a feed is requested that was never polled before.
        self.first_seen = False
        #: The feeds that are requested, by their keys, until their outcomes are committed.
        self._feeds: dict[str, Planned] = {}
        self._open: dict[str, _Open] = {}
        #: How many open portions need each host.
        self._hosts: Counter[str] = Counter()

    def __next__(self) -> Plan:
        if self._ready:
            return self._ready.pop()
        plan_ = self._first.pop() if self._first else self._taken()
        self.on_plan(plan_)
        return plan_

    @property
    def first(self) -> Plan | None:
        """The first plan, before any was taken; None: there is none."""
        if not self._first:
            with suppress(StopIteration):
                self._first.append(self._taken())
        return self._first[0] if self._first else None

    @property
    def least_seconds(self) -> float:
        """How long the gaps between requests to one host make the run, at least, as far as it is known (C12)."""
        return max((plan_.least_seconds for plan_ in (*self._first, *self._ready)), default=0.0)

    def begin(self) -> bool:
        """Make plans up to the first one that has something to do; return whether there is one."""
        for plan_ in self:
            if plan_.hosts or plan_.refused:
                self._ready.append(plan_)
                return True
        return False

    def feed(self, key: str) -> Planned | None:
        """Return a feed that is requested and not committed yet."""
        return self._feeds.get(key)

    def committed(self, outcomes: Iterable[Outcome]) -> None:
        """Take note of outcomes that the ledger has now; a portion whose outcomes it has gives its hosts back."""
        for outcome in outcomes:
            self._received += outcome.bytes
            self._feeds.pop(outcome.url, None)
            if (portion := self._open.pop(outcome.url, None)) is not None:
                portion.keys.discard(outcome.url)
                if not portion.keys:
                    self._release(portion.hosts)

    def _taken(self) -> Plan:
        if self._most_bytes is not None and self._received >= self._most_bytes:
            raise StopIteration
        plan_, hosts = next(self._plans)
        self.due += plan_.requests + len(plan_.refused)
        self.passed_over += len(plan_.passed_over)
        if self.first_passed_over is None and plan_.passed_over:
            self.first_passed_over = plan_.passed_over[0]
        self.first_seen = self.first_seen or plan_.first_seen
        self._hosts.update(hosts)
        found = {feed.job.key: feed for feed in plan_.feeds}
        if not found:
            self._release(hosts)
        portion = _Open(set(found), hosts)
        self._feeds |= found
        self._open |= dict.fromkeys(found, portion)
        return plan_

    def _release(self, hosts: Collection[str]) -> None:
        if hosts:
            self._hosts.subtract(hosts)
            over = [host for host in hosts if self._hosts[host] <= 0]
            for host in over:
                del self._hosts[host]
            self._ledger.release_hosts(over)


class Lists:
    """The sources of a run: feeds in memory, or a list that is too long for it."""

    def __init__(self, feeds: Sequence[Source], *, whole: bool = False) -> None:
        """Read the feeds, or open the large list; `whole`: read that, too.

        Raises:
            SubscriptionError: there is no feed in any source.
        """
        self._sources = feeds
        self._large = None if whole else large_list(feeds)
        #: The sources' feeds and faults; of a large list none before `begin`, and no feeds.
        self.listed = Listed(()) if self._large is not None else read(feeds)

    @property
    def is_large(self) -> bool:
        """Whether a list is too long for memory."""
        return self._large is not None

    @property
    def is_new(self) -> bool:
        """Whether this run is the first one of a large list as it is now."""
        return self._large is not None and self._large.is_new

    @property
    def feeds(self) -> int:
        """How many feeds there are."""
        return len(self.listed.subscriptions) if self._large is None else self._large.feeds

    @property
    def unread(self) -> str | None:
        """Why feeds were not polled, in a sentence; None: none were left."""
        return None if self._large is None else self._large.unread

    def begin(
        self,
        ledger: Ledger,
        run_options: RunOptions,
        clock: settings.Clock,
        *,
        everything: bool = False,
        size: int | None = None,
    ) -> Plans:
        """Return the plans of a run.

        Args:
            everything: Plan with the feeds that are not due, too, so that they are passed over.
            size: feeds of a portion of a large list; None: `PORTION`.

        Raises:
            StoreError: the ledger cannot be used.
        """
        if (enrolling := self._enrolling(ledger)) is None or self._large is None:
            plan_ = begin(self.listed.subscriptions, ledger, run_options, clock())
            return Plans(iter([(plan_, frozenset())]), ledger)
        self.listed = self._large.enrol(enrolling)
        now = clock()
        ledger.set_back(now)
        made = _Portions(self._large, enrolling, run_options, clock, PORTION if size is None else size)
        not_due = None if everything or run_options.force else (now, now + run_options.pace.cap)
        budget = run_options.budget
        if budget is not None and budget.requests is not None:
            return Plans(made.most_overdue(not_due or (inf, inf), budget.requests), ledger)
        found = enrolling.portions(self._large.digest, made.size, not_due)
        return Plans(map(made.planned, found), ledger, None if budget is None else budget.bytes)

    def order(
        self, plans: Plans, ledger: Ledger, run_options: RunOptions, now: float, *, everything: bool
    ) -> list[str]:
        """Return the feeds that may have an outcome in a run, in the order of the list.

        Those of a large list take 100 bytes each.
        """
        if self._large is not None and (enrolling := self._enrolling(ledger)) is not None:
            not_due = (inf, inf) if everything or run_options.force else (now, now + run_options.pace.cap)
            pages = enrolling.overdue(self._large.digest, PORTION, not_due)
            return [key for _, key in sorted((feed.line, feed.key) for page in pages for feed in page)]
        if (planned := plans.first) is None:
            return []
        keys = {feed.job.key for feed in planned.feeds} | {outcome.url for outcome in planned.refused}
        if everything:
            keys |= {feed.subscription.key for feed in planned.passed_over}
        return [feed.key for feed in self.listed.subscriptions if feed.key in keys] if keys else []

    def _enrolling(self, ledger: Ledger) -> EnrollingLedger | None:
        """Return the ledger if it can enrol the large list; with another ledger, that is read whole after all."""
        if self._large is None:
            return None
        from condget.stores.protocols import EnrollingLedger  # of no use to a run over short lists

        if isinstance(ledger, EnrollingLedger):
            return ledger
        self.close()
        self._large, self.listed = None, read(self._sources)
        return None

    def close(self) -> None:
        """Close the file of a large list."""
        if self._large is not None:
            self._large.close()


class _Portions:
    """Makes plans of portions of a list."""

    def __init__(
        self, list_: LargeList, ledger: EnrollingLedger, run_options: RunOptions, clock: settings.Clock, size: int
    ) -> None:
        self._list = list_
        self._ledger = ledger
        self._run_options = run_options
        self._clock = clock
        self._rest = _Rest(list_.digest, ledger)
        self.size = size

    def planned(self, portion: Sequence[EnrolledFeed]) -> tuple[Plan, frozenset[str]]:
        """Return the plan of a portion, and the hosts that are held for it."""
        return self._plan(self._list.read(portion), frozenset(feed.host for feed in portion))

    def most_overdue(self, not_due: tuple[float, float], requests: int) -> Iterator[tuple[Plan, frozenset[str]]]:
        """Yield one plan: of so many feeds that are overdue longest, of whatever hosts. It takes memory for all."""
        chosen: list[Subscription] = []
        now, missing = self._clock(), requests
        for page in self._ledger.overdue(self._list.digest, self.size, not_due):
            found = due_feeds(self._list.read(page), self._ledger, self._run_options, now, rest=self._rest)
            chosen += [found.unique[key] for key in found.due]
            missing -= len(found.due)
            if missing <= 0:
                break
        yield self._plan(chosen, frozenset())

    def _plan(self, subscriptions: Iterable[Subscription], hosts: frozenset[str]) -> tuple[Plan, frozenset[str]]:
        plan_ = plan(subscriptions, self._ledger, self._run_options, self._clock(), rest=self._rest)
        if plan_.hosts:
            hosts |= plan_.touched
            plan_ = held(plan_, self._ledger)
        return plan_, hosts


class _Rest:
    """The feeds of a large list, as the ledger has them."""

    def __init__(self, digest: str, ledger: EnrollingLedger) -> None:
        self._digest = digest
        self._ledger = ledger

    def named(self, keys: Iterable[str]) -> Collection[str]:
        return self._ledger.enrolled(self._digest, keys)

    def open_at(self, hosts: Iterable[str], urls: Iterable[str]) -> Iterable[str]:
        yield from self._ledger.enrolled_at(self._digest, hosts)
        yield from (url for url, is_open in self._ledger.enrolled(self._digest, urls).items() if is_open)
