"""Fixtures and settings that every test shares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import hypothesis
import pytest

from tests import library, servers
from tests.origin import Origin
from tests.redis_server import RedisServer, require_redis

# A shared machine is slow at times; slowness is not a failure.
hypothesis.settings.register_profile("condget", deadline=None)
hypothesis.settings.load_profile("condget")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test of clients and transports on httpx and on httpx2, if its module names them (`tests.library`)."""
    of_clients = metafunc.module.__name__.startswith(("tests.transports.", "tests.test_client"))
    if of_clients and any(isinstance(value, library.Library) for value in vars(metafunc.module).values()):
        metafunc.fixturenames.append("on_library")
        metafunc.parametrize("on_library", library.MODULES, indirect=True)


@pytest.fixture
def on_library(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.param == "httpx2":
        pytest.importorskip("httpx2")
    library.use(request.param)
    yield
    library.use("httpx")


@pytest.fixture
def origin() -> Iterator[Origin]:
    """A scripted origin on a loopback port of its own."""
    with Origin() as started:
        yield started


@pytest.fixture(scope="session")
def fast_postgresql() -> Iterator[servers.Postgresql]:
    servers.require_postgresql()
    with closing(servers.Postgresql()) as server:
        yield server


@pytest.fixture
def postgresql(fast_postgresql: servers.Postgresql) -> Iterator[servers.Postgresql]:
    """A PostgreSQL server, which all tests of this process share, with settings that are fast."""
    yield fast_postgresql
    fast_postgresql.clear()


@pytest.fixture
def durable_postgresql() -> Iterator[servers.Postgresql]:
    """A PostgreSQL server for one test, which may crash it."""
    servers.require_postgresql()
    with closing(servers.Postgresql(settings=())) as server:
        yield server


@pytest.fixture(scope="session")
def common_redis() -> Iterator[RedisServer]:
    require_redis()
    with closing(RedisServer()) as server:
        yield server


@pytest.fixture
def redis_server(common_redis: RedisServer) -> RedisServer:
    """A Redis server that is empty, and stays as it is."""
    with common_redis.client() as client:
        client.flushall()
    return common_redis


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis server for one test, which may kill it."""
    require_redis()
    with closing(RedisServer()) as server:
        yield server
