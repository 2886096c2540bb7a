"""An exchange lets others work after each stretch, and not more often."""

from __future__ import annotations

import asyncio
import time

from condget.fetching.fair_share import FairShare


def test_f1_others_work_while_one_is_never_done() -> None:
    """F1: no wait of its own, and yet a loop that is shared."""

    async def play() -> int:
        turns, share = 0, FairShare()

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        end = time.perf_counter() + 0.1
        while time.perf_counter() < end:
            await share.pause()
        task.cancel()
        return turns

    assert 1 < asyncio.run(play()) < 100


def test_a_short_stretch_is_not_interrupted() -> None:
    async def play() -> bool:
        share, interrupted = FairShare(), asyncio.Event()
        asyncio.get_running_loop().call_soon(interrupted.set)
        for _ in range(10):
            share.rested()
            await share.pause()
        return interrupted.is_set()

    assert not asyncio.run(play())
