"""A web application that polls feeds while it runs, and serves the news as JSON. Any ASGI server runs it:

    FEEDS=feeds.txt uvicorn examples.web_app:app

The poller runs in a thread of its own, so that no request waits for it. The state is a file beside the list: after a
restart the application goes on where it was.
"""

import asyncio
import json
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import aclosing
from typing import Any

import condget

Message = MutableMapping[str, Any]

#: The latest entries, newest first.
news: deque[dict[str, str | None]] = deque(maxlen=500)


async def poll_for_ever(feeds: str, pause: float = 60.0) -> None:
    """Poll what is due, once a minute; condget knows when a feed is due."""
    while True:
        try:
            async with aclosing(condget.async_poll(feeds, state=f"{feeds}.state")) as outcomes:
                async for outcome in outcomes:
                    for entry in reversed(outcome.entries):
                        news.appendleft({"feed": outcome.title, "title": entry.title, "link": entry.link})
        except condget.CondgetError as error:
            logging.getLogger(__name__).warning("polling failed: %s", error)
        await asyncio.sleep(pause)


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Poll from start to shutdown, and answer every request with the news."""
    if scope["type"] == "lifespan":
        await receive()  # lifespan.startup
        poller = asyncio.create_task(poll_for_ever(os.environ.get("FEEDS", "feeds.txt")))
        await send({"type": "lifespan.startup.complete"})
        await receive()  # lifespan.shutdown
        poller.cancel()
        await asyncio.gather(poller, return_exceptions=True)
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "http":
        fields = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": json.dumps(list(news)).encode()})
