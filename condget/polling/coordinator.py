"""A run: plan what to ask and why not the rest, have a batch polled, and commit what was delivered.

`run` yields outcomes as they are finished, and commits a group when the next one is asked for: whoever takes
outcomes has delivered them by then. So nothing is marked as seen that was not reported (B7), and a reader that
breaks off leaves the last group to be reported again.

Failures to connect are held back to the end of the run, which tells whether the machine was offline (C13).
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from condget import settings
from condget.cache.validators import preconditions
from condget.errors import UsageError
from condget.feeds import schedule
from condget.feeds.outcomes import FeedState, HostHold, Outcome
from condget.feeds.schedule import Pace
from condget.feeds.subscriptions import Subscription
from condget.polling.batch import Ask, Batch, Job, Manners, Polled, host_of, origin_of
from condget.stores.base import Ledger

if TYPE_CHECKING:
    from condget.polling.executors import Executor


#: By what a list says of a feed's validators: the fields that may be sent.
_VALIDATORS = {
    "both": ("If-None-Match", "If-Modified-Since"),
    "etag": ("If-None-Match",),
    "last-modified": ("If-Modified-Since",),
    "none": (),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will ask, with what is remembered of those feeds; and the outcomes that need no request."""

    batch: Batch
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
        return sum(map(len, self.batch.hosts))

    def skipped(self) -> Iterator[Outcome]:
        """Yield the outcomes of the feeds that are not asked: most of a long list, and seldom reported."""
        for subscription, reason, next_poll in self.passed_over:
            yield Outcome(subscription.key, "skipped", name=subscription.name, reason=reason, next_poll=next_poll)


def plan(subscriptions: Iterable[Subscription], ledger: Ledger, manners: Manners, now: float) -> Plan:
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
        next_poll, reason, gone = known.get(key, (now, "", False))
        # Who names a gone feed on the command line, with --force, says so (C8).
        if gone and not (manners.force and subscription.source == "command line"):
            passed_over.append((subscription, reason, None))
        elif not manners.force and not schedule.is_due(next_poll, pace=_pace(subscription, manners), now=now):
            passed_over.append((subscription, reason, next_poll))
        else:
            due.append(key)
    olds = {key: former[key][0] for key in due if key in former}
    states = dict(ledger.load([olds.get(key, key) for key in due])) if due else {}
    states |= {key: replace(states[old], url=key, moved_to=None) for key, old in olds.items()}
    refused: list[Outcome] = []
    jobs: dict[str, list[Job]] = {}
    for key in due:
        subscription, state = unique[key], states.get(key)
        try:
            job = _job(subscription, state, manners)
        except UsageError as error:
            refused.append(Outcome(key, "error", name=subscription.name, error=str(error)))
            continue
        host = host_of(job.ask.url)
        if job.ask.moved_from is not None and job.ask.url in unique:
            passed_over.append((subscription, f"it moved to {job.ask.url}, which is in the list, too", None))
        elif (hold := holds.get(host)) is not None and _holds(hold, manners, now):
            passed_over.append((subscription, hold.reason, hold.until))
        else:
            jobs.setdefault(host, []).append(job)
    # The longest first: with gaps between requests, it is they who say when the run ends.
    hosts = sorted(map(tuple, jobs.values()), key=len, reverse=True)
    held = tuple(hold for hold in holds.values() if _holds(hold, manners, now))
    return Plan(Batch(tuple(hosts), manners, held), unique, states, tuple(refused), tuple(passed_over), olds)


def run(
    planned: Plan, ledger: Ledger, executor: Executor, clock: settings.Clock
) -> Generator[Sequence[Outcome], None, None]:
    """Yield outcomes in groups as they are finished; a group is committed when the next one is asked for."""
    if planned.refused:
        yield planned.refused
    if not planned.batch.hosts:
        return
    from condget.polling.settling import settle

    if planned.former:
        # Under both URLs, since another list may have the old one still.
        ledger.commit(
            Outcome(key, "skipped", state=planned.states[key], seen=tuple(ledger.seen(old).values()))
            for key, old in planned.former.items()
        )
    jobs = {job.key: job for host in planned.batch.hosts for job in host}
    reached = False
    held: list[Outcome] = []
    with closing(executor.run(planned.batch)) as groups:
        for group in groups:
            found: list[Outcome] = []
            for polled in group:
                subscription = planned.subscriptions[polled.key]
                seen = ledger.seen(polled.key) if polled.document else {}
                pace = _pace(subscription, planned.batch.manners)
                state = planned.states.get(polled.key)
                outcome = settle(subscription, jobs[polled.key], state, polled, seen, pace)
                if polled.until is not None:
                    outcome = _put_off(outcome, state, polled, pace)
                (found if polled.connected else held).append(outcome)
            if found:
                reached = reached or any(outcome.status != "skipped" for outcome in found)
                yield found
                ledger.commit(found)
    if held:
        now, last_reached = clock(), ledger.last_reached()
        held = [
            schedule.unreached(
                outcome,
                planned.states.get(outcome.url),
                alone=len(jobs) == 1,
                reached=reached,
                last_reached=last_reached,
                pace=_pace(planned.subscriptions[outcome.url], planned.batch.manners),
                now=now,
            )
            for outcome in held
        ]
        yield held
        ledger.commit(held)


def poll(
    subscriptions: Iterable[Subscription],
    ledger: Ledger,
    *,
    manners: Manners | None = None,
    clock: settings.Clock | None = None,
    executor: Executor | None = None,
) -> Generator[Outcome, None, None]:
    """Poll the feeds that are due and yield what each brought.

    What an outcome says is committed to the ledger after the caller has come back for the next one; leave the loop
    early, and the last outcomes come again with the next poll. One run at a time may use a ledger; for a
    `SqliteLedger` hold `condget.stores.lock.lock`.

    >>> from condget.feeds.subscriptions import single
    >>> from condget.stores.memory_ledger import MemoryLedger
    >>> [outcome.status for outcome in poll([single("http://localhost:1/feed")], MemoryLedger())]
    ['error']
    """
    import time

    clock = clock or time.time
    now = clock()
    ledger.set_back(now)
    planned = plan(subscriptions, ledger, manners or Manners(), now)
    if not planned.asked and not planned.refused:
        return
    from condget.polling.executors import InProcess

    for group in run(planned, ledger, executor or InProcess(clock), clock):
        yield from group


def _former(
    unique: Mapping[str, Subscription], known: Mapping[str, object], ledger: Ledger
) -> dict[str, tuple[str, tuple[float, str, bool]]]:
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
    return {key: (old, due[old]) for key, old in former.items() if old in due and not due[old][2]}


def _pace(subscription: Subscription, manners: Manners) -> Pace:
    every = subscription.options.every
    return manners.pace if every is None else replace(manners.pace, every=every)


def _holds(hold: HostHold, manners: Manners, now: float) -> bool:
    # A hold that ends later than any rule can say was written by a clock that ran ahead (C14).
    return not schedule.is_due(hold.until, pace=manners.pace, now=now)


def _put_off(outcome: Outcome, state: FeedState | None, polled: Polled, pace: Pace) -> Outcome:
    """Return the outcome of a feed that was led to a host which asked for silence (C6).

    It is as it was, and asked again when the silence ends; where its own host was asked, not before that may be (C1).
    """
    assert polled.until is not None
    if not polled.chain:
        return replace(outcome, next_poll=polled.until)
    floor = pace.minimum if pace.every is None else pace.every
    at = max(polled.until, polled.now + floor)
    at += schedule.spread(outcome.url, at - polled.now)
    reason = f"{outcome.reason}; next at {schedule.instant(at, polled.now)}"
    state = replace(state or FeedState(outcome.url), next_poll=at, reason=reason)
    return replace(outcome, state=state, next_poll=at, reason=reason)


def _job(subscription: Subscription, state: FeedState | None, manners: Manners) -> Job:
    """Compose what a worker needs to ask one feed.

    Raises:
        UsageError: a field is to be read from a variable or a file that is not there.
    """
    url, options = subscription.url, subscription.options
    # After a failure where the feed moved to, the configured URL and that one are asked in turn: it may have moved
    # on, or back.
    if state is not None and state.moved_to is not None and state.failures % 2 == 0:
        url = state.moved_to
    # Secrets belong to the origin that they were configured for (E5).
    own = url == subscription.url or origin_of(url) == origin_of(subscription.url)
    stored = state.stored if state is not None and not manners.unconditional else None
    wanted = _VALIDATORS[options.validators]
    ask = Ask(
        url,
        tuple([pair for pair in preconditions([stored]) if pair[0] in wanted]) if stored else (),
        state.chain if state is not None else (),
        tuple([(name, _resolved(subscription, name, value)) for name, value in options.headers]) if own else (),
        subscription.userinfo if own else None,
        options.user_agent or settings.USER_AGENT,
        options.timeout or manners.timeout,
        options.private_network,
        moved_from=None if url == subscription.url else subscription.url,
    )
    if state is None:
        return Job(subscription.key, ask)
    return Job(subscription.key, ask, state.digest, state.cut_off, state.items)


def _resolved(subscription: Subscription, name: str, value: str) -> str:
    """Return the value of a configured field; it is kept nowhere (F12)."""
    kind, colon, where = value.partition(":")
    if not colon or kind not in ("@env", "@file"):
        return value
    place = f"{subscription.source}: header={name}"
    found: str | None
    if kind == "@env":
        found = os.environ.get(where)
        if found is None:
            raise UsageError(f"{place}: the variable {where} is not set; set it, or take the header out")
    else:
        try:
            found = Path(where).expanduser().read_text(encoding="latin-1")
        except OSError as error:
            raise UsageError(f"{place}: {where} cannot be read ({error.strerror})") from None
    found = found.strip()
    if not found:
        raise UsageError(f"{place}: {where} is empty")
    return found
