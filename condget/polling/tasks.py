"""A batch as a task for a worker that shares nothing with the coordinator: `poll_task` is what a pool calls.

1. Task and result are bytes, so that every pool and every message queue carries them unread. A task may hold passwords
   of feeds.
2. A task that begins late, or a second time, is refused: the coordinator may have given it up, and another worker may
   be polling its hosts. For the same reason a task ends at its deadline.
3. A Dask scheduler runs a task again by itself when it has lost the worker, which may be alive. So each task is claimed
   at the scheduler first, and a task that the scheduler no longer wants is given up.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from condget import settings
from condget.feeds.values import HostHold
from condget.fetching.direct import DirectWire
from condget.polling.batch import Batch, Polled
from condget.polling.parser_process import Parser
from condget.polling.run_options import Budget
from condget.polling.worker import limits_of, poll_batches

#: Seconds between two looks at whether a task is still wanted.
_LOOK = 0.25

#: Seconds that a claim is kept after it has become needless, for clocks that differ.
_KEPT = 600.0

#: Runs that were given up; None: all.
_given_up: set[str | None] = set()


_of_thread = threading.local()
_keeps_tools = False


@dataclass(frozen=True, slots=True)
class Task:
    """A batch, and when it may be polled; instants are POSIX seconds."""

    batch: Batch
    #: The run that the batch belongs to, and the number of the task in that run.
    run: str
    number: int
    start_before: float
    deadline: float


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The result of a task. Jobs without a result were not finished."""

    polled: tuple[Polled, ...] = ()
    #: The silences that were asked for.
    silences: tuple[HostHold, ...] = ()
    #: Hosts that did not respond several times in a row.
    given_up: frozenset[str] = frozenset()
    #: Why no request was sent; None: the task was done.
    refused: str | None = None
    #: A fault of the worker, in words. Nothing of the task is under way any more.
    fault: str | None = None


def poll_task(task: bytes) -> bytes:
    """Poll the batch of a task (`pack`) and return its `TaskResult` (`unpack`). To be called in any thread."""
    try:
        result = _polled(pickle.loads(task))
    except Exception as error:  # noqa: BLE001 - said by the coordinator
        result = TaskResult(fault=f"{type(error).__name__}: {error}")
    return pickle.dumps(result)


def pack(task: Task) -> bytes:
    return pickle.dumps(task)


def unpack(result: bytes) -> TaskResult:
    """Return the result of a task.

    Raises:
        ValueError: the bytes are something else.
    """
    unpacked = pickle.loads(result)
    if not isinstance(unpacked, TaskResult):
        raise ValueError("the worker returned something else than a result")
    return unpacked


def give_up(run: str | None = None) -> None:
    """Let the tasks of a run, or all, end in this process with what is finished. A signal handler may call it."""
    _given_up.add(run)


def _polled(task: Task) -> TaskResult:
    if time.time() >= task.start_before:
        return TaskResult(refused="it waited too long for a worker")
    claim = _dask_claim(task)
    if claim is None:
        return TaskResult(refused="its worker was lost, and may be polling still")
    finished: list[Polled] = []
    batch = task.batch
    options = batch.run_options
    clock = settings.clock()
    limits = limits_of(options, len(batch.hosts), clock)
    budget = options.budget or Budget()
    left = task.deadline - time.time()
    budget = replace(budget, seconds=left if budget.seconds is None else min(left, budget.seconds))
    batches = [batch]

    async def following() -> Batch | None:
        return batches.pop() if batches else None

    async def work(tools: _Tools) -> None:
        poll = asyncio.ensure_future(
            poll_batches(
                following, finished.append, limits, budget=budget, clock=clock, wire=tools.wire, parser=tools.parser
            )
        )
        while not (await asyncio.wait({poll}, timeout=_LOOK))[0]:
            if not _given_up.isdisjoint((None, task.run)) or not claim():
                poll.cancel()
        with suppress(asyncio.CancelledError):
            await poll

    if multiprocessing.parent_process() is not None:
        keep_tools()
    with _tools() as tools:
        tools.runner.run(work(tools))
    given = set(batch.silences)
    silences = tuple(silence for silence in limits.silences if isinstance(silence, HostHold) and silence not in given)
    return TaskResult(tuple(finished), silences, limits.given_up)


class _Tools(NamedTuple):
    """Shared by the tasks of one thread: an event loop, a parser with its child, a TLS context."""

    runner: asyncio.Runner
    parser: Parser
    wire: DirectWire


@contextmanager
def _tools() -> Iterator[_Tools]:
    kept: _Tools | None = getattr(_of_thread, "kept", None)
    tools = kept or _Tools(asyncio.Runner(), Parser(), DirectWire())
    _of_thread.kept = None
    try:
        yield tools
    finally:
        if _keeps_tools and tools.parser.is_idle:
            _of_thread.kept = tools
        else:
            tools.runner.run(tools.parser.aclose())
            tools.runner.close()


def keep_tools() -> None:
    """Keep what costs time to make from task to task: this process is a worker, and it goes when the process ends."""
    global _keeps_tools
    _keeps_tools = True


def _dask_claim(task: Task) -> Callable[[], bool] | None:
    """Claim a task where this is a worker of Dask; return what tells whether it is wanted still, None: claimed before.

    The names of claims begin with an instant from which on they may be deleted, which each claim sees to.
    """
    worker: Any
    try:
        worker = sys.modules["distributed"].get_worker()
    except (KeyError, ValueError):
        return lambda: True
    keep_tools()
    client: Any = sys.modules["distributed"].get_client()
    key = worker.get_current_task()
    name, now = f"{task.start_before + _KEPT:.0f} condget {task.run} {task.number}", time.time()
    claims = [claim for claim in client.list_datasets() if isinstance(claim, str) and " condget " in claim]
    if old := [claim for claim in claims if float(claim.partition(" ")[0]) < now]:
        client.unpublish_dataset(old)
    try:
        client.publish_dataset(True, name=name)
    except KeyError:
        return None

    def is_wanted() -> bool:
        state = worker.state.tasks.get(key)
        return state is not None and state.state == "executing" and worker.status.name == "running"

    return is_wanted
