"""How one request uses the cache, and httpx's responses as pure values (G2, G9)."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from tests.library import bound, httpx


def exchange() -> Any:
    """Return the module, as the current library has it."""
    return importlib.import_module(bound("condget.transports.exchange"))


@pytest.mark.parametrize(
    ("extension", "control"),
    [
        (None, {}),
        ("reload", {"mode": "reload"}),
        ({"mode": "no-cache", "partition": "ann"}, {"mode": "no-cache", "partition": "ann"}),
        ({"ttl": 5}, {"ttl": 5}),
    ],
)
def test_the_control_of_a_request(extension: object, control: dict[str, Any]) -> None:
    extensions = {} if extension is None else {"condget": extension}
    request = httpx.Request("GET", "http://a/", extensions=extensions)
    assert exchange().control_of(request) == exchange().Control(**control)


@pytest.mark.parametrize(
    "extension", ["nocache", {"mode": "nocache"}, {"modus": "reload"}, {"partition": 5}, {"ttl": "1h"}, 5, ["reload"]]
)
def test_a_control_that_does_not_exist_is_refused(extension: object) -> None:
    request = httpx.Request("GET", "http://a/", extensions={"condget": extension})
    with pytest.raises(ValueError, match="condget"):
        exchange().control_of(request)


def test_repeated_and_odd_fields_survive() -> None:
    """G2"""
    raw = [(b"X", b"1"), (b"X", b"\xe9"), (b"ETag", b'"a"')]
    response = httpx.Response(200, headers=raw, extensions={"http_version": b"HTTP/2"})
    pure = exchange().to_response(response, 1.0, 2.0)
    assert pure.fields.pairs == (("X", "1"), ("X", "\xe9"), ("ETag", '"a"'))
    assert (pure.http_version, pure.request_time, pure.response_time) == ("HTTP/2", 1.0, 2.0)
