"""A Starlette (or FastAPI) application that shares one cached client per process: `uvicorn examples.shared_client:app`.

The client is made when the application starts and closed when it ends, in its lifespan: connections and cache are
shared by all requests. Workers of one machine share the cache on disk; with CACHE=redis://host/0 those of several
machines share one. Users who log in elsewhere would be told apart by their Authorization; here all of them are the
application itself.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import condget

#: The service that the application asks.
UPSTREAM = os.environ.get("UPSTREAM", "https://example.org/")


class State(TypedDict):
    client: condget.AsyncClient


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[State]:
    async with condget.AsyncClient(cache=os.environ.get("CACHE"), timeout=10) as client:
        yield {"client": client}


async def home(request: Request) -> JSONResponse:
    client: condget.AsyncClient = request.state.client
    response = await client.get(UPSTREAM)
    return JSONResponse({"upstream": response.text, "cache": str(condget.status(response))})


app = Starlette(routes=[Route("/", home)], lifespan=lifespan)
