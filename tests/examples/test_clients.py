"""The examples of the library run, and do what they say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.library import MODULES
from tests.origin import Origin, conditional

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("library", MODULES)
def test_an_sdk_of_each_generation_with_a_condget_client(library: str) -> None:
    pytest.importorskip(library)
    command = [sys.executable, "examples/sdk_client.py", library]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == [
        "200 condget; fwd=uri-miss; fwd-status=200; ttl=0; stored",
        "small, large",
        "200 condget; fwd=stale; fwd-status=304; ttl=0; stored",
        "small, large",
    ]
    assert done.stderr == ""


def test_an_sdk_refuses_a_client_of_the_other_generation() -> None:
    library, other = pytest.importorskip("httpx2"), pytest.importorskip("condget")
    from examples.sdk_client import SDK

    with other.Client(cache=":memory:") as client, pytest.raises(TypeError, match=r"httpx2\.Client"):
        SDK(library, api_key="secret", base_url="http://127.0.0.1:9", http_client=client)


@pytest.mark.parametrize("store", ["disk", "redis"])
def test_an_application_shares_one_client(
    store: str, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The client is closed in the lifespan of the application."""
    pytest.importorskip("starlette")
    cache = str(tmp_path) if store == "disk" else request.getfixturevalue("redis_server").url
    from starlette.testclient import TestClient

    from examples import shared_client

    origin.script("/", conditional(b"Hello.", etag='"1"'))
    monkeypatch.setattr(shared_client, "UPSTREAM", origin.url())
    monkeypatch.setenv("CACHE", cache)
    with TestClient(shared_client.app) as users:
        answers = [users.get("/").json() for _ in range(3)]
        client = users.app_state["client"]
        assert not client.is_closed
    assert [answer["upstream"] for answer in answers] == ["Hello."] * 3
    assert [answer["cache"].partition(" fwd-status=")[2][:3] for answer in answers] == ["200", "304", "304"]
    assert client.is_closed
    assert origin.connections == 1
