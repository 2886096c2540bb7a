"""The executor seam: `run` takes a batch and yields results, in the order and groups in which they are finished.

`InProcess` runs the worker's event loop in a thread of its own, so that time limits hold and requests go on while a
report waits for a slow reader. Another executor can submit batches of whole hosts to `concurrent.futures` or Dask:
`Batch` and `Polled` are picklable.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Protocol

from condget import settings
from condget.fetching.direct import DirectWire
from condget.fetching.host_limits import Sleep
from condget.fetching.wire import Wire
from condget.polling.batch import Batch, Polled
from condget.polling.parser_process import Parser
from condget.polling.worker import poll_batch

#: Seconds for which finished results are gathered.
_GATHER = 0.25


class Executor(Protocol):
    """Polls a batch somewhere."""

    def run(self, batch: Batch) -> Generator[Sequence[Polled], None, None]:
        """Yield finished results; end after the last or after `stop`. Closing the generator gives up the rest."""

    def stop(self) -> None:
        """Give up what is under way; finished results are still yielded. A signal handler may call it."""


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
        #: None is the last: the thread has ended, or `stop` was called.
        self._results: SimpleQueue[Polled | None] = SimpleQueue()
        #: Gets a None then, too: a queue, because a signal handler may take no lock of threading.
        self._over: SimpleQueue[None] = SimpleQueue()
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True
        self._results.put(None)
        self._over.put(None)

    def _finished(self) -> list[Polled | None]:
        results: list[Polled | None] = []
        with suppress(Empty):
            while True:
                results.append(self._results.get_nowait())
        return results

    def run(self, batch: Batch) -> Generator[Sequence[Polled], None, None]:
        loop = asyncio.new_event_loop()
        failures: list[BaseException] = []
        parser = self._parser()

        async def work() -> None:
            await poll_batch(
                batch,
                self._results.put,
                clock=self._clock,
                sleep=self._sleep,
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
            results: list[Polled | None] = []
            while None not in results:
                results = [self._results.get()]
                # A commit waits for the disk, and each waking of this thread costs the other thread time: results are
                # handed on in groups.
                with suppress(Empty):
                    self._over.get(timeout=_GATHER)
                results += self._finished()
                if self._stopped:
                    end()
                    results += self._finished()
                if group := [polled for polled in results if polled is not None]:
                    yield group
        finally:
            end()
        if failures:
            raise failures[0]
