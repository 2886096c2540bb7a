"""How one request uses the cache, and httpx's responses as pure values (G2, G9)."""

from __future__ import annotations

import httpx
import pytest

from condget.transports.exchange import Control, control_of, to_response


@pytest.mark.parametrize(
    ("extension", "control"),
    [
        (None, Control()),
        ("reload", Control("reload")),
        ({"mode": "no-cache", "partition": "ann"}, Control("no-cache", "ann")),
        ({"ttl": 5}, Control(ttl=5)),
    ],
)
def test_the_control_of_a_request(extension: object, control: Control) -> None:
    extensions = {} if extension is None else {"condget": extension}
    assert control_of(httpx.Request("GET", "http://a/", extensions=extensions)) == control


@pytest.mark.parametrize(
    "extension", ["nocache", {"mode": "nocache"}, {"modus": "reload"}, {"partition": 5}, {"ttl": "1h"}, 5, ["reload"]]
)
def test_a_control_that_does_not_exist_is_refused(extension: object) -> None:
    with pytest.raises(ValueError, match="condget"):
        control_of(httpx.Request("GET", "http://a/", extensions={"condget": extension}))


def test_repeated_and_odd_fields_survive() -> None:
    """G2"""
    raw = [(b"X", b"1"), (b"X", b"\xe9"), (b"ETag", b'"a"')]
    response = to_response(httpx.Response(200, headers=raw, extensions={"http_version": b"HTTP/2"}), 1.0, 2.0)
    assert response.fields.pairs == (("X", "1"), ("X", "\xe9"), ("ETag", '"a"'))
    assert (response.http_version, response.request_time, response.response_time) == ("HTTP/2", 1.0, 2.0)
