"""Memory that exchanges share: a few hold much at once, and the others wait."""

from __future__ import annotations

import asyncio

from condget.fetching.memory import Memory


def test_f2_a_few_exchanges_hold_much_at_once() -> None:
    """F2: one place for each, and it is free again when the content is no longer in use."""

    async def play() -> int:
        memory, at_once, most = Memory(), 0, 0

        async def exchange() -> None:
            nonlocal at_once, most
            with memory.share() as share:
                await share.grow()
                at_once += 1
                most = max(most, at_once)
                await asyncio.sleep(0)
                at_once -= 1

        await asyncio.wait_for(asyncio.gather(*(exchange() for _ in range(20))), 5)
        return most

    assert asyncio.run(play()) == 4


def test_f2_who_gives_up_waiting_takes_no_place() -> None:
    """F2."""

    async def play() -> None:
        memory = Memory()
        shares = [memory.share() for _ in range(4)]
        for share in shares:
            await share.grow()
        with memory.share() as late:
            waiting = asyncio.create_task(late.grow())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            assert not late.large
        with shares[0]:
            pass
        await asyncio.wait_for(memory.share().grow(), 1)

    asyncio.run(play())
