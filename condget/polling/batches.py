"""Cuts a batch for workers that share nothing. Pure.

1. A `Group` holds the jobs of one host, or of hosts that redirects are known to join. No two workers have one group, or
   two groups that share a host, at the same time (C12).
2. Groups are bundled by tens of hosts. A group that takes long is cut into parts that follow one another, so that
   results come in time and a lost bundle costs little.
3. A host of its own that allows several requests at a time is cut into groups that may be under way together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import chain
from types import MappingProxyType

from condget.feeds.values import HostHold
from condget.fetching.host_limits import gap_of
from condget.fetching.targets import host_of
from condget.polling.batch import Batch, Job, parallel
from condget.polling.run_options import Budget, RunOptions

#: Hosts of one bundle, at least where there are enough, and at most.
FEWEST_HOSTS, MOST_HOSTS = 50, 200

#: Seconds of work in one bundle, about.
SECONDS = 30.0

#: Seconds that a request takes, about, where the gap is shorter.
_REQUEST = 0.1


@dataclass(frozen=True, slots=True)
class Group:
    """The jobs of hosts that are polled by one worker."""

    #: Jobs by host.
    hosts: tuple[tuple[Job, ...], ...]
    #: The hosts that may be asked, those of known redirects among them.
    touched: frozenset[str]
    #: The part of what its hosts allow that the group takes; less than 1 where a host allows several requests.
    share: float = 1.0
    #: By host, the URLs that are feeds of the list; of all groups of a batch.
    listed: MutableMapping[str, set[str]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def requests(self) -> int:
        return sum(map(len, self.hosts))


def touched_by(job: Job) -> tuple[str, ...]:
    """Return the hosts that a job may ask, as far as is known."""
    return (host_of(job.request.url), *job.leads_to)


def groups_of(batch: Batch, workers: int = 1) -> list[Group]:
    """Return the groups of a batch, in the order of their first hosts. No host is in two groups, except parallel ones.

    >>> from condget.fetching.request import FetchRequest
    >>> a, b = (Job(url, FetchRequest(url)) for url in ("http://a.example/", "http://b.example/"))
    >>> c = Job("http://c.example/", FetchRequest("http://c.example/"), leads_to=("a.example",))
    >>> [sorted(group.touched) for group in groups_of(Batch(((a,), (b,), (c,))))]
    [['a.example', 'c.example'], ['b.example']]
    """
    by_host: dict[str, list[Job]] = {}
    for jobs in batch.hosts:
        by_host.setdefault(host_of(jobs[0].request.url), []).extend(jobs)
    leader: dict[str, str] = {}

    def led(host: str) -> str:
        while (above := leader.get(host, host)) != host:
            leader[host] = leader.get(above, above)
            host = above
        return host

    for host, jobs_ in by_host.items():
        for other in chain.from_iterable(job.leads_to for job in jobs_):
            first, second = led(host), led(other)
            if first != second:
                leader[second] = first
    hosts: dict[str, list[str]] = {}
    for host in by_host:
        hosts.setdefault(led(host), []).append(host)
    listed: dict[str, set[str]] = {}
    for url in batch.listed:
        listed.setdefault(host_of(url), set()).add(url)
    groups: list[Group] = []
    for together in hosts.values():
        jobs_by = tuple(tuple(by_host[host]) for host in together)
        touched = frozenset(together).union(*(job.leads_to for jobs in jobs_by for job in jobs))
        groups += _parallel(Group(jobs_by, touched, listed=listed), workers)
    return groups


def _parallel(group: Group, workers: int) -> Iterator[Group]:
    """Yield the parts of a group that may be under way together, since its only host allows that."""
    allowed = parallel(group.hosts[0])
    parts = min(allowed, workers, len(group.hosts[0]))
    if parts < 2 or len(group.touched) > 1:
        yield group
        return
    each = allowed // parts
    for number in range(parts):
        jobs = tuple(replace(job, parallel=each) for job in group.hosts[0][number::parts])
        yield replace(group, hosts=(jobs,), share=each / allowed)


def part_of(group: Group, gap: float | None, seconds: float = SECONDS) -> Group:
    """Return the first jobs of a group, which take so long at most: at least one for each host."""
    hosts = []
    for jobs in group.hosts:
        each = max(gap_of(host_of(jobs[0].request.url), gap), _REQUEST) / parallel(jobs)
        hosts.append(jobs[: max(1, int(seconds / each))])
    return replace(group, hosts=tuple(hosts))


def without(group: Group, keys: AbstractSet[str]) -> Group | None:
    """Return a group without these jobs; None: no job is left."""
    hosts = tuple(left for jobs in group.hosts if (left := tuple(job for job in jobs if job.key not in keys)))
    return replace(group, hosts=hosts) if hosts else None


def bundle(pending: deque[Group], is_free: Callable[[Group], bool], hosts: int = MOST_HOSTS) -> list[Group]:
    """Take groups for one bundle from the front of `pending`; the others remain in their order.

    Args:
        is_free: Whether no worker has the hosts of a group now.
        hosts: How many hosts the bundle has, about. A group that joins more goes alone.
    """
    taken: list[Group] = []
    passed: list[Group] = []
    touched: set[str] = set()
    while pending and len(touched) < hosts:
        group = pending.popleft()
        fits = not taken or len(touched) + len(group.touched) <= MOST_HOSTS
        if fits and touched.isdisjoint(group.touched) and is_free(group):
            taken.append(group)
            touched |= group.touched
        else:
            passed.append(group)
    pending.extendleft(reversed(passed))
    return taken


def hosts_of_bundle(groups: int, workers: int) -> int:
    """Return how many hosts a bundle has, so that all workers have about four bundles of these groups."""
    return max(FEWEST_HOSTS, min(MOST_HOSTS, groups // (4 * workers)))


def share_of(budget: Budget | None, feeds: int, of: int, seconds: float | None) -> Budget | None:
    """Return the part of a budget that a bundle of so many feeds gets.

    Args:
        budget: What is left of requests and bytes.
        of: How many feeds share it.
        seconds: Until the run ends.
    """
    if budget is None:
        return None
    requests = None if budget.requests is None else min(budget.requests, max(feeds, budget.requests * feeds // of))
    size = None if budget.bytes is None else min(budget.bytes, max(1, budget.bytes * feeds // of))
    return Budget(seconds, requests, size)


def batch_of(
    groups: Sequence[Group],
    run_options: RunOptions,
    silences: Mapping[str, HostHold] = MappingProxyType({}),
    given_up: AbstractSet[str] = frozenset(),
) -> Batch:
    """Return the batch of a bundle, with what its hosts need of silences and hosts that are given up."""
    touched = frozenset(chain.from_iterable(group.touched for group in groups))
    listed = chain.from_iterable(group.listed.get(host, ()) for group in groups for host in group.touched)
    return Batch(
        tuple(chain.from_iterable(group.hosts for group in groups)),
        run_options,
        tuple(silences[host] for host in touched if host in silences),
        frozenset(listed),
        only=touched,
        given_up=touched & given_up,
    )
