"""The clients that are measured: each opens its cache in a folder, can fill it, and fetches many URLs.

Two clients set the scale: an httpx client whose transport returns a ready response ("objects"), and one that reads the
content from a SQLite row first ("bare read"). They send no request.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

#: Through a peer's own interface it would take minutes to store 100,000 responses; so rows are copied.
COPIES = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"

Fetch = Callable[[str], Any]
Fill = Callable[[int], None]


class Contender(NamedTuple):
    #: Fetch every URL, so many at a time; returns the seconds of each.
    run: Callable[[Sequence[str], int], list[float]]
    #: Store that many more responses that are never requested.
    fill: Fill


Opened = AbstractContextManager[Contender]


def in_threads(fetch: Fetch, urls: Sequence[str], at_a_time: int) -> list[float]:
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for url in urls:
        waiting.put(url)
    took: list[float] = []

    def work() -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                url = waiting.get_nowait()
                started = time.perf_counter()
                fetch(url)
                took.append(time.perf_counter() - started)

    if at_a_time == 1:
        work()
    else:
        threads = [threading.Thread(target=work) for _ in range(at_a_time)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if len(took) != len(urls):
        raise RuntimeError(f"{len(urls) - len(took)} of {len(urls)} requests failed in their thread")
    return took


async def in_tasks(fetch: Fetch, urls: Sequence[str], at_a_time: int) -> list[float]:
    waiting, took = iter(urls), []

    async def work() -> None:
        for url in waiting:
            started = time.perf_counter()
            await fetch(url)
            took.append(time.perf_counter() - started)

    await asyncio.gather(*(work() for _ in range(at_a_time)))
    return took


def conditions(url: str) -> dict[str, str]:
    """Return the fields that a client without a cache must send by hand to get a 304."""
    return {"If-None-Match": '"v1"', "If-Modified-Since": "Sat, 26 Apr 2025 10:00:00 GMT"} if "/valid/" in url else {}


class Ready(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers every request with a ready response; `table` is where to read the content first."""

    def __init__(self, table: sqlite3.Connection | None = None) -> None:
        self.table = table
        self.fields = [
            ("Date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())),
            ("Server", "bench"),
            ("ETag", '"v1"'),
            ("Last-Modified", "Sat, 26 Apr 2025 10:00:00 GMT"),
            ("Cache-Control", "max-age=3600"),
            ("Content-Type", "text/plain"),
        ]
        self.content = {size: b"0123456789abcdef" * (64 * int(size)) for size in ("1", "10", "1024")}
        if table:
            table.execute("CREATE TABLE IF NOT EXISTS content (url TEXT PRIMARY KEY, data BLOB)")

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        content = self.content[str(request.url).rsplit("/", 2)[1]]
        if self.table:
            url = str(request.url)
            row = self.table.execute("SELECT data FROM content WHERE url = ?", (url,)).fetchone()
            if not row:
                row = (content,)
                self.table.execute("INSERT INTO content VALUES (?, ?)", (url, content))
            content = row[0]
        fields = [*self.fields, ("Content-Length", str(len(content)))]
        return httpx.Response(200, headers=fields, stream=httpx.ByteStream(content))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


def nothing(count: int) -> None:
    """Do nothing: these clients have no store."""


def is_bare(client: object) -> bool:
    """Whether a client is httpx's or httpx2's own, without a cache."""
    return type(client).__module__ in ("httpx", "httpx2")


@contextlib.contextmanager
def sync_httpx(client: httpx.Client, fill: Fill = nothing) -> Iterator[Contender]:
    by_hand = is_bare(client)
    with client:

        def fetch(url: str) -> bytes:
            return client.get(url, headers=conditions(url) if by_hand else None).content

        yield Contender(lambda urls, n: in_threads(fetch, urls, n), fill)


@contextlib.contextmanager
def async_httpx(client: httpx.AsyncClient, fill: Fill = nothing) -> Iterator[Contender]:
    by_hand = is_bare(client)
    with asyncio.Runner() as runner:

        async def fetch(url: str) -> bytes:
            return (await client.get(url, headers=conditions(url) if by_hand else None)).content

        try:
            yield Contender(lambda urls, n: runner.run(in_tasks(fetch, urls, n)), fill)
        finally:
            runner.run(client.aclose())


def bare_read(folder: Path, in_async: bool) -> Opened:
    table = sqlite3.connect(folder / "rows.db", check_same_thread=False, isolation_level=None)
    table.execute("PRAGMA journal_mode=WAL")
    transport = Ready(table)

    def fill(count: int) -> None:
        rows = ((f"http://filler.test/fresh/1/{number}", bytes(1024)) for number in range(count))
        with table:
            table.execute("BEGIN")
            table.executemany("INSERT INTO content VALUES (?, ?)", rows)

    if in_async:
        return async_httpx(httpx.AsyncClient(transport=transport), fill)
    return sync_httpx(httpx.Client(transport=transport), fill)


def bare_httpx2(in_async: bool) -> Opened:
    import httpx2

    return async_httpx(httpx2.AsyncClient()) if in_async else sync_httpx(httpx2.Client())


def condget_client(folder: Path, in_async: bool, binding: str = "condget") -> Opened:
    import condget

    clients = importlib.import_module(binding)

    cache = condget.Cache(folder / "cache.sqlite3")

    def fill(count: int) -> None:
        with condget.Client(cache=condget.Cache(folder / "cache.sqlite3"), transport=Ready()) as client:
            for number in range(count):
                client.get(f"http://filler.test/fresh/1/{number}")

    if in_async:
        return async_httpx(clients.AsyncClient(cache=cache), fill)
    return sync_httpx(clients.Client(cache=cache), fill)


def hishel_client(folder: Path, in_async: bool) -> Opened:
    import hishel
    import hishel.httpx

    rfc, path = hishel.CacheOptions(shared=False), folder / "hishel.db"

    def fill(count: int) -> None:
        with contextlib.closing(sqlite3.connect(path)) as table, table:
            columns = "expires_at, last_accessed_at, chunk_count, ttl_deadline, tti"
            sample = f"(SELECT data, {columns} FROM entries LIMIT 1)"
            table.execute(
                f"{COPIES} INSERT INTO entries (id, cache_key, data, {columns})"
                f" SELECT randomblob(16), randomblob(32), data, {columns} FROM n, {sample}",
                (count,),
            )
            table.execute(
                "INSERT INTO streams SELECT id, 0, zeroblob(1024) FROM entries"
                " WHERE id NOT IN (SELECT entry_id FROM streams)"
            )

    if in_async:
        storage = hishel.AsyncSqliteStorage(database_path=path)
        return async_httpx(hishel.httpx.AsyncCacheClient(storage=storage, rfc=rfc), fill)
    return sync_httpx(hishel.httpx.CacheClient(storage=hishel.SqliteStorage(database_path=path), rfc=rfc), fill)


@contextlib.contextmanager
def requests_cache(folder: Path) -> Iterator[Contender]:
    from requests_cache import CachedSession

    with CachedSession(str(folder / "requests"), cache_control=True, expire_after=0) as session:

        def fill(count: int) -> None:
            with contextlib.closing(sqlite3.connect(folder / "requests.sqlite")) as table, table:
                table.execute(
                    f"{COPIES} INSERT INTO responses SELECT hex(randomblob(8)), value, expires"
                    " FROM n, (SELECT * FROM responses ORDER BY length(value) LIMIT 1)",
                    (count,),
                )

        yield Contender(lambda urls, n: in_threads(lambda url: session.get(url).content, urls, n), fill)


@contextlib.contextmanager
def cachecontrol(folder: Path) -> Iterator[Contender]:
    import requests
    from cachecontrol import CacheControl
    from cachecontrol.caches import FileCache

    cache = FileCache(folder / "web")

    def fill(count: int) -> None:
        for number in range(count):
            cache.set(f"http://filler.test/{number}", b"x" * 1500)

    with CacheControl(requests.Session(), cache=cache) as session:
        yield Contender(lambda urls, n: in_threads(lambda url: session.get(url).content, urls, n), fill)


#: Name in the table, modules it needs, how to open it.
CONTENDERS: list[tuple[str, tuple[str, ...], Callable[[Path], Opened]]] = [
    ("objects", (), lambda folder: sync_httpx(httpx.Client(transport=Ready()))),
    ("bare read", (), lambda folder: bare_read(folder, False)),
    ("bare httpx", (), lambda folder: sync_httpx(httpx.Client())),
    ("objects async", (), lambda folder: async_httpx(httpx.AsyncClient(transport=Ready()))),
    ("bare read async", (), lambda folder: bare_read(folder, True)),
    ("bare httpx async", (), lambda folder: async_httpx(httpx.AsyncClient())),
    ("condget", ("condget", "condget.client"), lambda folder: condget_client(folder, False)),
    ("condget async", ("condget", "condget.client"), lambda folder: condget_client(folder, True)),
    ("bare httpx2", ("httpx2",), lambda folder: bare_httpx2(False)),
    ("bare httpx2 async", ("httpx2",), lambda folder: bare_httpx2(True)),
    ("condget httpx2", ("httpx2",), lambda folder: condget_client(folder, False, "condget.httpx2")),
    ("condget httpx2 async", ("httpx2",), lambda folder: condget_client(folder, True, "condget.httpx2")),
    ("hishel", ("hishel",), lambda folder: hishel_client(folder, False)),
    ("hishel async", ("hishel", "anysqlite"), lambda folder: hishel_client(folder, True)),
    ("requests-cache", ("requests_cache",), requests_cache),
    ("CacheControl", ("cachecontrol", "filelock"), cachecontrol),
]


def contenders() -> dict[str, Callable[[Path], Opened]]:
    """Return the clients whose packages are installed."""
    found = importlib.util.find_spec
    return {name: make for name, modules, make in CONTENDERS if all(found(module) for module in modules)}
