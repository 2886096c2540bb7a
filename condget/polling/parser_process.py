"""Reads feed documents in child processes that are kept for a run: a document that crashes or hangs the parser costs
only itself (F3, F4), and the event loop goes on meanwhile.

A child is a plain Python that speaks pickles over its pipes: not multiprocessing, which would run the caller's main
module again, nor a fork, which threads forbid. It starts when the first document comes, ends with its stdin, and
ends itself by SIGALRM when a document takes too long, so that not even an orphan goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process

from condget.errors import DocumentError
from condget.feeds.values import NO_RECALL, Document, Recall

#: More children than that do not pay: reading a feed takes less time than fetching it.
_MOST = max(1, min(2, os.cpu_count() or 1))

#: A child's start takes as long as reading some documents: another one is for more than so many.
_ENOUGH = 8

#: Bytes of a document that is compared with the last one in the event loop; a longer one would hold up other feeds.
_COMPARED_HERE = 1_000_000


class Parser:
    """Hands documents to children. `function` is what reads them: `module:name`, called as `documents.parse` is."""

    def __init__(self, seconds: float = 20.0, function: str = "condget.feeds.documents:parse") -> None:
        self._seconds = seconds
        self._function = function
        self._slots = asyncio.Semaphore(1)
        self._children = 1
        self._waiting = 0
        self._idle: list[Process] = []
        self._started: list[Process] = []

    async def parse(
        self, content: bytes, content_type: str | None, location: str, recall: Recall = NO_RECALL
    ) -> Document:
        """Read one document.

        Raises:
            DocumentError: it is no feed, or it crashed the parser, or took too long.
        """
        if recall and len(content) <= _COMPARED_HERE:
            from condget.feeds.documents import unread  # only here: most runs bring no document at all

            if (document := unread(content, content_type, location, recall)) is not None:
                return document
        task = pickle.dumps((content, content_type, location, recall))
        self._waiting += 1
        if self._waiting > _ENOUGH and self._children < _MOST:
            self._children += 1
            self._slots.release()
        async with self._slots:
            self._waiting -= 1
            child = self._idle.pop() if self._idle else await self._start()
            try:
                answer = await _exchange(child, task)
            except (asyncio.IncompleteReadError, OSError):
                code = await child.wait()
                if code == -signal.SIGALRM:
                    raise DocumentError(f"a document that was not read within {self._seconds:g} seconds") from None
                raise DocumentError(f"a document that crashes the parser ({_death(code)})") from None
            # Where this was given up meanwhile, the child does not come back: its answer is for nobody.
            self._idle.append(child)
        if isinstance(answer, DocumentError):
            raise answer
        assert isinstance(answer, Document)
        return answer

    async def aclose(self) -> None:
        """End the children. Not to be cancelled, for it is they who would remain."""
        self._idle.clear()
        while self._started:
            child = self._started.pop()
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            if child.stdin is not None:
                child.stdin.close()
            await child.wait()

    async def _start(self) -> Process:
        # The path is handed over, because the caller may have changed its own.
        program = f"import sys; sys.path[:] = {sys.path!r}; from condget.polling.parser_child import serve; serve()"
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            program,
            self._function,
            str(self._seconds),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            # Ctrl-C is for the parent, which then lets what is finished be reported.
            start_new_session=True,
        )
        self._started.append(child)
        return child


async def _exchange(child: Process, task: bytes) -> object:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(task)
    await child.stdin.drain()
    length = int.from_bytes(await child.stdout.readexactly(8), "big")
    return pickle.loads(await child.stdout.readexactly(length))


def _death(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"
