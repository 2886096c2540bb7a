"""A watchdog for event loops: which callback took how long, in CPU seconds, so that a busy machine is not a failure."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

#: CPU seconds that one stranger may hold the loop.
LIMIT = 0.05


@contextmanager
def watched() -> Iterator[None]:
    """Fail if any callback of any event loop holds it for longer than the limit while the block lasts."""
    run = asyncio.Handle._run
    longest, culprit = 0.0, ""

    def timed(handle: asyncio.Handle) -> None:
        nonlocal longest, culprit
        began = time.thread_time()
        run(handle)
        if (took := time.thread_time() - began) > longest:
            longest, culprit = took, repr(handle)

    asyncio.Handle._run = timed  # type: ignore[method-assign]
    gc.disable()  # garbage of other tests is nobody's fault
    try:
        yield
    finally:
        gc.enable()
        asyncio.Handle._run = run  # type: ignore[method-assign]
    assert longest <= LIMIT, f"the event loop was held for {longest * 1000:.0f} ms by {culprit}"
