"""Reads feed documents in child processes that are kept for a run.

1. A document that crashes or hangs the parser costs only itself, and the event loop goes on meanwhile (F3, F4).
2. A child is a plain Python that speaks pickles over its pipes (see `parser_child`): not multiprocessing, which would
   run the caller's main module again, and not a fork, which threads forbid. It starts when the first document comes and
   ends with its stdin. Content is written and entries are read in pieces, so that neither holds the event loop.
3. A document has 20 seconds and 5 more for each megabyte, unless its feed has the option `parse-timeout`. Then the
   child ends itself by SIGALRM, so that not even an orphan goes on.
4. A document of more than a megabyte has a child that no other document waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import replace
from typing import Any

from condget.errors import DocumentError
from condget.feeds.values import NO_RECALL, Document, Recall
from condget.fetching.fair_share import FairShare

#: Most children for documents of usual length: reading a feed takes less time than fetching it.
MOST_CHILDREN = max(1, min(2, os.cpu_count() or 1))

#: Documents that wait before a second child is started, because its start takes as long as reading some documents.
_ENOUGH = 8

#: Bytes of a document that is compared with the last one in the event loop; a longer one would hold up other feeds.
_COMPARED_HERE = 100_000

#: Bytes of a document that has a child of its own.
_LONG = 1_000_000

#: Bytes that are written to a child at once.
_PIECE = 262_144

#: Seconds for each byte, beside the fixed time.
_SECONDS_A_BYTE = 5e-6


class Parser:
    """Hands documents to children, which call `function` (as `module:name`), like `documents.parse`."""

    def __init__(self, seconds: float = 20.0, function: str = "condget.feeds.documents:parse") -> None:
        self._seconds = seconds
        self._function = function
        self._slots = asyncio.Semaphore(1)
        self._slot_of_long = asyncio.Semaphore(1)
        self._children = 1
        self._waiting = 0
        self._idle: list[Process] = []
        #: The children of this run.
        self.started: list[Process] = []

    async def parse(
        self,
        content: bytes,
        content_type: str | None,
        location: str,
        recall: Recall = NO_RECALL,
        *,
        seconds: float | None = None,
    ) -> Document:
        """Read one document, within `seconds` if the feed has an option that says so.

        Raises:
            DocumentError: the document is not a feed, crashed the parser, or took too long.
        """
        if recall and len(content) <= _COMPARED_HERE:
            from condget.feeds.documents import unread  # not above: most runs bring no document at all

            if (document := unread(content, content_type, location, recall)) is not None:
                return document
        time = seconds or self._seconds + _SECONDS_A_BYTE * len(content)
        task = pickle.dumps((time, len(content), content_type, location, recall))
        if len(content) > _LONG:
            async with self._slot_of_long:
                return await self._read(task, content, time)
        self._waiting += 1
        if self._waiting > _ENOUGH and self._children < MOST_CHILDREN:
            self._children += 1
            self._slots.release()
        async with self._slots:
            self._waiting -= 1
            return await self._read(task, content, time)

    async def _read(self, task: bytes, content: bytes, time: float) -> Document:
        child = self._idle.pop() if self._idle else await self._start()
        try:
            answer = await _exchange(child, task, content)
        except (asyncio.IncompleteReadError, OSError):
            code = await child.wait()
            if code == -signal.SIGALRM:
                late = f"a document that was not read within {time:.3g} seconds; parse-timeout= allows it more time"
                raise DocumentError(late) from None
            raise DocumentError(f"a document that crashes the parser ({_death(code)})") from None
        # After a cancellation the child does not come back: nobody waits for its answer.
        self._idle.append(child)
        if isinstance(answer, DocumentError):
            raise answer
        assert isinstance(answer, Document)
        return answer

    @property
    def is_idle(self) -> bool:
        """Whether no child is reading, and none has died or was left."""
        return len(self._idle) == len(self.started)

    async def aclose(self) -> None:
        """End the children. Do not cancel this: children would remain."""
        self._idle.clear()
        while self.started:
            child = self.started.pop()
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            if child.stdin is not None:
                child.stdin.close()
            await child.wait()

    async def _start(self) -> Process:
        # The child gets this process's path, which the program may have changed.
        program = f"import sys; sys.path[:] = {sys.path!r}; from condget.polling.parser_child import serve; serve()"
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            program,
            self._function,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            # Ctrl-C is for the parent, which then reports what is finished.
            start_new_session=True,
        )
        self.started.append(child)
        return child


async def _exchange(child: Process, task: bytes, content: bytes) -> object:
    assert child.stdin is not None
    child.stdin.write(task)
    with memoryview(content) as view:
        for start in range(0, len(content), _PIECE):
            child.stdin.write(view[start : start + _PIECE])
            await child.stdin.drain()
    await child.stdin.drain()
    answer, count = await _frame(child)
    if not count:
        return answer
    entries: list[object] = []
    share = FairShare()
    while len(entries) < count:
        entries += await _frame(child)
        await share.pause()
    return replace(answer, entries=tuple(entries))


async def _frame(child: Process) -> Any:
    assert child.stdout is not None
    length = int.from_bytes(await child.stdout.readexactly(8), "big")
    return pickle.loads(await child.stdout.readexactly(length))


def _death(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"
