"""An aiohttp session in a loop; nothing is parsed."""

from __future__ import annotations

import asyncio

import aiohttp
import warm


async def main() -> None:
    urls, state = warm.load()

    async def poll(url: str) -> None:
        async with session.get(url, headers=warm.request_fields(state, url)) as response:
            await response.read()
            if response.status == 200:
                warm.remember(state, url, response.headers)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=warm.AT_ONCE)) as session:
        await asyncio.gather(*map(poll, urls))
    warm.save(state)


asyncio.run(main())
