"""The executor seam: `run` takes a batch and yields what was polled, in whatever order and groups it is finished.

`InProcess` is the one there is: the worker's event loop in a thread of its own, so that time limits hold and
requests go on while a report waits for a slow reader. Another executor can submit batches of whole hosts to
`concurrent.futures` or Dask: `Batch` and `Polled` are picklable.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Protocol

from condget import settings
from condget.fetching.direct import Wire
from condget.fetching.host_limits import Sleep
from condget.polling.batch import Batch, Polled
from condget.polling.parser_process import Parser
from condget.polling.worker import poll_batch

#: Seconds for which what is finished is gathered.
_GATHER = 0.25


class Executor(Protocol):
    """Polls a batch somewhere."""

    def run(self, batch: Batch) -> Generator[Sequence[Polled], None, None]:
        """Yield what is finished, and end when all is, or after `stop`. Closing it gives up what is under way."""

    def stop(self) -> None:
        """Give up what is under way; what is finished is yielded still. May be called by a signal handler."""


class InProcess:
    """Polls in this process. `wire` and `parser` make what is used inside the event loop."""

    def __init__(
        self,
        clock: settings.Clock,
        *,
        sleep: Sleep = asyncio.sleep,
        wire: Callable[[], Wire] = Wire,
        parser: Callable[[], Parser] = Parser,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._wire = wire
        self._parser = parser
        #: None comes last: the thread has ended, or `stop` was called.
        self._found: SimpleQueue[Polled | None] = SimpleQueue()
        #: None comes then, too: a queue, because no lock of threading may be taken in a signal handler.
        self._over: SimpleQueue[None] = SimpleQueue()
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True
        self._found.put(None)
        self._over.put(None)

    def _finished(self) -> list[Polled | None]:
        found: list[Polled | None] = []
        with suppress(Empty):
            while True:
                found.append(self._found.get_nowait())
        return found

    def run(self, batch: Batch) -> Generator[Sequence[Polled], None, None]:
        loop = asyncio.new_event_loop()
        failures: list[BaseException] = []
        parser = self._parser()

        async def work() -> None:
            await poll_batch(
                batch,
                self._found.put,
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
                self._found.put(None)
                self._over.put(None)

        def end() -> None:
            with suppress(RuntimeError):  # the loop is closed already
                loop.call_soon_threadsafe(task.cancel)
            thread.join()

        thread = threading.Thread(target=serve, name="condget poll", daemon=True)
        thread.start()
        try:
            found: list[Polled | None] = []
            while None not in found:
                found = [self._found.get()]
                # A commit waits for the disk, and each waking of this thread costs the other one time: outcomes are
                # handed on in groups.
                with suppress(Empty):
                    self._over.get(timeout=_GATHER)
                found += self._finished()
                if self._stopped:
                    end()
                    found += self._finished()
                if polled := [one for one in found if one is not None]:
                    yield polled
        finally:
            end()
        if failures:
            raise failures[0]
