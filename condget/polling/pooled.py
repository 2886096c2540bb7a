"""An executor over any `concurrent.futures.Executor`: processes, a Dask cluster, a message queue.

1. Batches are cut by host into tasks (`batches`), of which two for each worker are under way.
2. A host is never in two tasks under way, hosts of redirects included: a worker follows a redirect to another host only
   if its task has that host. Otherwise the job comes back, and is done again when both hosts are free. The gap after
   the last request to a host is kept, and silences that one task meets hold for all that follow (C6, C12).
3. A task that is lost is a repeat, never a loss: nothing of it is committed. Where its worker is known to be dead, the
   task is done again at once; otherwise after its deadline, if the run lasts so long, and else by the next run.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from condget import settings
from condget.polling.batch import Batch, Polled
from condget.polling.dispatch import Dispatch, Parcel
from condget.polling.executors import IDLE
from condget.polling.processes import Processes, WorkerDied
from condget.polling.run_options import LEFT
from condget.polling.tasks import Task, give_up, pack, poll_task, unpack

#: Tasks under way for each worker: one is done, one waits.
_EACH = 2

#: Seconds that a task may wait for a worker, and that it may then take.
_WAITS, _TAKES = 600.0, 300.0

#: Seconds after its deadline when a task without a result is lost; clocks of machines may differ so much.
_LATE = 30.0

#: Seconds between two looks at hosts that wait for their gap.
_SOON = 0.1

#: Seconds that a stopped run waits for workers that cannot be told.
_STOPPING = 60.0


@dataclass(frozen=True, slots=True)
class _Sent:
    """A parcel that is a task of the pool."""

    parcel: Parcel
    #: Until then a worker may be polling its hosts, by the monotonic clock.
    until: float


class Pooled:
    """Polls by the workers of a pool, which its caller shuts down.

    Args:
        workers: How many tasks the pool does at the same time; None: as many as it says, else 4.
    """

    def __init__(self, pool: Executor, clock: settings.Clock = time.time, *, workers: int | None = None) -> None:
        self._pool = pool
        # ThreadPoolExecutor and ProcessPoolExecutor say it by that name only.
        self._workers = workers or getattr(pool, "workers", None) or getattr(pool, "_max_workers", None) or 4
        self._clock = clock
        self._run = uuid.uuid4().hex
        self._number = 0
        self._stopped = False
        #: Futures that are done; None: `stop` was called.
        self._done: SimpleQueue[Future[bytes] | None] = SimpleQueue()
        #: Why the pool takes no more tasks.
        self._broken: str | None = None
        self._notices: list[str] = []

    def stop(self) -> None:
        self._stopped = True
        give_up(self._run)
        if isinstance(self._pool, Processes):
            self._pool.stop()
        self._done.put(None)

    def take_notices(self) -> Sequence[str]:
        """Return what went wrong since the last call, a sentence each."""
        notices, self._notices = self._notices, []
        return notices

    def run(self, batches: Iterable[Batch]) -> Generator[Sequence[Polled], None, None]:
        dispatch = Dispatch(self._workers)
        remaining: Iterator[Batch] = iter(batches)
        sent: dict[Future[bytes], _Sent] = {}
        exhausted, stop_at = False, 0.0
        try:
            while True:
                while len(sent) < _EACH * self._workers and not (self._stopped or self._broken):
                    now = time.monotonic()
                    if (parcel := dispatch.next(now)) is not None:
                        self._send(parcel, dispatch, sent)
                    elif exhausted or dispatch.is_spent(now):
                        break
                    elif (batch := next(remaining, None)) is None:
                        exhausted = True
                    else:
                        dispatch.add(batch, now)
                        del batch  # whose jobs are pending now, each for as long as it is needed
                if self._stopped:
                    stop_at = stop_at or time.monotonic() + _STOPPING
                    if not sent or time.monotonic() >= stop_at:
                        return
                now = time.monotonic()
                if left := dispatch.unaffordable(now):
                    yield [Polled(job.key, self._clock(), LEFT) for job in left]
                    continue
                # With room, the jobs that are pending are few: those that wait for their hosts.
                wait = dispatch.wait(now) if len(sent) < _EACH * self._workers else None
                if not sent and (wait is None or self._broken or dispatch.is_late(now)):
                    break
                yield self._results(sent, dispatch, IDLE if wait is None else _SOON)
            if not dispatch.is_late(time.monotonic()):
                dispatch.leave()
            self._say_missing(dispatch.missing)
        finally:
            for future in sent:
                future.cancel()

    def _send(self, parcel: Parcel, dispatch: Dispatch, sent: dict[Future[bytes], _Sent]) -> None:
        self._number += 1
        # Instants of the machines, whatever clock the run has.
        start_before = time.time() + _WAITS
        task = Task(parcel.batch, self._run, self._number, start_before, start_before + _TAKES)
        try:
            future = self._pool.submit(poll_task, pack(task))
        except Exception as error:  # noqa: BLE001 - shut down, broken, disconnected: pools differ in what they raise
            self._broken = str(error) or type(error).__name__
            dispatch.lost(parcel, time.monotonic(), None)
            return
        sent[future] = _Sent(parcel, time.monotonic() + _WAITS + _TAKES)
        future.add_done_callback(self._done.put)

    def _results(self, sent: dict[Future[bytes], _Sent], dispatch: Dispatch, wait: float) -> list[Polled]:
        """Wait so long for a task to be done; return the results of all that are."""
        polled: list[Polled] = []
        try:
            while True:
                future = self._done.get(timeout=wait)
                wait = 0.0
                if future is not None and future in sent:
                    polled += self._result(future, sent.pop(future), dispatch)
        except Empty:
            pass
        now = time.monotonic()
        for future in [future for future, task in sent.items() if task.until + _LATE < now]:
            future.cancel()
            self._lose(sent.pop(future), dispatch, "no result came back", now)
        return polled

    def _result(self, future: Future[bytes], task: _Sent, dispatch: Dispatch) -> list[Polled]:
        now = time.monotonic()
        if future.cancelled():
            # The pool itself gives its tasks up: a Dask client does when it loses its scheduler.
            self._broken = self._broken or "the connection to its workers is lost"
            self._lose(task, dispatch, None, task.until)
            return []
        try:
            result = unpack(future.result())
        except WorkerDied as error:
            self._lose(task, dispatch, str(error), None)
        except Exception as error:  # noqa: BLE001 - KilledWorker, BrokenProcessPool: pools differ in what they raise
            self._lose(task, dispatch, str(error) or type(error).__name__, task.until)
        else:
            if result.refused is not None:
                self._lose(task, dispatch, result.refused, task.until)
            elif result.fault is not None:
                self._lose(task, dispatch, result.fault, None)
            else:
                return dispatch.done(task.parcel, result, now)
        return []

    def _lose(self, task: _Sent, dispatch: Dispatch, why: str | None, until: float | None) -> None:
        if why is not None and not self._stopped:
            feeds = sum(part.requests for part in task.parcel.parts)
            self._notices.append(f"a worker was lost, and with it {_feeds(feeds)} that it was to poll: {why}")
        dispatch.lost(task.parcel, time.monotonic(), until)

    def _say_missing(self, missing: int) -> None:
        if self._broken is not None:
            rest = f"{_feeds(missing)}, and those after them, come with the next run"
            self._notices.append(f"the pool of workers failed: {self._broken}; {rest}")
        elif missing:
            come = "comes" if missing == 1 else "come"
            self._notices.append(f"{_feeds(missing)} of lost workers {come} with the next run")


def _feeds(number: int) -> str:
    return f"{number:,} feed" if number == 1 else f"{number:,} feeds"
