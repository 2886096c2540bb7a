"""The cache in Redis, against a real server: the contract of stores, bounds, expiry, damage, loss, leases."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from condget.cache.fields import Fields
from condget.errors import StoreError, UsageError
from condget.stores import managing
from condget.stores.abilities import Leases, ManagedStore
from condget.stores.opening import open_store
from condget.stores.protocols import ContentGone, ContentTooLong, Store
from condget.stores.redis_store import CHUNK, RedisCache
from condget.stores.usefulness import DAY
from tests.redis_server import RedisServer
from tests.servers import wait_until
from tests.stores.store_contract import HEAD, URL, StoreContract, put


@pytest.fixture
def store(redis_server: RedisServer) -> Iterator[RedisCache]:
    with RedisCache(redis_server.url) as store:
        yield store


@pytest.fixture
def server(redis_server: RedisServer) -> Iterator[Any]:
    """A client that looks into the server."""
    with redis_server.client() as client:
        yield client


class TestRedisCache(StoreContract):
    pass


def content_of(store: Store, url: str = URL) -> list[bytes]:
    return [b"".join(store.content(stored)) for stored in store.load(url, "")]


def test_two_machines_share_it(store: RedisCache, redis_server: RedisServer) -> None:
    """G8"""
    with RedisCache(redis_server.socket_url) as other:
        put(store, HEAD, b"from one")
        assert content_of(other) == [b"from one"]
        other.invalidate([URL])
        assert content_of(store) == []


@pytest.mark.parametrize("scheme", ["redis", "valkey", "REDIS"])
def test_a_url_names_it(scheme: str, redis_server: RedisServer) -> None:
    store = open_store(f"{scheme}://127.0.0.1:{redis_server.port}/0?max_size=5000&prefix=tea:")
    assert isinstance(store, RedisCache)
    assert (store.max_size, store.prefix) == (5000, "tea:")
    put(store, HEAD, b"x")
    with redis_server.client() as client:
        assert all(key.startswith("tea:") for key in client.scan_iter())
    store.close()
    assert isinstance(store, Leases)
    assert isinstance(store, ManagedStore)


@pytest.mark.parametrize("url", ["redis://host:port/0", "redis://u:secret@host/0?max_size=many", "redis://host/0?db=x"])
def test_a_url_that_makes_no_sense_is_wrong_usage(url: str) -> None:
    """F9"""
    with pytest.raises(UsageError) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_without_the_package_the_error_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['redis'] = None\n"
        "from condget import *\nimport condget\n"
        "try:\n    condget.Client(cache='redis://u:secret@host/0')\n"
        "except condget.UsageError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "The cache redis://host/0 needs the package redis; install condget[redis].\n"


def test_the_least_recently_used_goes_first(store: RedisCache) -> None:
    """G11"""
    store.max_size = 100_000
    kept, *_ = [put(store, replace(HEAD, url=f"{URL}{n}"), b"x" * 8500) for n in range(9)]
    store.touch(kept, 0)
    store.flush()
    for n in range(9, 15):
        put(store, replace(HEAD, url=f"{URL}{n}"), b"x" * 8500)
    assert store.size <= 100_000
    left = [n for n in range(15) if store.load(f"{URL}{n}", "")]
    assert left == [0, *range(6, 15)]
    assert len(store) == 10


def test_content_that_is_longer_than_the_cache_is_not_stored(store: RedisCache) -> None:
    """G11"""
    store.max_size = 600_000
    put(store, replace(HEAD, url=URL + "kept"), b"x")
    for length in (700_000, 5_000_000):
        with pytest.raises(ContentTooLong):
            put(store, HEAD, b"x" * length)
    assert store.load(URL, "") == []
    assert len(store.load(URL + "kept", "")) == 1


def test_of_one_url_a_bounded_number_is_kept(store: RedisCache) -> None:
    """G11"""
    for n in range(70):
        writer = store.writer(replace(HEAD, selecting=((("accept", str(n)),),)))
        writer.write(b"x")
        writer.commit()
    assert [stored.selecting[0][0][1] for stored in store.load(URL, "")] == [str(n) for n in range(69, 5, -1)]


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        ([("ETag", '"a"')], 30),
        ([("Cache-Control", "max-age=172800")], 2 + 1),
        ([("Cache-Control", "max-age=0, stale-if-error=432000")], 5),
        ([("Cache-Control", "max-age=99999999999"), ("ETag", '"a"')], 400),
    ],
)
def test_what_can_serve_nobody_any_more_expires(
    fields: list[tuple[str, str]], days: int, store: RedisCache, server: Any
) -> None:
    """G11: the server forgets it without being asked; a 304 keeps it for longer."""
    stored = put(store, replace(HEAD, fields=Fields(fields)), b"x")
    key = f"condget:response:{stored.id}"
    assert server.ttl(key) == pytest.approx(days * DAY, abs=10)
    assert all(server.ttl(name) > 0 for name in server.scan_iter())
    server.expire(key, 10)
    store.freshen(stored)
    assert server.ttl(key) == pytest.approx(days * DAY, abs=10)


def test_what_expired_counts_no_more_after_the_next_commit(store: RedisCache, server: Any) -> None:
    """G11"""
    gone = put(store, HEAD, b"x" * 100_000)
    server.zadd("condget:ends", {gone.id: 1})
    put(store, replace(HEAD, url=URL + "2"), b"x")
    assert store.load(URL, "") == []
    assert store.size < 2000


@pytest.mark.parametrize("key", ["response:*", "url:*", "used", "ends", "facts"])
def test_the_server_may_evict_any_key(key: str, store: RedisCache, server: Any) -> None:
    """G6: eviction by `maxmemory-policy` costs a request at most."""
    put(store, HEAD, b"old")
    for name in server.keys(f"condget:{key}"):
        server.delete(name)
    assert content_of(store) in ([], [b"old"])
    stored = put(store, HEAD, b"new")
    assert b"".join(store.content(stored)) == b"new"
    store.freshen(stored)
    store.touch(stored, 0)
    store.discard(store.load(URL, ""))
    assert content_of(store) == []


def test_a_full_server_makes_room(store: RedisCache, server: Any) -> None:
    """G11, G6: with `maxmemory` and no eviction by the server."""
    server.config_set("maxmemory", server.info("memory")["used_memory"] + 2_000_000)
    try:
        for n in range(100):
            put(store, replace(HEAD, url=f"{URL}{n}"), b"x" * 100_000)
        assert 1 <= len(store) < 30
        server.config_set("maxmemory", 1_000)
        store.clear()
        with pytest.raises(StoreError, match=r"redis://127.0.0.1:\d+/0 has no memory left"):
            put(store, HEAD, b"x")
    finally:
        server.config_set("maxmemory", 0)


def test_damaged_content_is_dropped(store: RedisCache, server: Any) -> None:
    """G5"""
    stored = put(store, HEAD, b"x" * (CHUNK + 5))
    server.hset(f"condget:response:{stored.id}", "1", "other")
    chunks = store.content(stored)
    assert next(chunks) == b"x" * CHUNK
    with pytest.raises(ContentGone, match="not what was stored"):
        next(chunks)
    assert store.load(URL, "") == []


def test_a_damaged_head_is_a_miss(store: RedisCache, server: Any) -> None:
    """G5"""
    stored = put(store, HEAD, b"x")
    server.hset(f"condget:response:{stored.id}", "head", "junk")
    assert store.load(URL, "") == []
    assert len(store) == 0


def test_a_reader_may_end_after_the_response_was_replaced(store: RedisCache) -> None:
    """G5"""
    old = put(store, HEAD, b"x" * (3 * CHUNK))
    chunks = store.content(old)
    assert next(chunks)
    put(store, HEAD, b"new", old)
    assert content_of(store) == [b"new"]
    assert b"".join(chunks) == b"x" * (2 * CHUNK)


def test_a_server_that_is_emptied_loses_no_more_than_it_held(store: RedisCache, server: Any) -> None:
    """G6: FLUSHALL between any two steps."""
    old = put(store, HEAD, b"x" * (3 * CHUNK))
    chunks, writer = store.content(old), store.writer(HEAD)
    assert next(chunks)
    writer.write(b"x" * (2 * CHUNK))
    server.flushall()
    with pytest.raises(ContentGone):
        next(chunks)
    with pytest.raises(ContentGone):
        writer.commit()
    put(store, HEAD, b"new")
    assert content_of(store) == [b"new"]
    assert store.size < 2000


def test_a_connection_that_the_server_closed_is_made_anew(own_redis: RedisServer) -> None:
    """G6"""
    with RedisCache(own_redis.url) as store:
        put(store, HEAD, b"x")
        own_redis.kill()
        with pytest.raises(StoreError, match=r"The cache redis://127.0.0.1:\d+/0 cannot be used"):
            store.load(URL, "")
        own_redis.start()
        assert store.load(URL, "") == []
        own_redis.kill()
        own_redis.start()
        put(store, HEAD, b"y")
        assert content_of(store) == [b"y"]


def test_no_wait_for_a_server_that_is_silent_is_long(own_redis: RedisServer) -> None:
    """G6"""
    with RedisCache(own_redis.address, timeout=1) as store:
        put(store, HEAD, b"x")
        own_redis.freeze()
        started = time.monotonic()
        with pytest.raises(StoreError, match="Timeout"):
            store.load(URL, "")
        assert time.monotonic() - started < 20
        own_redis.thaw()
        assert content_of(store) == [b"x"]


def test_a_password_is_in_no_message(own_redis: RedisServer) -> None:
    """F9"""
    with own_redis.client() as client:
        client.config_set("requirepass", "other")
    url = own_redis.url.replace("://", "://:secret@")
    with RedisCache(f"{url}&client_name=secret") as store:
        for call in (lambda: store.load(URL, ""), lambda: len(store)):
            with pytest.raises(StoreError) as caught:
                call()
            assert "secret" not in f"{caught.value} {store!r}"


def test_a_replica_that_cannot_be_written_to_is_a_store_error(store: RedisCache, own_redis: RedisServer) -> None:
    """G6"""
    with own_redis.client() as client:
        client.replicaof("127.0.0.1", "1")
    with RedisCache(own_redis.url) as replica:
        writer = replica.writer(HEAD)
        with pytest.raises(StoreError, match=r"READONLY|read only"):
            writer.commit()
        assert replica.load(URL, "") == []


def test_keys_name_no_url(store: RedisCache, server: Any) -> None:
    """G3: servers log keys."""
    put(store, replace(HEAD, url="https://example.org/?token=unmistakable"), b"x")
    assert not [key for key in server.scan_iter() if "unmistakable" in key or "example" in key]


def test_it_can_be_pickled(store: RedisCache) -> None:
    put(store, HEAD, b"x")
    with pickle.loads(pickle.dumps(store)) as other:
        assert content_of(other) == [b"x"]


def test_it_can_be_looked_into_and_cleared_up(store: RedisCache) -> None:
    useless = replace(HEAD, url="http://b/", fields=Fields([("Cache-Control", "max-age=0")]))
    one, two = put(store, HEAD, b"x"), put(store, useless, b"y" * (2 * CHUNK))
    assert [stored.id for stored in store.responses()] == [one.id, two.id]
    assert [stored.id for stored in store.responses(host="b")] == [two.id]
    assert [stored.id for stored in store.responses(url=URL)] == [one.id]
    stats = store.stats()
    assert (stats.responses, stats.hosts, stats.size) == (2, 2, store.size)
    assert store.verify() == []
    lines = list(managing.export(store))
    assert store.prune() == 1
    assert managing.delete(store, host="example.org", now=1e10) == 1
    assert managing.import_(store, lines) == 2
    assert store.clear() == 2
    assert (len(store), store.size) == (0, 0)


def test_a_lease_is_one_holders_and_ends_by_itself(store: RedisCache, redis_server: RedisServer) -> None:
    """G8"""
    with RedisCache(redis_server.url) as other:
        token = store.lease("x", 60)
        assert token is not None
        assert other.lease("x", 60) is None
        assert other.is_leased("x")
        other.release("x", "somebody else's")
        assert other.is_leased("x")
        store.prolong("x", token, 0.05)
        wait_until(lambda: not other.is_leased("x"), "the lease does not end")
        taken = other.lease("x", 60)
        assert taken is not None
        store.prolong("x", token, 0.001)
        store.release("x", token)
        assert other.is_leased("x")
        other.release("x", taken)
        assert not store.is_leased("x")
