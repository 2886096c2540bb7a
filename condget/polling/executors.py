"""The executor seam: `run` takes a stream of batches and yields results, in the order and groups in which they come.

An executor pulls a batch when it has room for its hosts, and always in the thread of its caller, who may read the
ledger then. `InProcess` runs the worker's event loop in a thread of its own, so that time limits hold and requests go
on while a report waits for a slow reader.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Protocol

from condget import settings
from condget.fetching.direct import DirectWire
from condget.fetching.host_limits import Sleep
from condget.fetching.wire import Wire
from condget.polling.batch import Batch, Polled
from condget.polling.parser_process import Parser
from condget.polling.worker import limits_of, poll_batches

#: Seconds for which finished results are gathered.
_GATHER = 0.25

#: Seconds after which nothing is yielded where nothing is finished, so that the caller can look after other things.
IDLE = 1.0


class Executor(Protocol):
    """Polls batches somewhere."""

    def run(self, batches: Iterable[Batch]) -> Generator[Sequence[Polled], None, None]:
        """Yield finished results; end after the last or after `stop`. Closing the generator gives up the rest.

        Where nothing is finished for a while, an empty group is yielded.
        """

    def stop(self) -> None:
        """Give up what is under way; finished results are still yielded. A signal handler may call it."""

    def take_notices(self) -> Sequence[str]:
        """Return what went wrong with workers since the last call, a sentence each."""


class InProcess:
    """Polls in this process. `wire` and `parser` are called inside the event loop."""

    def __init__(
        self,
        clock: settings.Clock,
        *,
        sleep: Sleep = asyncio.sleep,
        wire: Callable[[], Wire] = DirectWire,
        parser: Callable[[], Parser] = Parser,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._wire = wire
        self._parser = parser
        #: None is the last: the thread has ended, or `stop` was called. A future waits for the next batch.
        self._results: SimpleQueue[Polled | asyncio.Future[Batch | None] | None] = SimpleQueue()
        #: Gets a None then, too: a queue, because a signal handler may take no lock of threading.
        self._over: SimpleQueue[None] = SimpleQueue()
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True
        self._results.put(None)
        self._over.put(None)

    def take_notices(self) -> Sequence[str]:
        return ()

    def _finished(self) -> list[Polled | asyncio.Future[Batch | None] | None]:
        results: list[Polled | asyncio.Future[Batch | None] | None] = []
        with suppress(Empty):
            while True:
                results.append(self._results.get_nowait())
        return results

    def run(self, batches: Iterable[Batch]) -> Generator[Sequence[Polled], None, None]:
        remaining = iter(batches)
        first = next(remaining, None)
        if first is None:
            return
        loop = asyncio.new_event_loop()
        failures: list[BaseException] = []
        parser = self._parser()

        pulled, run_options, hosts = [first], first.run_options, len(first.hosts)
        del first  # the worker gives its memory back

        async def following() -> Batch | None:
            if pulled:
                return pulled.pop()
            batch: asyncio.Future[Batch | None] = loop.create_future()
            self._results.put(batch)
            return await batch

        async def work() -> None:
            await poll_batches(
                following,
                self._results.put,
                limits_of(run_options, hosts, self._clock, self._sleep),
                budget=run_options.budget,
                clock=self._clock,
                wire=self._wire(),
                parser=parser,
            )

        task = loop.create_task(work())

        def serve() -> None:
            try:
                loop.run_until_complete(task)
            except asyncio.CancelledError:
                pass  # stopped
            except BaseException as error:  # noqa: BLE001 - raised again by the other thread
                failures.append(error)
            finally:
                loop.run_until_complete(parser.aclose())
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.close()
                self._results.put(None)
                self._over.put(None)

        def end() -> None:
            with suppress(RuntimeError):  # the loop is closed already
                loop.call_soon_threadsafe(task.cancel)
            thread.join()

        thread = threading.Thread(target=serve, name="condget poll", daemon=True)
        thread.start()
        try:
            over = False
            while not over:
                try:
                    results = [self._results.get(timeout=IDLE)]
                except Empty:
                    yield ()
                    continue
                if not isinstance(results[0], asyncio.Future):
                    # A commit waits for the disk, and each waking of this thread costs the other thread time: results
                    # are handed on in groups.
                    with suppress(Empty):
                        self._over.get(timeout=_GATHER)
                    results += self._finished()
                if self._stopped:
                    end()
                    results += self._finished()
                over = self._stopped or None in results
                for waiting in results:
                    if isinstance(waiting, asyncio.Future) and not over:
                        _hand(loop, waiting, next(remaining, None))
                if group := [polled for polled in results if isinstance(polled, Polled)]:
                    yield group
        finally:
            end()
        if failures:
            raise failures[0]


def _hand(loop: asyncio.AbstractEventLoop, waiting: asyncio.Future[Batch | None], batch: Batch | None) -> None:
    def hand() -> None:
        if not waiting.done():  # cancelled
            waiting.set_result(batch)

    with suppress(RuntimeError):  # the loop is closed: the time of the run is up
        loop.call_soon_threadsafe(hand)
