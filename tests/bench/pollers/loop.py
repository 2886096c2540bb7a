"""A bare httpx.AsyncClient or aiohttp session in a loop, and feedparser for what is new: `python loop.py CLIENT ...`.

The state is a JSON file: by URL, the preconditions of the next request.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

CLIENT, FEEDS, STATE, AT_ONCE = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])

Get = Callable[[str, dict[str, str]], Awaitable[tuple[int, Mapping[str, str], bytes]]]


async def poll(get: Get) -> None:
    state: dict[str, dict[str, str]] = json.loads(STATE.read_text()) if STATE.exists() else {}
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(url: str) -> None:
        async with slots:
            status, fields, content = await get(url, state.get(url, {}))
        if status == 200:
            import feedparser

            feedparser.parse(io.BytesIO(content))
            pairs = (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified"))
            state[url] = {sent: fields[received] for sent, received in pairs if received in fields}

    await asyncio.gather(*map(one, FEEDS.read_text().split()))
    STATE.write_text(json.dumps(state))


async def with_httpx() -> None:
    import httpx

    # As many idle connections as by default: each is looked at with each request.
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=20)
    async with httpx.AsyncClient(limits=limits, timeout=30) as client:

        async def get(url: str, fields: dict[str, str]) -> tuple[int, Mapping[str, str], bytes]:
            response = await client.get(url, headers=fields)
            return response.status_code, response.headers, response.content

        await poll(get)


async def with_aiohttp() -> None:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:

        async def get(url: str, fields: dict[str, str]) -> tuple[int, Mapping[str, str], bytes]:
            async with session.get(url, headers=fields) as response:
                return response.status, response.headers, await response.read()

        await poll(get)


asyncio.run({"httpx": with_httpx, "aiohttp": with_aiohttp}[CLIENT]())
