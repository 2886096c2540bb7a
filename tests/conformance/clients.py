"""One function per cache: opens it in a folder of its own and yields what sends a request through it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import math
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from steps import Answer, Open, Send

EVERY_STATUS = tuple(range(200, 600))


@functools.cache
def tls() -> ssl.SSLContext:
    """One TLS context for all clients: a context costs 20 ms, and every request here is plain HTTP."""
    return ssl.create_default_context()


def answer_of(response: httpx.Response) -> Answer:
    fields: dict[str, list[str]] = {}
    for name, value in response.headers.raw:
        fields.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    joined = {name: ", ".join(values) for name, values in fields.items()}
    return Answer(response.status_code, joined, response.content.decode("utf-8", "replace"))


def raw(fields: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in fields]


@contextlib.contextmanager
def sending(client: httpx.Client) -> Iterator[Send]:
    with client:
        yield lambda method, url, fields, body: answer_of(
            client.request(method, url, headers=raw(fields), content=body)
        )


@contextlib.contextmanager
def sending_async(runner: asyncio.Runner, client: httpx.AsyncClient) -> Iterator[Send]:
    def send(method: str, url: str, fields: list[tuple[str, str]], body: str | None) -> Answer:
        return answer_of(runner.run(client.request(method, url, headers=raw(fields), content=body)))

    try:
        yield send
    finally:
        runner.run(client.aclose())


@contextlib.contextmanager
def sending_requests(session: Any) -> Iterator[Send]:
    def send(method: str, url: str, fields: list[tuple[str, str]], body: str | None) -> Answer:
        sent: dict[str, str] = {}
        for name, value in fields:
            sent[name] = f"{sent[name]}, {value}" if name in sent else value
        r = session.request(method, url, headers=sent, data=body, allow_redirects=False)
        joined = {name.lower(): value for name, value in r.headers.items()}
        return Answer(r.status_code, joined, r.content.decode("utf-8", "replace"))

    with session:
        yield send


def as_browsers() -> Any:
    """The policy that the suite expects of a browser's cache: heuristic freshness, and stale responses for errors."""
    import condget

    return condget.Policy(heuristic_fraction=0.1, stale_if_error=math.inf)


#: The library that condget is bound to: "httpx" or "httpx2".
binding = "httpx"


def condget_clients() -> Any:
    return importlib.import_module("condget" if binding == "httpx" else "condget.httpx2")


@contextlib.contextmanager
def condget_sync(folder: Path) -> Iterator[Send]:
    import condget

    cache = condget.Cache(folder / "cache.sqlite3")
    client = condget_clients().Client(cache=cache, policy=as_browsers(), verify=tls())
    with contextlib.closing(cache), sending(client) as send:
        yield send


@contextlib.contextmanager
def condget_async(folder: Path) -> Iterator[Send]:
    import condget

    cache = condget.Cache(folder / "cache.sqlite3")
    with contextlib.closing(cache), asyncio.Runner() as runner:

        async def connect() -> Any:
            return condget_clients().AsyncClient(cache=cache, policy=as_browsers(), verify=tls())

        with sending_async(runner, runner.run(connect())) as send:
            yield send


@contextlib.contextmanager
def hishel_sync(folder: Path) -> Iterator[Send]:
    from hishel import CacheOptions, SqliteStorage
    from hishel.httpx import CacheClient

    storage = SqliteStorage(database_path=folder / "cache.db")
    with sending(CacheClient(storage=storage, rfc=CacheOptions(shared=False), verify=tls())) as send:
        yield send


@contextlib.contextmanager
def hishel_async(folder: Path) -> Iterator[Send]:
    from hishel import AsyncSqliteStorage, CacheOptions
    from hishel.httpx import AsyncCacheClient

    with asyncio.Runner() as runner:

        async def connect() -> httpx.AsyncClient:
            storage = AsyncSqliteStorage(database_path=folder / "cache.db")
            return AsyncCacheClient(storage=storage, rfc=CacheOptions(shared=False), verify=tls())

        with sending_async(runner, runner.run(connect())) as send:
            yield send


@contextlib.contextmanager
def requests_cache(folder: Path) -> Iterator[Send]:
    from requests_cache import CachedSession

    session = CachedSession(
        str(folder / "cache.sqlite"), cache_control=True, allowable_codes=EVERY_STATUS, expire_after=0
    )
    with sending_requests(session) as send:
        yield send


@contextlib.contextmanager
def cachecontrol(folder: Path) -> Iterator[Send]:
    import requests
    from cachecontrol import CacheControl
    from cachecontrol.caches import FileCache

    with sending_requests(CacheControl(requests.Session(), cache=FileCache(folder / "web"))) as send:
        yield send


#: No cache at all: what is left to pass is what a cache must not do.
@contextlib.contextmanager
def bare_httpx(folder: Path) -> Iterator[Send]:
    with sending(httpx.Client(verify=tls())) as send:
        yield send


CLIENTS: dict[str, Open] = {
    "condget": condget_sync,
    "condget-async": condget_async,
    "hishel": hishel_sync,
    "hishel-async": hishel_async,
    "requests-cache": requests_cache,
    "cachecontrol": cachecontrol,
    "httpx": bare_httpx,
}
