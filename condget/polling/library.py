"""`condget.poll` and `condget.async_poll`: a run of the poller as an iterator of outcomes, for programs.

1. The feeds are read, and wrong arguments raise, when the function is called.
2. The state is opened, and locked, when the first outcome is requested.
3. An outcome is acknowledged when the next one is requested. Outcomes that are not acknowledged come again.
4. The state is closed when the iterator ends or is closed.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, TypeAlias, TypedDict, Unpack

from condget import settings
from condget.errors import SubscriptionError
from condget.feeds.filters import pattern
from condget.feeds.pace import Pace
from condget.feeds.values import Outcome
from condget.polling.lists import Source
from condget.polling.portions import Lists
from condget.polling.run_options import Budget, RunOptions

if TYPE_CHECKING:
    from concurrent.futures import Executor as Pool

    import httpx

    from condget.polling.executors import Executor
    from condget.stores.protocols import Ledger

Feeds: TypeAlias = "Source | Iterable[Source]"

#: The state file by its path, a database by its URL, `":memory:"`, or a ledger of the caller's; None: the user's own
#: file.
State: TypeAlias = "str | os.PathLike[str] | Ledger | None"

#: Any transport of httpx; None: condget's own connections.
Transport: TypeAlias = "httpx.AsyncBaseTransport | httpx.BaseTransport | None"


class PollOptions(TypedDict, total=False):
    """The options of `poll` and `async_poll`, which are those of the command line."""

    state: State
    transport: Transport
    force: bool
    unconditional: bool
    skipped: bool
    timeout: float
    concurrency: int
    gap: float | None
    update_period: bool
    deadline: float | None
    max_requests: int | None
    max_bytes: int | None
    match: str | None
    not_match: str | None
    wait: float
    clock: settings.Clock | None
    executor: Pool | None
    workers: int | None


def poll(feeds: Feeds, **options: Unpack[PollOptions]) -> Generator[Outcome, None, None]:
    """Poll the feeds that are due, and yield an `Outcome` for each as soon as it is there.

    An outcome is acknowledged, and so remembered, when the next outcome is requested. Leaving the loop early loses
    nothing: the outcome in hand, and those that were not taken, come again with the next poll. Close the iterator, as
    `contextlib.closing` does, if the loop may be left.

    Args:
        feeds: Lists of feeds by their paths, feeds by their URLs, `Feed` values, or an iterable of these.
        state: What is remembered of the feeds: a path, a `postgresql://` URL, `":memory:"`, or a ledger; None, the
            default: the state file of the user, which `condget poll` uses, too.
        transport: Any httpx transport to send the requests through, in a thread and an event loop of the poll's own.
        force: Also poll feeds that are not due; still conditionally.
        unconditional: Send no validators, so that every feed is sent in full.
        skipped: Also yield an outcome for each feed that is not due, first of all.
        timeout: Total time in seconds for one feed, redirects included (30).
        concurrency: Requests at the same time, over all hosts (500).
        gap: Seconds between the starts of two requests to one host (1, and 0 for loopback).
        update_period: Obey sy:updatePeriod, too.
        deadline: End after so many seconds; the feeds that are overdue longest come first, the rest next time.
        max_requests: End after so many requests, likewise.
        max_bytes: End when so many bytes of content were received, likewise.
        match: A regular expression: only entries in whose title, link, author or categories it is found are reported.
            The others count as seen.
        not_match: A regular expression: entries in which it is found are not reported, and count as seen.
        wait: How many seconds to wait for another run that holds the state (0).
        clock: Returns the present instant in POSIX seconds.
        executor: Any `concurrent.futures.Executor` whose workers poll instead of this process: a pool of processes, the
            `get_executor()` of a Dask client. The workers need condget, but neither the state nor a common disk. They
            go by their own clocks, and get the passwords of feeds that they poll. The caller shuts it down.
        workers: How many tasks the executor does at the same time; needed where it does not say so itself.

    Raises:
        ValueError: a regular expression cannot be compiled, or `transport` and `executor` are both given.
        SubscriptionError: a list cannot be read, or there is no feed. A bad line is an outcome with an error.
        StateLocked: another run holds the state. The iterator raises this, and the following error.
        StoreError: the state cannot be used.
    """
    return _run(feeds, **options)[1]


async def async_poll(feeds: Feeds, **options: Unpack[PollOptions]) -> AsyncGenerator[Outcome, None]:
    """Poll as `poll` does, from asyncio or trio; wrong arguments raise when the first outcome is requested.

    Close the iterator, as `contextlib.aclosing` does, where the loop may be left.
    """
    from threading import Lock

    from anyio import CancelScope
    from anyio.to_thread import run_sync

    executor, outcomes = _run(feeds, **options)
    # The thread of a task that was cancelled may still be inside the generator.
    in_use = Lock()

    def take() -> Outcome | None:
        with in_use:
            return next(outcomes, None)

    def close() -> None:
        with in_use:
            outcomes.close()

    try:
        while (outcome := await run_sync(take, abandon_on_cancel=True)) is not None:
            yield outcome
    finally:
        executor.stop()
        with CancelScope(shield=True):
            await run_sync(close)


def _run(
    feeds: Feeds,
    *,
    state: State = None,
    transport: Transport = None,
    force: bool = False,
    unconditional: bool = False,
    skipped: bool = False,
    timeout: float = 30.0,
    concurrency: int = 500,
    gap: float | None = None,
    update_period: bool = False,
    deadline: float | None = None,
    max_requests: int | None = None,
    max_bytes: int | None = None,
    match: str | None = None,
    not_match: str | None = None,
    wait: float = 0.0,
    clock: settings.Clock | None = None,
    executor: Pool | None = None,
    workers: int | None = None,
) -> tuple[Executor, Generator[Outcome, None, None]]:
    run_options = RunOptions(
        Pace(update_period=update_period),
        force=force,
        unconditional=unconditional,
        timeout=timeout,
        concurrency=concurrency,
        gap=gap,
        budget=Budget.of(deadline, max_requests, max_bytes),
        match=match and pattern(match),
        not_match=not_match and pattern(not_match),
    )
    clock = clock or settings.clock()
    executor_ = _executor(clock, transport, executor, workers)
    # All feeds that are not due come first: they are known when all lines are read.
    lists = _lists(feeds, whole=skipped)
    return executor_, _outcomes(lists, state, run_options, executor_, clock, wait, skipped)


def _lists(feeds: Feeds, *, whole: bool) -> Lists:
    from condget.feeds.feed import Feed

    lists = Lists([feeds] if isinstance(feeds, str | os.PathLike | Feed) else list(feeds), whole=whole)
    if lists.listed.unusable:
        raise SubscriptionError("\n".join(lists.listed.unusable))
    return lists


def _executor(clock: settings.Clock, transport: Transport, pool: Pool | None, workers: int | None) -> Executor:
    if pool is not None:
        if transport is not None:
            raise ValueError("a transport cannot be handed to the workers of an executor; leave one of the two out")
        from condget.polling.pooled import Pooled

        return Pooled(pool, clock, workers=workers)
    from condget.polling.executors import InProcess

    if transport is None:
        return InProcess(clock)
    adapters: Callable[[str], ModuleType] = import_module
    if any(kind.__module__.partition(".")[0] == "httpx2" for kind in type(transport).__mro__):
        from condget.binding import bound as adapters
    asynchronous = adapters("condget.fetching.threaded_transport").asynchronous
    wire = adapters("condget.fetching.via_transport").TransportWire(asynchronous(transport))
    return InProcess(clock, wire=lambda: wire)


def _outcomes(
    lists: Lists,
    state: State,
    run_options: RunOptions,
    executor: Executor,
    clock: settings.Clock,
    wait: float,
    skipped: bool,
) -> Generator[Outcome, None, None]:
    from condget.polling.coordinator import poll_planned

    with closing(lists), _ledger(state, wait, clock) as ledger:
        plans = lists.begin(ledger, run_options, clock)
        _log(ledger)
        for sentence in lists.listed.skipped:
            logging.getLogger("condget").info(sentence)
        for line in lists.listed.refused:
            yield Outcome(line.written or line.source, "error", error=str(line))
        if skipped and plans.first is not None:
            yield from plans.first.skipped()
        if plans.begin():
            yield from poll_planned(plans, ledger, executor, clock, committed=plans.committed)
        if lists.unread is not None:
            logging.getLogger("condget").warning(lists.unread)
        _log(ledger)
        _log(executor)


@contextmanager
def _ledger(state: State, wait: float, clock: settings.Clock) -> Iterator[Ledger]:
    if state == ":memory:":
        from condget.stores.memory_ledger import MemoryLedger

        yield MemoryLedger()
        return
    from condget.stores.opening import open_ledger

    opened = (
        open_ledger(state, wait=wait, alone=False, clock=clock)
        if state is None or isinstance(state, str | os.PathLike)
        else nullcontext(state)
    )
    with opened as ledger:
        yield ledger


def _log(source: Ledger | Executor) -> None:
    for notice in source.take_notices():
        logging.getLogger("condget").warning(notice)
