"""The child process that calls a function for its parent: it reads feed documents for `parser_process`, and filters.

1. A task on stdin is a pickle of (seconds, length of the content or None, further arguments), followed by the content.
2. An answer on stdout is one frame with what the function returned, or a `DocumentError`, and a number of entries. The
   entries of a document follow in frames of up to 500, or of up to a megabyte. A frame is a pickle behind its length,
   so that no reader unpickles for long.
3. The child ends with its stdin, and by SIGALRM when a task takes too long.

It imports as little as possible: a poll with a single change waits for its start.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import sys
from contextlib import suppress
from dataclasses import replace

from condget.errors import DocumentError
from condget.feeds.values import Document

#: Entries in one frame, and its length in bytes, unless a single entry is longer.
FRAME, _LONGEST_FRAME = 500, 1_000_000

#: Characters of an error; it may quote the document.
_LONGEST_ERROR = 2_000

#: Address space in bytes; a document of 50 MB needs a tenth of it.
_MEMORY = 4 << 30


def serve() -> None:
    """Do tasks until stdin ends, by the function that is the argument: `module:name`."""
    (function,) = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints does not get between the answers
    with suppress(OSError, ValueError):  # some systems have no such limit
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    module, _, name = function.partition(":")
    call = getattr(__import__(module, fromlist=[name]), name)
    while True:
        try:
            seconds, length, *arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        if length is not None:
            arguments.insert(0, sys.stdin.buffer.read(length))
        signal.setitimer(signal.ITIMER_REAL, seconds)
        answer: object
        entries: tuple[object, ...] = ()
        try:
            answer = call(*arguments)
            if isinstance(answer, Document):
                entries, answer = answer.entries, replace(answer, entries=())
        except DocumentError as error:
            answer = DocumentError(str(error)[:_LONGEST_ERROR])
        except Exception as error:  # noqa: BLE001 - F4: the document fails alone
            answer = DocumentError(f"a document that the parser fails on ({type(error).__name__})")
        frames = [pickle.dumps((answer, len(entries)))]
        for start in range(0, len(entries), FRAME):
            frames += _frames(entries[start : start + FRAME])
        signal.setitimer(signal.ITIMER_REAL, 0)
        for frame in frames:
            answers.write(len(frame).to_bytes(8, "big") + frame)
        answers.flush()


def _frames(entries: tuple[object, ...]) -> list[bytes]:
    """Return the frames for some entries."""
    frame = pickle.dumps(entries)
    if len(frame) <= _LONGEST_FRAME or len(entries) == 1:
        return [frame]
    middle = len(entries) // 2
    return _frames(entries[:middle]) + _frames(entries[middle:])
