"""A pool of worker processes of this machine, as a `concurrent.futures.Executor`.

1. A worker is a plain Python that speaks pickles over its pipes, as the children of `parser_process` do: not
   multiprocessing, which would run the caller's main module again, and not a fork, which threads forbid.
2. A worker that dies costs its own task only; the next task gets a new worker.
3. A worker ends with its stdin, so that none outlives the coordinator, however that ends. Ctrl-C does not reach it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import Empty, SimpleQueue
from types import FrameType
from typing import IO, Any, TypeVar

T = TypeVar("T")


class WorkerDied(RuntimeError):
    """The process of a worker has ended in the middle of a task; nothing of it goes on."""


class Processes(Executor):
    """So many worker processes, each started when it is needed first."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._tasks: SimpleQueue[tuple[Future[Any], bytes] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._children: set[subprocess.Popen[bytes]] = set()
        self._closed = self._stopped = False

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        if self._closed:
            raise RuntimeError("the pool is shut down")
        future: Future[T] = Future()
        self._tasks.put((future, pickle.dumps((fn, args, kwargs))))
        if len(self._threads) < self.workers:
            thread = threading.Thread(target=self._serve, name="condget worker process", daemon=True)
            self._threads.append(thread)
            thread.start()
        return future

    def stop(self) -> None:
        """Let the workers end their tasks now, with what is finished. A signal handler may call it."""
        self._stopped = True
        for child in list(self._children):
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGTERM)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers; a task under way is lost unless it is waited for."""
        self._closed = True
        if cancel_futures or not wait:
            with contextlib.suppress(Empty):
                while (waiting := self._tasks.get_nowait()) is not None:
                    waiting[0].cancel()
        for _ in self._threads:
            self._tasks.put(None)
        if not wait:
            for child in list(self._children):
                child.kill()
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        """Do tasks in one worker after another, until None comes."""
        child: subprocess.Popen[bytes] | None = None
        while (item := self._tasks.get()) is not None:
            future, task = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                if child is None:
                    child = _started()
                    self._children.add(child)
                    if self._stopped:  # after `stop` went through the children
                        child.send_signal(signal.SIGTERM)
                assert child.stdin is not None
                assert child.stdout is not None
                _write(child.stdin, task)
                succeeded, value = pickle.loads(_read(child.stdout))
            except (OSError, EOFError):
                if child is not None:
                    code = self._end(child)
                    child, error = None, WorkerDied(f"a worker process ended by itself ({_death(code)})")
                future.set_exception(error)
            except BaseException as error:  # noqa: BLE001 - for whoever waits for the result
                future.set_exception(error)
            else:
                if succeeded:
                    future.set_result(value)
                else:
                    future.set_exception(value)
        if child is not None:
            self._end(child)

    def _end(self, child: subprocess.Popen[bytes]) -> int:
        self._children.discard(child)
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        return child.wait()


def _started() -> subprocess.Popen[bytes]:
    # The worker gets this process's path, which the program may have changed.
    program = f"import sys; sys.path[:] = {sys.path!r}; from condget.polling.processes import serve; serve()"
    return subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )


def _write(file: IO[bytes], data: bytes) -> None:
    file.write(len(data).to_bytes(8, "big") + data)
    file.flush()


def _read(file: IO[bytes]) -> bytes:
    """Read one piece of data. Raises EOFError at the end."""
    length = file.read(8)
    data = file.read(int.from_bytes(length, "big")) if len(length) == 8 else b""
    if len(length) < 8 or len(data) < int.from_bytes(length, "big"):
        raise EOFError
    return data


def _death(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


def serve() -> None:
    """Do the tasks that come through stdin, until it ends. The main function of a worker process."""
    from condget.polling import tasks

    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints does not get between the results
    source = os.fdopen(os.dup(0), "rb")
    coming: SimpleQueue[bytes] = SimpleQueue()

    def read() -> None:
        try:
            while True:
                coming.put(_read(source))
        except (EOFError, OSError):
            os._exit(0)  # the coordinator is gone: nobody wants what is under way

    busy = stopped = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        tasks.give_up()
        if not busy:
            os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    tasks.keep_tools()
    threading.Thread(target=read, daemon=True).start()
    while not stopped:
        task = coming.get()
        busy = True
        try:
            function, arguments, named = pickle.loads(task)
            result: tuple[bool, object] = True, function(*arguments, **named)
        except Exception as error:  # noqa: BLE001 - raised by the future
            result = False, error
        _write(results, pickle.dumps(result))
        busy = False
