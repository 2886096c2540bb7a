"""The key of a request: the target URI as it is sent, and whose response it is (G1, G3)."""

from __future__ import annotations

from typing import Any

import pytest

from condget.cache.messages import Request
from condget.field_names import CREDENTIALS
from condget.transports.cache_key import sender_of, target_uri, to_request
from tests.library import httpx


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
    assert target_uri(httpx.URL(url)) == expected
    assert keyed(url).url == expected


def keyed(url: str = "http://a/x", fields: Any = None, own: str = "", **extensions: Any) -> Request:
    return to_request(httpx.Request("GET", url, headers=fields, extensions=extensions), CREDENTIALS, [own])


@pytest.mark.parametrize(
    ("fields", "extensions", "expected"),
    [
        ({"Host": "a"}, {}, "http://a/x"),
        ({"Host": "A"}, {}, "http://a/x"),
        ({"Host": "b"}, {}, "http://b/x"),
        ({"Host": "b:8080"}, {}, "http://b:8080/x"),
        ({"Host": "[::1]:8080"}, {}, "http://[::1]:8080/x"),
        ({}, {"target": b"/y?z"}, "http://a/y?z"),
        ({"Host": "b"}, {"target": b"//y"}, "http://b//y"),
    ],
)
def test_host_and_target_as_they_are_sent_count(
    fields: dict[str, str], extensions: dict[str, Any], expected: str
) -> None:
    """G1"""
    request = keyed("http://a/x", fields, **extensions)
    assert (request.url, request.unkeyed) == (expected, None)


def test_a_host_that_the_request_is_not_sent_to_is_a_partition_of_its_own() -> None:
    """G3: a server under test, found by its address, must not answer for the real one."""
    direct, by_address = keyed("http://b/x"), keyed("http://192.0.2.7/x", {"Host": "b"})
    assert direct.url == by_address.url
    assert direct.partition != by_address.partition
    assert keyed("http://a/", {"Host": "a"}).partition == ""


@pytest.mark.parametrize(
    ("fields", "extensions"),
    [
        ({"Host": ""}, {}),
        ({"Host": "a b"}, {}),
        ({"Host": "a/b"}, {}),
        ([("Host", "a"), ("Host", "b")], {}),
        ({}, {"target": b"http://b/"}),
        ({}, {"target": b"*"}),
        ({}, {"target": b"/\xe9"}),
        ({}, {"target": b"/x y"}),
        ({}, {"target": "/x"}),
    ],
)
def test_what_cannot_be_keyed_bypasses_the_cache(fields: Any, extensions: dict[str, Any]) -> None:
    """G1"""
    assert keyed("http://a/x", fields, **extensions).unkeyed is not None


def test_credentials_and_partitions_are_told_apart() -> None:
    """G3"""
    requests = [
        keyed(),
        keyed(own="ann"),
        keyed("http://u:1@a/x"),
        keyed("http://u:2@a/x"),
        keyed(fields={"Authorization": "1"}),
        keyed(fields={"Authorization": "2"}),
        keyed(fields={"Authorization": "1"}, own="ann"),
        keyed(fields={"X-API-Key": "1"}),
        keyed(fields={"X-Api-Key": "2"}),
        keyed(fields={"Private-Token": "1"}),
        keyed(fields=[("X-Api-Key", "1"), ("X-Api-Key", "2")]),
    ]
    assert len({request.partition for request in requests}) == len(requests)
    assert keyed(fields={"Authorization": "1"}).partition == keyed(fields={"authorization": "1"}).partition
    assert keyed(fields={"Cookie": "a=b"}).partition == keyed().partition


def test_no_partition_shows_a_secret() -> None:
    """F12"""
    assert "hunter2" not in keyed("http://u:hunter2@a/", {"X-Api-Key": "hunter2"}, own="hunter2").partition


@pytest.mark.parametrize(
    ("authorization", "sender"),
    [
        ('Digest username="ann", realm="r", nonce="1", response="2"', "digest username=ann"),
        ("DIGEST nc=00000001, username=ann", "digest username=ann"),
        ('Digest username="a\\"nn, x", nc=1', 'digest username=a\\"nn, x'),
        ("Digest username*=UTF-8''%C3%A4nn, nc=1", "digest username*=UTF-8''%C3%A4nn"),
        (
            'OAuth realm="r", oauth_consumer_key="c", oauth_token="t", oauth_nonce="n"',
            "oauth oauth_consumer_key=c oauth_token=t",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu/s3/aws4_request, SignedHeaders=host, Signature=f",
            "aws4-hmac-sha256 credential=AKID",
        ),
        ('Hawk id="dh37", ts="1", nonce="2", mac="3"', "hawk id=dh37"),
        ("Digest nonsense", "Digest nonsense"),
    ],
)
def test_credentials_that_change_with_each_request_name_their_sender(authorization: str, sender: str) -> None:
    """G3"""
    assert sender_of(authorization) == (sender, True)
    assert keyed(fields={"Authorization": authorization}).must_validate


@pytest.mark.parametrize("authorization", ["Bearer 1", "Basic dTox", "token", "", "Digests username=ann"])
def test_other_credentials_are_their_own_sender(authorization: str) -> None:
    """G3"""
    assert sender_of(authorization) == (authorization, False)


def test_repeated_and_odd_fields_survive() -> None:
    """G2"""
    assert keyed(fields=[(b"X", b"1"), (b"X", b"\xe9")]).fields.all("x") == ["1", "\xe9"]
