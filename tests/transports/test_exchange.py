"""httpx's requests as pure values: the key, the partition, and how one request uses the cache (G1, G3)."""

from __future__ import annotations

import httpx
import pytest

from condget.transports.exchange import Control, control_of, target_uri, to_request, to_response


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a", "http://a/"),
        ("http://a/x?y=%20z#top", "http://a/x?y=%20z"),
        ("http://user:secret@a:8080/", "http://a:8080/"),
        ("https://a:443/", "https://a/"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
    ],
)
def test_the_target_uri(url: str, expected: str) -> None:
    """G1"""
    assert target_uri(url) == expected


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


def partition(url: str = "http://a/", fields: dict[str, str] | None = None, own: str = "") -> str:
    return to_request(httpx.Request("GET", url, headers=fields), own).partition


def test_credentials_and_partitions_are_told_apart() -> None:
    """G3"""
    partitions = [
        partition(),
        partition(own="ann"),
        partition("http://u:1@a/"),
        partition("http://u:2@a/"),
        partition(fields={"Authorization": "1"}),
        partition(fields={"Authorization": "2"}),
        partition(fields={"Authorization": "1"}, own="ann"),
    ]
    assert len(set(partitions)) == len(partitions)
    assert partition(fields={"Authorization": "1"}) == partition(fields={"authorization": "1"})


def test_repeated_and_odd_fields_survive_both_ways() -> None:
    """G2"""
    raw = [(b"X", b"1"), (b"X", b"\xe9"), (b"ETag", b'"a"')]
    assert to_request(httpx.Request("GET", "http://a/", headers=raw)).fields.all("x") == ["1", "\xe9"]
    response = to_response(httpx.Response(200, headers=raw, extensions={"http_version": b"HTTP/2"}), 1.0, 2.0)
    assert response.fields.pairs == (("X", "1"), ("X", "\xe9"), ("ETag", '"a"'))
    assert (response.http_version, response.request_time, response.response_time) == ("HTTP/2", 1.0, 2.0)
