"""condget for httpx2: one source, two bindings, which share caches and nothing else."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import condget
from tests.httpx2_stub import STUB, stub
from tests.origin import Origin
from tests.transports.scenarios import FRESH, TLS, answer

httpx2 = pytest.importorskip("httpx2")
bound = pytest.importorskip("condget.httpx2")


def test_the_types_are_those_of_the_source() -> None:
    assert STUB.read_text(encoding="utf-8") == stub(), "run python -m tests.httpx2_stub"


@pytest.mark.parametrize(
    ("imported", "other"),
    [("condget.httpx2", "httpx"), ("condget.client", "httpx2"), ("condget.transports.caching", "httpx2")],
)
def test_the_other_library_is_not_imported(imported: str, other: str) -> None:
    program = f"import sys, {imported}; sys.exit({other!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys; sys.modules['httpx2'] = None\n"
        "try:\n    import condget.httpx2\n"
        "except ModuleNotFoundError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "condget.httpx2 needs the package httpx2; install condget[httpx2]\n"


def test_the_classes_are_httpx2_s_own() -> None:
    assert issubclass(bound.Client, httpx2.Client)
    assert issubclass(bound.AsyncClient, httpx2.AsyncClient)
    assert issubclass(bound.CacheTransport, httpx2.BaseTransport)
    assert issubclass(bound.AsyncCacheTransport, httpx2.AsyncBaseTransport)
    assert not issubclass(bound.Client, httpx.Client)
    assert bound.status is condget.status


def test_a_response_and_an_error_are_httpx2_s_own(tmp_path: Path) -> None:
    with Origin() as origin:
        origin.script("/", answer(FRESH, b"body"))
        with bound.Client(cache=tmp_path, verify=TLS) as client:
            for _ in range(2):
                assert type(client.get(origin.url())) is httpx2.Response
            url = origin.url("/other")
    with bound.Client(cache=tmp_path, verify=TLS) as client, pytest.raises(httpx2.TransportError):
        client.get(url)


def test_both_share_a_cache(origin: Origin, tmp_path: Path) -> None:
    """A response that one of them stored is a hit of the other."""
    origin.script("/", answer(FRESH, b"body"))
    same = {"User-Agent": "test", "Accept-Encoding": "gzip"}
    for module in (condget, bound, condget):
        with module.Client(cache=tmp_path, verify=TLS, headers=same) as client:
            assert client.get(origin.url()).content == b"body"
    assert len(origin.requests) == 1


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: condget.Client(transport=httpx2.HTTPTransport(verify=TLS)),
        "this transport is for httpx: its inner transport is an httpx.BaseTransport, not an httpx2.HTTPTransport",
    ),
    (
        lambda: bound.Client(transport=httpx.HTTPTransport(verify=TLS)),
        "this transport is for httpx2: its inner transport is an httpx2.BaseTransport, not an httpx.HTTPTransport",
    ),
    (
        lambda: bound.AsyncClient(transport=condget.AsyncCacheTransport(httpx.AsyncHTTPTransport(verify=TLS))),
        "this transport is for httpx2: its inner transport is an httpx2.AsyncBaseTransport, "
        "not an condget.transports.caching.AsyncCacheTransport",
    ),
    (
        lambda: httpx.Client(transport=bound.CacheTransport(cache=":memory:")).get("http://a/"),
        "this transport is for clients of httpx2, and the request is one of httpx",
    ),
    (
        lambda: httpx2.Client(transport=condget.CacheTransport(cache=":memory:")).get("http://a/"),
        "this transport is for clients of httpx, and the request is one of httpx2",
    ),
    (
        lambda: asyncio.run(_get(httpx2.AsyncClient(transport=condget.AsyncCacheTransport(cache=":memory:")))),
        "this transport is for clients of httpx, and the request is one of httpx2",
    ),
]


async def _get(client: Any) -> None:
    await client.get("http://a/")


@pytest.mark.parametrize(("make", "sentence"), REFUSED)
def test_a_transport_of_the_one_and_a_client_of_the_other_are_refused(make: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(TypeError) as refused:
        make()
    assert str(refused.value) == sentence


def test_a_traceback_shows_the_lines_of_the_source() -> None:
    with pytest.raises(TypeError) as raised:
        bound.Client(cache=5)
    frames = traceback.extract_tb(raised.value.__traceback__)
    inside = [frame for frame in frames if frame.filename == condget.client.__file__]
    assert [frame.line for frame in inside if frame.line and "CacheTransport(" in frame.line]
