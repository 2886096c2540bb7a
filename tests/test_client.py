"""A client like any other: its cache, its arguments, and how it ends (G7)."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.library import condget, httpx
from tests.origin import Origin
from tests.transports.scenarios import FRESH, KINDS, TLS, answer, calling

both = pytest.mark.parametrize("kind", KINDS)


def client_of(kind: str) -> Callable[..., Any]:
    made: Callable[..., Any] = condget.Client if kind == "sync" else condget.AsyncClient
    return made


@pytest.fixture(autouse=True)
def users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the user's own cache."""
    directory = tmp_path / "users"
    monkeypatch.setenv("CONDGET_CACHE_DIR", str(directory))
    return directory


def mock(content: bytes = b"body") -> httpx.MockTransport:
    return httpx.MockTransport(
        lambda request: httpx.Response(200, headers={"Cache-Control": "max-age=60"}, content=content)
    )


# --- which cache


@both
def test_no_cache(kind: str, origin: Origin, users_cache: Path) -> None:
    origin.script("/", answer(FRESH, b"1"), answer(FRESH, b"2"))
    with calling(kind, cache=False) as calls:
        assert [calls.get(origin.url()).content for _ in range(2)] == [b"1", b"2"]
        status = condget.status(calls.get(origin.url()))
        assert calls.client.cache is None
    assert (status.fwd, status.stored, status.detail) == ("bypass", False, "not stored: the client has no cache")
    assert "cache-control" not in origin.requests[0].fields
    assert not users_cache.exists()


@both
def test_a_cache_in_memory(kind: str, origin: Origin, users_cache: Path) -> None:
    origin.script("/", answer(FRESH, b"1"))
    with calling(kind, cache=":memory:") as calls:
        calls.get(origin.url())
        assert condget.status(calls.get(origin.url())).hit
    with calling(kind, cache=":memory:") as calls:
        assert not condget.status(calls.get(origin.url())).hit
    assert not users_cache.exists()
    assert not Path(":memory:").exists()


@both
def test_a_cache_in_memory_that_clients_share(kind: str, origin: Origin) -> None:
    origin.script("/", answer(FRESH, b"1"))
    cache = condget.MemoryCache()
    for _ in range(2):
        with calling(kind, cache=cache) as calls:
            calls.get(origin.url())
    assert (len(origin.requests), len(cache), cache.size) == (1, 1, 1)
    assert cache.clear() == 1
    assert len(cache) == 0


NO_CACHES = [True, 5, {}, "", b"cache", object(), condget.Policy()]


@both
@pytest.mark.parametrize("argument", NO_CACHES, ids=lambda argument: type(argument).__name__)
def test_what_is_no_cache_is_refused(kind: str, argument: object) -> None:
    with pytest.raises(TypeError, match=r"^cache= is a condget"):
        client_of(kind)(cache=argument, verify=TLS)


@both
def test_a_client_shows_its_cache_and_its_policy(kind: str, tmp_path: Path) -> None:
    cache, policy = condget.MemoryCache(), condget.Policy(ttl=5)
    with calling(kind, cache=cache, policy=policy) as calls:
        assert (calls.client.cache, calls.client.policy) == (cache, policy)
    with calling(kind, cache=tmp_path) as calls:
        assert isinstance(calls.client.cache, condget.Cache)
        assert calls.client.policy == condget.Policy()


@both
def test_transports_that_are_no_network_do_not_answer_for_each_other(kind: str, users_cache: Path) -> None:
    """G3: two mocks, without a cache that both are given."""
    for content in (b"one", b"two"):
        with calling(kind, transport=mock(content)) as calls:
            assert [calls.get("http://a.example/").content for _ in range(2)] == [content] * 2
            assert condget.status(calls.get("http://a.example/")).hit
    assert not users_cache.exists()


@both
def test_applications_do_not_answer_for_the_network(kind: str, origin: Origin, users_cache: Path) -> None:
    """G3: nor for one another, as mounts of one client."""
    origin.script("*", answer(FRESH, b"network"))
    mounts = {"all://one.example": mock(b"one"), "all://two.example": mock(b"two")}
    with calling(kind, mounts=mounts) as calls:
        for url, content in (
            ("http://one.example/", b"one"),
            ("http://two.example/", b"two"),
            (origin.url(), b"network"),
        ):
            assert [calls.get(url).content for _ in range(2)] == [content] * 2
    assert len(origin.requests) == 1
    with condget.Cache() as cache:
        assert [stored.url for stored in cache.responses()] == [origin.url("/")]


def test_unix_sockets_do_not_answer_for_the_network() -> None:
    """G3"""
    for transport in (
        condget.CacheTransport(httpx.HTTPTransport(uds="/nowhere.sock", verify=TLS)),
        condget.AsyncCacheTransport(httpx.AsyncHTTPTransport(uds="/nowhere.sock", verify=TLS)),
    ):
        assert isinstance(transport.cache, condget.MemoryCache)


# --- how it begins and ends


def counting() -> Any:
    """Return a transport that notes when it is entered, left and closed."""

    class Counting(httpx.MockTransport):
        def __init__(self) -> None:
            super().__init__(lambda request: httpx.Response(200, content=b"body"))
            self.calls: list[object] = []

        def __enter__(self) -> Any:
            self.calls.append("enter")
            return self

        def __exit__(self, exc_type: object = None, exc_value: object = None, traceback: object = None) -> None:
            self.calls.append(("exit", exc_type))

        def close(self) -> None:
            self.calls.append("close")

        async def __aenter__(self) -> Any:
            return self.__enter__()

        async def __aexit__(self, exc_type: object = None, exc_value: object = None, traceback: object = None) -> None:
            self.__exit__(exc_type)

        async def aclose(self) -> None:
            self.close()

    return Counting()


def use(client: Any, error: BaseException | None = None) -> None:
    async def run() -> None:
        async with client:
            if error is not None:
                raise error

    with suppress(KeyError):
        if isinstance(client, condget.AsyncClient):
            asyncio.run(run())
        else:
            with client:
                if error is not None:
                    raise error


@both
def test_the_inner_transport_is_entered_and_left_once(kind: str) -> None:
    main, mount = counting(), counting()
    use(client_of(kind)(transport=main, mounts={"http://a": mount}))
    assert main.calls == mount.calls == ["enter", ("exit", None)]


@both
def test_the_inner_transport_learns_of_the_error(kind: str) -> None:
    main = counting()
    use(client_of(kind)(transport=main), KeyError("x"))
    assert main.calls == ["enter", ("exit", KeyError)]


def test_a_client_that_was_not_entered_is_closed() -> None:
    main = counting()
    condget.Client(transport=main).close()
    asyncio.run(condget.AsyncClient(transport=main).aclose())
    assert main.calls == ["close", "close"]


# --- arguments and status


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: condget.CacheTransport(httpx.AsyncHTTPTransport(verify=TLS)), "httpx.BaseTransport"),  # type: ignore[arg-type]
        (lambda: condget.AsyncCacheTransport(httpx.HTTPTransport(verify=TLS)), "httpx.AsyncBaseTransport"),  # type: ignore[arg-type]
        (lambda: condget.CacheTransport("http://a/"), "httpx.BaseTransport"),  # type: ignore[arg-type]
    ],
)
def test_a_transport_of_the_wrong_kind_is_refused(make: Callable[[], object], expected: str) -> None:
    with pytest.raises(TypeError, match=expected):
        make()


@both
def test_the_status_of_a_response(kind: str) -> None:
    with calling(kind, transport=mock()) as calls:
        assert condget.status(calls.get("http://a.example/")).fwd == "uri-miss"
        assert condget.status(calls.get("http://a.example/")) == condget.CacheStatus(hit=True, ttl=60, age=0)
    with pytest.raises(ValueError, match="did not come through"):
        condget.status(httpx.Response(200))


@both
def test_a_hit_has_the_standard_reason_phrase_where_the_origin_gave_none(kind: str, tmp_path: Path) -> None:
    """G7: HTTP/2 has none."""
    with calling(kind, transport=mock()) as calls:
        first, hit = calls.get("http://a.example/"), calls.get("http://a.example/")
    assert condget.status(hit).hit
    assert first.reason_phrase == hit.reason_phrase == "OK"


def test_a_policy_and_a_status_travel_between_processes() -> None:
    status = condget.CacheStatus(hit=True, ttl=5)
    assert pickle.loads(pickle.dumps(status)) == status


def test_get_takes_the_same_caches(origin: Origin) -> None:
    origin.script("/", answer(FRESH, b"1"), answer(FRESH, b"2"))
    cache = condget.MemoryCache()
    assert [condget.get(origin.url(), cache=cache, verify=TLS).content for _ in range(2)] == [b"1", b"1"]
    assert condget.get(origin.url(), cache=False, verify=TLS).content == b"2"
