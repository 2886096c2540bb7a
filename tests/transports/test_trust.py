"""A response never answers a client that would not have trusted the connection it came over (G3)."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest

from condget.transports.trust import client_certificate, is_local_socket, trust_of
from tests.library import condget, httpx
from tests.origin import Origin
from tests.transports.scenarios import KINDS, TLS, answer, calling
from tests.transports.secure import CERTIFICATE, SecureOrigin, careless, trusting

FRESH = "Cache-Control: max-age=60"


@pytest.fixture
def secure() -> Iterator[SecureOrigin]:
    with SecureOrigin() as origin:
        origin.script("/", answer(FRESH, b"body"))
        yield origin


@pytest.mark.parametrize("kind", KINDS)
def test_responses_to_different_trust_never_meet(kind: str, secure: SecureOrigin, tmp_path: Path) -> None:
    """G3"""
    clients: list[dict[str, Any]] = [
        {"verify": careless()},
        {"verify": trusting()},
        {"verify": careless(), "partition": "ann"},
    ]
    with condget.Cache(tmp_path) as cache:
        for number, arguments in enumerate(clients, 1):
            for _ in range(2):
                with calling(kind, cache=cache, **arguments) as calls:
                    calls.get(secure.url())
            assert len(secure.requests) == number
        with calling(kind, cache=cache, verify=TLS) as calls, pytest.raises(httpx.ConnectError):
            calls.get(secure.url())
        with calling(kind, cache=cache, verify=False) as calls:  # as careless as the first one
            assert condget.status(calls.get(secure.url())).hit


@pytest.mark.filterwarnings("ignore:.*cert=:DeprecationWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_a_client_certificate_is_a_partition_of_its_own(kind: str, secure: SecureOrigin, tmp_path: Path) -> None:
    """G3"""
    for arguments in ({"verify": careless()}, {"verify": False, "cert": str(CERTIFICATE)}):
        with calling(kind, cache=tmp_path, **arguments) as calls:
            assert not condget.status(calls.get(secure.url())).hit
    with calling(kind, cache=tmp_path, verify=False, cert=str(CERTIFICATE)) as calls:
        assert condget.status(calls.get(secure.url())).hit


@pytest.mark.parametrize("kind", KINDS)
def test_trust_parts_nothing_that_comes_without_tls(kind: str, origin: Origin, tmp_path: Path) -> None:
    origin.script("/", answer(FRESH, b"body"))
    for context in (careless(), trusting()):
        with calling(kind, cache=tmp_path, verify=context) as calls:
            calls.get(origin.url())
    assert len(origin.requests) == 1


def test_the_trust_of_a_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as it can be seen: certifi's authorities are the default, whoever loads them."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    of_certifi = ssl.create_default_context(cafile=certifi.where())
    assert trust_of(httpx.HTTPTransport()) == trust_of(httpx.HTTPTransport(verify=of_certifi)) == ""
    unverified = trust_of(httpx.HTTPTransport(verify=False))
    own = trust_of(httpx.HTTPTransport(verify=trusting()))
    assert len({"", unverified, own}) == 3
    assert own == trust_of(httpx.AsyncHTTPTransport(verify=trusting()))
    assert own == trust_of(httpx.HTTPTransport(verify=trusting(), proxy="http://127.0.0.1:9"))
    assert trust_of(httpx.MockTransport(lambda request: httpx.Response(200))) == ""


def test_a_context_does_not_change_its_partition_while_it_learns() -> None:
    """Authorities of a directory become visible when they are used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    transport = httpx.HTTPTransport(verify=context)
    before = trust_of(transport)
    context.load_verify_locations(CERTIFICATE)
    assert trust_of(transport) == before


def test_a_client_certificate_is_known_by_its_content() -> None:
    assert client_certificate(None) == ""
    assert client_certificate(str(CERTIFICATE)) == client_certificate((str(CERTIFICATE), str(CERTIFICATE), "secret"))


def test_a_unix_socket_is_told_from_the_network() -> None:
    assert is_local_socket(httpx.HTTPTransport(uds="/run/app.sock", verify=TLS))
    assert not is_local_socket(httpx.HTTPTransport(verify=TLS))
