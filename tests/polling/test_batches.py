"""Batches are cut by host: no host is in two bundles, and nothing is lost."""

from __future__ import annotations

import doctest
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condget.feeds.subscriptions import single
from condget.feeds.values import FeedState, HostHold
from condget.fetching.request import FetchRequest
from condget.polling import RunOptions, batches
from condget.polling.batch import Batch, Job
from condget.polling.batches import Group, batch_of, bundle, groups_of, hosts_of_bundle, part_of, share_of, without
from condget.polling.jobs import job_of
from condget.polling.run_options import Budget


def job(number: int, host: str, *leads_to: str, parallel: int = 1) -> Job:
    url = f"http://{host}/{number}"
    return Job(url, FetchRequest(url), leads_to=leads_to, parallel=parallel)


def batch(*jobs: Job, listed: frozenset[str] = frozenset()) -> Batch:
    return Batch(tuple((job,) for job in jobs), listed=listed)


def keys(groups: list[Group]) -> list[str]:
    return sorted(job.key for group in groups for jobs in group.hosts for job in jobs)


HOSTS = st.sampled_from([f"h{number}.example" for number in range(12)])


@given(st.lists(st.tuples(HOSTS, st.lists(HOSTS, max_size=2), st.integers(1, 3)), max_size=30), st.integers(1, 8))
def test_c12_no_host_is_in_two_bundles_and_nothing_is_lost(feeds: list[tuple[str, list[str], int]], most: int) -> None:
    """C12: unless the host allows several requests at a time, and then no more than those."""
    jobs = [job(number, host, *leads, parallel=parallel) for number, (host, leads, parallel) in enumerate(feeds)]
    groups = groups_of(batch(*jobs), workers=3)
    used: dict[str, float] = {}
    for group in groups:
        for host in group.touched:
            used[host] = used.get(host, 0.0) + group.share
    assert all(share < 1.000001 for share in used.values())
    assert all(
        {host, *leads} <= group.touched or host not in group.touched for host, leads, _ in feeds for group in groups
    )
    assert keys(groups) == sorted(job.key for job in jobs)
    pending, bundles = deque(groups), []
    while pending:
        taken = bundle(pending, lambda group: True, most)
        assert sum(len(group.touched) for group in taken) == len({host for group in taken for host in group.touched})
        bundles += taken
    assert keys(bundles) == keys(groups)


def test_a_bundle_leaves_out_hosts_that_are_busy_and_keeps_the_order() -> None:
    groups = groups_of(batch(*(job(0, f"{name}.example") for name in "abcdef")))
    pending = deque(groups)
    taken = bundle(pending, lambda group: "a.example" not in group.touched, 3)
    assert keys(taken) == ["http://b.example/0", "http://c.example/0", "http://d.example/0"]
    assert [sorted(group.touched) for group in pending] == [["a.example"], ["e.example"], ["f.example"]]


def test_a_group_that_joins_very_many_hosts_goes_alone() -> None:
    many = [job(number, f"h{number}.example", "proxy.example") for number in range(300)]
    pending = deque(groups_of(batch(job(0, "a.example"), *many, job(0, "b.example"))))
    sizes = []
    while pending:
        sizes.append([len(group.touched) for group in bundle(pending, lambda group: True)])
    assert sizes == [[1, 1], [301]]


@pytest.mark.parametrize(
    ("gap", "parallel", "first"), [(None, 1, 30), (None, 4, 120), (5.0, 1, 6), (60.0, 1, 1), (0.0, 1, 300)]
)
def test_a_group_that_takes_long_is_cut(gap: float | None, parallel: int, first: int) -> None:
    (group,) = groups_of(batch(*(job(number, "a.example", parallel=parallel) for number in range(1000))))
    part = part_of(group, gap)
    assert part.requests == first
    rest = without(group, {job.key for job in part.hosts[0]})
    assert rest is not None
    assert keys([part, rest]) == keys([group])
    assert without(group, set(keys([group]))) is None


def test_a_host_that_allows_it_is_polled_by_several_workers() -> None:
    """And by none with more requests at a time than it allows in all."""
    jobs = [job(number, "own.example", parallel=5) for number in range(10)]
    groups = groups_of(batch(*jobs), workers=2)
    assert [(group.requests, group.share, group.hosts[0][0].parallel) for group in groups] == [(5, 0.4, 2)] * 2
    # One feed does not say so.
    assert len(groups_of(batch(*jobs, job(10, "own.example")), workers=2)) == 1


def test_a_batch_has_what_its_hosts_need_only() -> None:
    a, b = groups_of(
        batch(job(0, "a.example"), job(0, "b.example"), listed=frozenset({"http://a.example/0", "http://b.example/1"}))
    )
    silences = {host: HostHold(host, 1.0, "429") for host in ("a.example", "c.example")}
    made = batch_of([a], RunOptions(), silences, {"a.example", "b.example"})
    assert made.silences == (silences["a.example"],)
    assert made.listed == {"http://a.example/0"}
    assert made.only == made.given_up == {"a.example"}
    assert batch_of([b], RunOptions(), silences).listed == {"http://b.example/1"}


@pytest.mark.parametrize(
    ("budget", "feeds", "of", "share"),
    [
        (None, 5, 10, None),
        (Budget(requests=100, bytes=1000), 5, 10, Budget(9.0, 50, 500)),
        (Budget(requests=3), 5, 10, Budget(9.0, 3)),
        (Budget(requests=10), 5, 10, Budget(9.0, 5)),
        (Budget(bytes=1), 5, 10, Budget(9.0, None, 1)),
        (Budget(seconds=60), 5, 10, Budget(9.0)),
    ],
)
def test_a_bundle_gets_its_share_of_the_budget(
    budget: Budget | None, feeds: int, of: int, share: Budget | None
) -> None:
    assert share_of(budget, feeds, of, 9.0) == share


@pytest.mark.parametrize(("groups", "workers", "hosts"), [(10, 2, 50), (1_000, 2, 125), (100_000, 4, 200)])
def test_bundles_have_50_to_200_hosts(groups: int, workers: int, hosts: int) -> None:
    assert hosts_of_bundle(groups, workers) == hosts


def test_a_job_says_where_its_redirects_are_known_to_lead() -> None:
    feed = single("http://a.example/feed")
    chain = ("http://a.example/feed", "http://b.example/x", "http://a.example/y")
    assert job_of(feed, FeedState(feed.key, chain=chain), RunOptions()).leads_to == ("b.example",)
    moved = FeedState(feed.key, moved_to="http://c.example/feed", chain=("http://c.example/feed",))
    assert job_of(feed, moved, RunOptions()).leads_to == ("a.example",)
    assert job_of(feed, None, RunOptions()).leads_to == ()


def test_the_examples_in_docstrings_run() -> None:
    assert doctest.testmod(batches).failed == 0
