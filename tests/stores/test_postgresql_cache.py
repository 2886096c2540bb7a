"""The cache in PostgreSQL keeps the contract of stores, on a real server, and its own bounds."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import httpx
import pytest

import condget
from condget.cache.fields import Fields
from condget.errors import NewerState, StoreError, UsageError
from condget.stores.opening import open_store
from condget.stores.postgresql import Database
from condget.stores.postgresql_cache import CHUNK, PostgresqlCache
from condget.stores.protocols import ContentGone, ContentTooLong, Store, Writer
from tests.servers import Forwarder, Postgresql
from tests.stores.store_contract import HEAD, URL, StoreContract, put


class TestPostgresqlCache(StoreContract):
    @pytest.fixture
    def store(self, postgresql: Postgresql) -> Iterator[Store]:
        with PostgresqlCache(postgresql.database()) as cache:
            yield cache


class Clock:
    now = 2000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def url(postgresql: Postgresql) -> str:
    return postgresql.database()


@pytest.fixture
def cache(url: str, clock: Clock) -> Iterator[PostgresqlCache]:
    with PostgresqlCache(url, 3_000_000, clock=clock) as cache:
        yield cache


def content(cache: PostgresqlCache, number: int) -> bytes | None:
    stored = cache.load(f"{URL}{number}", "")
    return b"".join(cache.content(stored[0])) if stored else None


def changed(cache: PostgresqlCache, statement: str) -> None:
    cache._write(lambda connection: connection.execute(statement.encode()))


def test_the_budget_holds_and_the_least_recently_used_go_first(cache: PostgresqlCache, clock: Clock) -> None:
    """G11"""
    for number in range(5):
        clock.now += 1
        put(cache, replace(HEAD, url=f"{URL}{number}"), b"x" * 500_000)
    assert 2_500_000 < cache.size < 2_510_000
    cache.touch(cache.load(f"{URL}0", "")[0], clock.now + 1)
    cache.flush()
    clock.now += 10
    put(cache, replace(HEAD, url=f"{URL}5"), b"x" * 900_000)
    assert [number for number in range(6) if content(cache, number) is None] == [1]
    assert cache.size <= cache.max_size


def test_what_is_expired_and_cannot_be_validated_goes_first(cache: PostgresqlCache, clock: Clock) -> None:
    """G11"""
    expired = replace(HEAD, url=f"{URL}0", fields=Fields([("Cache-Control", "max-age=60")]))
    for number, head in enumerate((replace(HEAD, url=f"{URL}1"), expired)):
        clock.now += number
        put(cache, head, b"x" * 1_000_000)
    put(cache, replace(HEAD, url=f"{URL}2"), b"x" * 1_500_000)
    assert [content(cache, number) is None for number in range(3)] == [True, False, False]


def test_what_is_longer_than_the_cache_is_refused_and_leaves_nothing(cache: PostgresqlCache) -> None:
    """G11"""
    long = replace(HEAD, fields=Fields([("X", "x" * 4_000_000)]))
    for head, pieces in ((HEAD, 1), (HEAD, 16), (long, 0)):
        writer = cache.writer(head)
        with pytest.raises(ContentTooLong):
            _write(writer, pieces)
        writer.abort()
    assert (cache.size, len(cache)) == (0, 0)


def _write(writer: Writer, pieces: int) -> None:
    for _ in range(pieces):
        writer.write(b"x" * (4_000_000 // pieces))
    writer.commit()


def test_half_written_responses_of_dead_processes_go_after_a_while(cache: PostgresqlCache, clock: Clock) -> None:
    """G5"""
    cache.writer(HEAD).write(b"x" * 1_000_000)
    put(cache, replace(HEAD, url=f"{URL}0"), b"x")
    assert cache.size > 700_000
    clock.now += 7200
    put(cache, replace(HEAD, url=f"{URL}1"), b"x")
    assert cache.size < 2_000


def test_long_content_can_be_read_to_its_end_while_it_is_replaced(cache: PostgresqlCache, clock: Clock) -> None:
    """G6"""
    old = put(cache, HEAD, b"old" * CHUNK)
    reading = cache.content(old)
    first = next(reading)
    new = put(cache, HEAD, b"new" * CHUNK, old)
    assert first + b"".join(reading) == b"old" * CHUNK
    assert list(cache.load(URL, "")) == [new]
    clock.now += 3600
    put(cache, replace(HEAD, url=f"{URL}1"), b"x")
    with pytest.raises(ContentGone):
        cache.content(old)


@pytest.mark.parametrize(
    "damage",
    [
        "chunks SET data = overlay(data PLACING 'x' FROM 3)",
        "chunks SET data = substr(data, 2)",
        "chunks SET digest = ''",
    ],
)
def test_damaged_content_is_a_miss_and_goes(cache: PostgresqlCache, damage: str) -> None:
    """G5"""
    stored = put(cache, HEAD, b"hello")
    changed(cache, "UPDATE condget_cache." + damage)
    assert len(cache.verify()) == 1
    with pytest.raises(ContentGone):
        cache.content(stored)
    assert cache.load(URL, "") == []


@pytest.mark.parametrize(
    "damage", ["head = '{}'", "head = 'x'", "head = replace(head, '200', '203')", "head_digest = ''"]
)
def test_a_damaged_head_is_a_miss_and_goes(cache: PostgresqlCache, damage: str) -> None:
    """G5"""
    put(cache, HEAD, b"hello")
    changed(cache, "UPDATE condget_cache.responses SET " + damage)
    assert cache.load(URL, "") == []
    assert cache.size == 0


def test_an_id_of_another_database_names_nothing(cache: PostgresqlCache, postgresql: Postgresql) -> None:
    """G6"""
    stored = put(cache, HEAD, b"ours")
    with PostgresqlCache(postgresql.database()) as other:
        theirs = put(other, HEAD, b"theirs")
        with pytest.raises(ContentGone):
            other.content(stored)
        other.freshen(replace(stored, status=404))
        other.discard([stored])
        assert list(other.load(URL, "")) == [theirs]


def test_many_threads_and_caches_keep_the_sum_of_sizes(url: str, cache: PostgresqlCache) -> None:
    """G8, G11"""
    with PostgresqlCache(url, 3_000_000) as other:

        def work(number: int) -> None:
            mine = (cache, other)[number % 2]
            for turn in range(6):
                head = replace(HEAD, url=f"{URL}{(number + turn) % 5}")
                put(mine, head, b"x" * (100_000 + number), *mine.load(head.url, ""))
                mine.load(head.url, "")

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(work, range(8)))
        ((counted,),) = cache._rows("SELECT sum(size)::bigint FROM condget_cache.responses")
        assert cache.size == counted <= cache.max_size
        assert cache.verify() == []


def test_a_lost_connection_is_mended_and_a_server_that_is_away_is_an_error(postgresql: Postgresql, url: str) -> None:
    """G6"""
    with (
        closing(Forwarder(postgresql.port)) as network,
        PostgresqlCache(postgresql.url(url.rpartition("/")[2], port=network.port)) as cache,
    ):
        stored = put(cache, HEAD, b"x" * 1_000_000)
        network.cut()
        with pytest.raises(StoreError, match="cannot be used"):
            cache.load(URL, "")
        network.mend()
        assert list(cache.load(URL, "")) == [stored]
        writer = cache.writer(HEAD, [stored])
        writer.write(b"y" * 600_000)
        network.cut()
        network.mend()
        writer.write(b"y" * 600_000)
        writer.commit()
        assert b"".join(cache.content(cache.load(URL, "")[0])) == b"y" * 1_200_000


def test_a_table_that_is_locked_does_not_hang_a_request(url: str, cache: PostgresqlCache) -> None:
    """G6"""
    put(cache, HEAD, b"hello")
    with closing(Database(url, prepare=lambda connection: None)) as other:

        def lock_and_look(connection: object) -> None:
            connection.execute("LOCK condget_cache.responses")  # type: ignore[attr-defined]
            with pytest.raises(StoreError, match="statement timeout"):
                cache.load(URL, "")

        other.write(lock_and_look)
    assert len(cache.load(URL, "")) == 1


def test_it_is_looked_into_and_cleared_up(cache: PostgresqlCache, clock: Clock, postgresql: Postgresql) -> None:
    useless = replace(HEAD, url="https://b.example/", fields=Fields([("Cache-Control", "max-age=60")]))
    first, second = put(cache, HEAD, b"hello"), put(cache, useless, b"x")
    assert list(cache.responses()) == [first, second]
    assert list(cache.responses(url=URL)) == [first]
    assert list(cache.responses(host="b.example")) == [second]
    stats = cache.stats()
    assert (stats.responses, stats.hosts, stats.size, stats.oldest) == (2, 2, cache.size, clock.now)
    assert stats.location == cache.location
    clock.now += 1e6
    assert cache.prune() == 1
    assert cache.clear() == 1
    assert (len(cache), cache.size, bool(cache)) == (0, 0, True)


def test_a_client_caches_in_a_database_by_its_url(url: str) -> None:
    """G1"""
    asked: list[httpx.Request] = []

    def origin(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, headers={"Cache-Control": "max-age=60"}, text="hello")

    for _ in range(2):
        with condget.Client(cache=url, transport=httpx.MockTransport(origin)) as client:
            assert [client.get("https://example.org/").text for _ in range(2)] == ["hello"] * 2
    assert len(asked) == 1
    store = open_store(url)
    assert repr(store) == f"PostgresqlCache({url!r}, max_size={1 << 30})"
    store.close()


def test_the_url_bounds_the_cache(url: str) -> None:
    """G11"""
    with condget.PostgresqlCache(f"{url}?max_size=5000&connect_timeout=3") as cache:
        assert (cache.max_size, cache.size) == (5000, 0)
    with pytest.raises(UsageError, match="has a max_size of '5 GB', which is not a number of bytes"):
        open_store(f"{url}?max_size=5 GB")


def test_a_newer_cache_is_left_as_it_is(url: str) -> None:
    """F11"""
    with PostgresqlCache(url) as cache:
        put(cache, HEAD, b"hello")
        changed(cache, "INSERT INTO condget_cache.versions VALUES (99)")
    with PostgresqlCache(url) as cache, pytest.raises(NewerState, match="tables condget_cache of postgresql://"):
        cache.load(URL, "")


def test_it_survives_pickling_and_closing_and_no_password_is_shown(postgresql: Postgresql) -> None:
    """F9"""
    url = postgresql.protected("carol", "biscuits").replace("carol@", "carol:biscuits@")
    with PostgresqlCache(url, 1_000_000) as cache:
        stored = put(cache, HEAD, b"hello")
        cache.close()
        assert list(cache.load(URL, "")) == [stored]
        assert "biscuits" not in repr(cache) + cache.location + str(cache.stats())
        with pickle.loads(pickle.dumps(cache)) as copy:
            assert list(copy.load(URL, "")) == [stored]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_connections_of_its_own(cache: PostgresqlCache) -> None:
    """G8"""
    stored = put(cache, HEAD, b"hello")
    child = os.fork()
    if child == 0:
        os._exit(0 if list(cache.load(URL, "")) == [stored] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(cache.load(URL, "")) == [stored]
    assert threading.active_count() >= 1
