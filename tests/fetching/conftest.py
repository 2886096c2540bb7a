"""Fixtures of the poller's tests: every path that a response can take through the wire."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress

import pytest

from condget.fetching import direct
from condget.fetching.direct import DirectWire
from condget.fetching.response_head import Head
from condget.fetching.targets import Target
from tests.fetching.support import CERTIFICATE, SecureOrigin
from tests.origin import Origin
from tests.watchdog import watched


@pytest.fixture(params=["usual", "h11", "tls"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads that are read by the wire itself, all heads read by h11, and TLS below every connection."""
    if request.param == "h11":
        monkeypatch.setattr(direct, "usual", _nothing_is_usual)
    if request.param == "tls":
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(CERTIFICATE)
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname = False  # any name leads here; that names are verified is tested apart
        client.verify_mode = ssl.CERT_NONE

        def context(self: DirectWire, target: Target) -> ssl.SSLContext:
            return client

        serve = Origin.serve

        def secured(self: Origin, connection: socket.socket, number: int) -> None:
            with suppress(OSError):
                serve(self, server.wrap_socket(connection, server_side=True), number)

        monkeypatch.setattr(DirectWire, "tls_for", context)
        monkeypatch.setattr(Origin, "serve", secured)


def _nothing_is_usual(data: bytes) -> Head | None:
    return None


@pytest.fixture
def secure() -> Iterator[SecureOrigin]:
    """An origin behind TLS, for secure.test and 127.0.0.1."""
    origin = SecureOrigin()
    yield origin
    origin.stop()


@pytest.fixture(scope="session", autouse=True)
def _warm() -> None:
    """Modules that are loaded once take no time of a stranger."""
    import h11  # noqa: F401

    import condget.fetching.h11_response  # noqa: F401
    from condget.fetching.direct import tls_context
    from condget.fetching.failures import Failure
    from condget.fetching.via_transport import proxy_wire

    # The first proxy loads more; the user names it, and no stranger.
    for proxy in ("http://127.0.0.1:9", "socks5://127.0.0.1:9"):
        with suppress(Failure):  # without socksio
            proxy_wire(proxy, tls_context())


@pytest.fixture(autouse=True)
def _watchdog(_warm: None) -> Iterator[None]:
    """No exchange may be held by one stranger (F1)."""
    with watched():
        yield


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
