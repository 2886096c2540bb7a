"""The watchdog barks at a callback that holds its loop, and at no other."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.watchdog import watched


async def burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        continue


def test_a_callback_that_holds_the_loop_is_noticed() -> None:
    with pytest.raises(AssertionError, match=r"held for \d+ ms"), watched():
        asyncio.run(burn(0.06))


def test_a_callback_that_waits_is_not() -> None:
    with watched():
        asyncio.run(asyncio.sleep(0.08))
