"""Calls that may wait for a network, out of the way of an event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def in_thread_if(waits: bool, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Call a function in a thread where it waits for a network, and directly where it takes microseconds."""
    if not waits:
        return function(*arguments)
    import anyio.to_thread

    return await anyio.to_thread.run_sync(function, *arguments)
