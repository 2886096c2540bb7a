"""Decides which jobs go to a worker next, and what becomes of jobs that come back. No I/O; `now` is an argument.

A host is in one parcel at a time (C12), or in as many as it allows. Silences (C6), and hosts that are given up, are
known to all later parcels. Parcels share the budget of the run.
"""

from __future__ import annotations

from collections import ChainMap, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain

from condget.feeds.values import HostHold
from condget.fetching.host_limits import gap_of
from condget.fetching.targets import host_of
from condget.polling.batch import Batch, Job, Polled
from condget.polling.batches import Group, batch_of, bundle, groups_of, hosts_of_bundle, part_of, share_of, without
from condget.polling.run_options import LEFT, Budget, RunOptions
from condget.polling.tasks import TaskResult
from condget.shown import LONGEST, address

#: How often a job is sent to a worker that is lost, or does not come to it.
_TRIES = 2

#: How often a job comes back because it leads to a further host; as many redirects are followed in one exchange.
_MOST_REDIRECTS = 5

#: Seconds that a run waits for a host when there is nothing else to do.
_WORTH = 60.0

#: Instants of hosts that are kept before those that have passed are deleted.
_MANY = 10_000


@dataclass(frozen=True, slots=True)
class Parcel:
    """The jobs that one worker gets, and the groups that they are taken from."""

    batch: Batch
    groups: tuple[Group, ...]
    parts: tuple[Group, ...]
    budget: Budget | None


class Dispatch:
    """The jobs of a run that no worker has, and what is known of hosts; instants are those of any one clock."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._run_options = RunOptions()
        self._pending: deque[Group] = deque()
        #: How many hosts a bundle has.
        self._hosts = 1
        #: The part of each host that workers have now, and when other hosts may be asked.
        self._used: dict[str, float] = {}
        self._free_at: dict[str, float] = {}
        self._silences: dict[str, HostHold] = {}
        self._given_up: set[str] = set()
        #: The budget that no parcel has; and when the time of the run is up.
        self._budget: Budget | None = None
        self._end: float | None = None
        self._begun = False
        #: How often a job was sent in vain, and how often it came back since it leads to another host.
        self._tries: dict[str, int] = {}
        self._redirects: dict[str, int] = {}
        #: How many jobs are left for the next run, because workers were lost.
        self.missing = 0

    def add(self, batch: Batch, now: float) -> None:
        """Add the jobs of a batch."""
        if not self._begun:
            self._begun, self._run_options, self._budget = True, batch.run_options, batch.run_options.budget
            if self._budget is not None and self._budget.seconds is not None:
                self._end = now + self._budget.seconds
        groups = groups_of(batch, self._workers)
        self._pending.extend(groups)
        self._hosts = hosts_of_bundle(len(groups), self._workers)
        self._learn(batch.silences)

    def next(self, now: float) -> Parcel | None:
        """Return jobs whose hosts are free now, which a worker has from now on; None: there are none."""
        if not self._pending or self.is_spent(now):
            return None
        groups = bundle(self._pending, lambda group: self._is_free(group, now), self._hosts)
        if not groups:
            return None
        parts = tuple(part_of(group, self._run_options.gap) for group in groups)
        feeds = sum(part.requests for part in parts)
        others = sum(group.requests for group in self._pending) if self._budget is not None else 0
        budget = share_of(self._budget, feeds, feeds + others, None if self._end is None else self._end - now)
        self._spend(budget)
        for group in groups:
            for host in group.touched:
                self._used[host] = self._used.get(host, 0.0) + group.share
        concurrency = max(1, self._run_options.concurrency // self._workers)
        options = replace(self._run_options, budget=budget, concurrency=concurrency)
        return Parcel(batch_of(parts, options, self._silences, self._given_up), tuple(groups), parts, budget)

    def done(self, parcel: Parcel, result: TaskResult, now: float) -> list[Polled]:
        """Take back what a worker has done; return the results. Jobs that are not done are pending again."""
        self._learn(result.silences)
        self._given_up |= result.given_up
        self._spend(parcel.budget, back=True, polled=result.polled)
        self._release(parcel, now, None)
        results = [self._final(polled) for polled in result.polled]
        redirected = {polled.key: polled.leads_to for polled in results if polled.leads_to is not None}
        finished = [polled for polled in results if polled.leads_to is None and polled.skipped != LEFT]
        keys = {polled.key for polled in finished}
        idle = {job.key for part in parcel.parts for job in _jobs([part]) if keys.isdisjoint(_keys(part))}
        idle -= redirected.keys() | {polled.key for polled in result.polled}
        given_up = self._count(idle)
        self._again(parcel.groups, keys | given_up | redirected.keys())
        self._redirect(parcel, redirected)
        for key in keys:
            self._tries.pop(key, None)
            self._redirects.pop(key, None)
        return finished

    def lost(self, parcel: Parcel, now: float, until: float | None) -> None:
        """Take back what a worker did not do.

        Args:
            until: When the worker is over for sure; None: it is.
        """
        self._spend(parcel.budget, back=True)
        self._release(parcel, now, until)
        self._again(parcel.groups, self._count({job.key for job in _jobs(parcel.parts)}))

    def unaffordable(self, now: float) -> list[Job]:
        """Return the jobs for which nothing is left of the budget, once no worker has any of it."""
        if self._used or not self.is_spent(now):
            return []
        jobs = list(_jobs(self._pending))
        self._pending.clear()
        # Late ones have no outcome, as those that are under way then.
        return [] if self.is_late(now) else jobs

    def wait(self, now: float) -> float | None:
        """Return the seconds until a host of pending jobs may be free, as far as is known; None: not soon."""
        waits = [max(self._free_at.get(host, 0.0) for host in group.touched) - now for group in self._pending]
        soonest = min(waits, default=None)
        return None if soonest is None or soonest > _WORTH else max(0.0, soonest)

    def leave(self) -> None:
        """Leave all that is pending for the next run."""
        self.missing += sum(group.requests for group in self._pending)
        self._pending.clear()

    def is_late(self, now: float) -> bool:
        """Whether the time of the run is up."""
        return self._end is not None and now >= self._end

    def is_spent(self, now: float) -> bool:
        """Whether nothing of the budget is left that no worker has."""
        budget = self._budget or Budget()
        spent = [left for left in (budget.requests, budget.bytes) if left is not None and left <= 0]
        return bool(spent) or self.is_late(now)

    def _is_free(self, group: Group, now: float) -> bool:
        return all(
            self._used.get(host, 0.0) + group.share < 1.000001 and self._free_at.get(host, 0.0) <= now
            for host in group.touched
        )

    def _learn(self, silences: Iterable[HostHold]) -> None:
        for silence in silences:
            known = self._silences.get(silence.host)
            if known is None or known.until < silence.until:
                self._silences[silence.host] = silence

    def _release(self, parcel: Parcel, now: float, until: float | None) -> None:
        for group in parcel.groups:
            for host in group.touched:
                if (used := self._used[host] - group.share) < 0.000001:
                    del self._used[host]
                else:
                    self._used[host] = used
                at = until if until is not None else now + gap_of(host, self._run_options.gap)
                if at > now and (until is not None or group.share == 1.0):
                    self._free_at[host] = at
        if len(self._free_at) > _MANY:
            self._free_at = {host: at for host, at in self._free_at.items() if at > now}

    def _count(self, keys: set[str]) -> set[str]:
        """Count a try of jobs in vain; return those that had as many as they get."""
        for key in keys:
            self._tries[key] = self._tries.get(key, 0) + 1
        given_up = {key for key in keys if self._tries[key] >= _TRIES}
        for key in given_up:
            del self._tries[key]
        self.missing += len(given_up)
        return given_up

    def _final(self, polled: Polled) -> Polled:
        """Return a result, an error for a job that leads to yet another host each time that it is sent."""
        if polled.leads_to is None:
            return polled
        self._redirects[polled.key] = times = self._redirects.get(polled.key, 0) + 1
        if times <= _MOST_REDIRECTS:
            return polled
        words = "it redirects to yet another host each time; use the URL where the feed is"
        return replace(polled, leads_to=None, error=f"{address(polled.chain[0], LONGEST)}: {words}")

    def _again(self, groups: Iterable[Group], but: set[str]) -> None:
        self._pending.extendleft([left for group in groups if (left := without(group, but)) is not None][::-1])

    def _redirect(self, parcel: Parcel, redirected: dict[str, str]) -> None:
        """Let jobs that lead to another host be pending together with that host."""
        if not redirected:
            return
        by_host: dict[str, list[Job]] = {}
        for job in _jobs(parcel.parts):
            if (host := redirected.get(job.key)) is not None:
                known = {*job.leads_to, host}
                job = replace(job, leads_to=tuple(sorted(known)), parallel=1)
                by_host.setdefault(host_of(job.request.url), []).append(job)
        listed = ChainMap(*{id(group.listed): group.listed for group in parcel.groups}.values())
        groups = groups_of(Batch(tuple(map(tuple, by_host.values()))))
        self._pending.extendleft(replace(group, listed=listed) for group in reversed(groups))

    def _spend(self, share: Budget | None, *, back: bool = False, polled: Iterable[Polled] = ()) -> None:
        """Take a share from the budget, or give back what is left of it after these results."""
        if self._budget is None or share is None:
            return
        requests, size, sign = share.requests, share.bytes, 1 if back else -1
        polled = [result for result in polled if result.skipped != LEFT]
        if requests is not None and self._budget.requests is not None:
            spent = sum(max(1, len(result.chain)) for result in polled)
            self._budget = replace(self._budget, requests=self._budget.requests + sign * requests - spent)
        if size is not None and self._budget.bytes is not None:
            spent = sum(result.received for result in polled)
            self._budget = replace(self._budget, bytes=self._budget.bytes + sign * size - spent)


def _jobs(groups: Iterable[Group]) -> Iterable[Job]:
    return chain.from_iterable(chain.from_iterable(group.hosts) for group in groups)


def _keys(group: Group) -> set[str]:
    return {job.key for job in _jobs([group])}
