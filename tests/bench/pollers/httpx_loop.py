"""A bare httpx.AsyncClient in a loop, and feedparser for what is new."""

from __future__ import annotations

import asyncio
import io

import httpx
import warm


async def main() -> None:
    urls, state = warm.load()
    slots = asyncio.Semaphore(warm.AT_ONCE)

    async def poll(url: str) -> None:
        async with slots:
            response = await client.get(url, headers=warm.request_fields(state, url))
        if response.status_code == 200:
            import feedparser

            feedparser.parse(io.BytesIO(response.content))
            warm.remember(state, url, response.headers)

    # As many idle connections as by default: each is looked at with each request.
    limits = httpx.Limits(max_connections=warm.AT_ONCE, max_keepalive_connections=20)
    async with httpx.AsyncClient(limits=limits, timeout=30) as client:
        await asyncio.gather(*map(poll, urls))
    warm.save(state)


asyncio.run(main())
