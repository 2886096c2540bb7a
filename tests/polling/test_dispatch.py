"""Jobs that go to a worker next: hosts are exclusive, whatever comes back, and no job is forgotten."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from condget.fetching.request import FetchRequest
from condget.polling import RunOptions
from condget.polling.batch import Batch, Job, Polled
from condget.polling.dispatch import Dispatch, Parcel
from condget.polling.run_options import LEFT, Budget
from condget.polling.tasks import TaskResult


def job(number: int, host: str, parallel: int = 1) -> Job:
    url = f"http://{host}/{number}"
    return Job(url, FetchRequest(url), parallel=parallel)


def batch(*jobs: Job, budget: Budget | None = None, gap: float | None = 0.0) -> Batch:
    return Batch(tuple((job,) for job in jobs), RunOptions(budget=budget, gap=gap))


def keys(parcel: Parcel) -> list[str]:
    return [job.key for jobs in parcel.batch.hosts for job in jobs]


def done(parcel: Parcel, requests: int = 1, size: int = 0) -> TaskResult:
    return TaskResult(tuple(Polled(key, 0.0, chain=(key,) * requests, received=size) for key in keys(parcel)))


@given(st.integers(0, 10_000))
def test_c12_b7_whatever_comes_back_a_host_has_one_worker_and_no_job_is_forgotten(seed: int) -> None:
    """C12, B7: workers that are lost, dead or maybe alive; results that are missing; redirects to any host."""
    world = random.Random(seed)
    hosts = [f"h{number}.example" for number in range(8)]
    jobs = [job(number, world.choice(hosts)) for number in range(world.randrange(40))]
    dispatch, now = Dispatch(2), 0.0
    dispatch.add(batch(*jobs, gap=world.choice([0.0, 1.0])), now)
    under_way: list[Parcel] = []
    #: Workers that were lost may poll until then.
    ghosts: list[tuple[float, frozenset[str]]] = []
    finished: list[str] = []
    while True:
        while len(under_way) < 4 and (parcel := dispatch.next(now)) is not None:
            assert parcel.batch.only
            for other in under_way:
                assert other.batch.only
                assert parcel.batch.only.isdisjoint(other.batch.only)
            assert all(until <= now or parcel.batch.only.isdisjoint(ghost) for until, ghost in ghosts)
            under_way.append(parcel)
        if not under_way:
            if (wait := dispatch.wait(now)) is None:
                break
            now += max(wait, 0.001)
            continue
        now += world.random()
        parcel = under_way.pop(world.randrange(len(under_way)))
        fate = world.random()
        if fate < 0.1:
            dispatch.lost(parcel, now, None)
        elif fate < 0.2:
            until = now + world.choice([5.0, 500.0])
            ghosts.append((until, parcel.batch.only or frozenset()))
            dispatch.lost(parcel, now, until)
        else:
            polled = []
            for key in keys(parcel):
                if (chance := world.random()) < 0.1:
                    continue
                leads_to = world.choice(hosts) if chance < 0.3 else None
                known = parcel.batch.only or frozenset()
                polled.append(Polled(key, now, chain=(key,), leads_to=None if leads_to in known else leads_to))
            finished += [result.key for result in dispatch.done(parcel, TaskResult(tuple(polled)), now)]
    dispatch.leave()
    assert len(set(finished)) == len(finished)
    assert len(finished) + dispatch.missing == len(jobs)


def test_the_budget_is_shared_and_the_unspent_part_comes_back() -> None:
    dispatch = Dispatch(1)
    dispatch.add(batch(*(job(0, f"h{n}.example") for n in range(100)), budget=Budget(60.0, 120, 1000)), 0.0)
    first, second = dispatch.next(0.0), dispatch.next(0.0)
    assert first is not None
    assert second is not None
    assert first.batch.run_options.budget == Budget(60.0, 60, 500)
    assert second.batch.run_options.budget == Budget(60.0, 60, 500)
    assert dispatch.is_spent(0.0)
    dispatch.done(first, done(first, size=4), 1.0)
    dispatch.add(batch(job(1, "h0.example")), 1.0)
    third = dispatch.next(2.0)
    assert third is not None
    assert third.batch.run_options.budget == Budget(58.0, 10, 300)
    assert not dispatch.unaffordable(2.0)
    dispatch.done(second, done(second, 2), 3.0)
    dispatch.done(third, done(third, size=500), 3.0)
    assert dispatch.is_spent(3.0)


def test_jobs_that_the_budget_left_go_on_if_other_workers_left_some_of_theirs() -> None:
    dispatch = Dispatch(1)
    dispatch.add(batch(*(job(n, "h.example") for n in range(2)), budget=Budget(requests=3)), 0.0)
    parcel = dispatch.next(0.0)
    assert parcel is not None
    one, two = keys(parcel)
    result = TaskResult((Polled(one, 0.0, chain=(one,)), Polled(two, 0.0, LEFT)))
    assert [polled.key for polled in dispatch.done(parcel, result, 1.0)] == [one]
    again = dispatch.next(1.0)
    assert again is not None
    assert keys(again) == [two]
    dispatch.done(again, done(again, 2), 2.0)
    dispatch.add(batch(job(3, "h.example")), 2.0)
    assert dispatch.next(2.0) is None
    assert [job.key for job in dispatch.unaffordable(2.0)] == ["http://h.example/3"]


def test_nothing_is_sent_once_the_time_of_the_run_is_up() -> None:
    dispatch = Dispatch(1)
    dispatch.add(batch(job(0, "a.example"), budget=Budget(seconds=60.0)), 100.0)
    assert not dispatch.is_late(159.0)
    assert dispatch.next(160.0) is None
    assert dispatch.unaffordable(160.0) == []


def test_a_host_that_is_given_up_is_known_to_later_parcels() -> None:
    dispatch = Dispatch(1)
    dispatch.add(batch(*(job(number, "a.example") for number in range(400))), 0.0)
    first = dispatch.next(0.0)
    assert first is not None
    dispatch.done(first, TaskResult(done(first).polled, given_up=frozenset({"a.example"})), 1.0)
    second = dispatch.next(1.0)
    assert second is not None
    assert (len(keys(first)), len(keys(second))) == (300, 100)
    assert second.batch.given_up == {"a.example"}


def test_c12_a_host_that_allows_it_is_in_several_parcels() -> None:
    """C12: two of its three requests at a time, by one worker each."""
    dispatch = Dispatch(2)
    dispatch.add(batch(*(job(number, "own.example", 3) for number in range(10))), 0.0)
    parcels = [dispatch.next(0.0), dispatch.next(0.0), dispatch.next(0.0)]
    assert [parcel and len(keys(parcel)) for parcel in parcels] == [5, 5, None]


def test_e3_a_feed_that_leads_to_another_host_each_time_is_an_error() -> None:
    """E3: after as many requests as one exchange has hops."""
    dispatch, sent = Dispatch(1), 0
    dispatch.add(batch(job(0, "a.example")), 0.0)
    finished: list[Polled] = []
    while (parcel := dispatch.next(0.0)) is not None:
        sent += 1
        (key,) = keys(parcel)
        elsewhere = Polled(key, 0.0, chain=(key,), leads_to=f"h{sent}.example")
        finished += dispatch.done(parcel, TaskResult((elsewhere,)), 0.0)
    assert sent == 6
    assert [polled.error for polled in finished] == [
        "http://a.example/0: it redirects to yet another host each time; use the URL where the feed is"
    ]
