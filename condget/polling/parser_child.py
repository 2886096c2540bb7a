"""The child process that reads feed documents for `parser_process`: tasks on stdin, answers on stdout, as pickles.

It imports as little as possible: a poll with a single change waits for its start.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import sys
from contextlib import suppress

from condget.errors import DocumentError

#: Address space in bytes; a document of 50 MB needs a tenth of it.
_MEMORY = 4 << 30


def serve() -> None:
    """Read documents until stdin ends. The argument names the function; each task holds its seconds and arguments."""
    (function,) = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints does not get between the answers
    with suppress(OSError, ValueError):  # some systems have no such limit
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    module, _, name = function.partition(":")
    parse = getattr(__import__(module, fromlist=[name]), name)
    while True:
        try:
            seconds, task = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_REAL, seconds)
        answer: object
        try:
            answer = parse(*task)
        except DocumentError as error:
            answer = DocumentError(str(error))
        except Exception as error:  # noqa: BLE001 - F4: the document fails alone
            answer = DocumentError(f"a document that the parser fails on ({type(error).__name__})")
        data = pickle.dumps(answer)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(len(data).to_bytes(8, "big") + data)
        answers.flush()
