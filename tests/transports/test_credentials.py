"""Responses to different credentials never meet, over the wire (RFC 9111 §3.5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from condget import Policy
from tests.library import condget, httpx
from tests.origin import Origin
from tests.transports.scenarios import (
    FRESH,
    KINDS,
    NEW,
    RESET,
    TAGGED,
    UNCHANGED,
    Scenario,
    Step,
    again,
    answer,
    calling,
    play,
    scenario_test,
)

SCENARIOS = [
    Scenario(
        "G3 Authorization separates",
        [
            Step(answer(FRESH, b"0")),
            Step(answer(FRESH, b"1"), "Authorization: Bearer 1", body=b"1"),
            Step(answer(FRESH, b"2"), "Authorization: Bearer 2", body=b"2"),
            Step(body=b"0"),
            Step(asked="Authorization: Bearer 1", body=b"1", says="hit"),
            Step(asked="Authorization: Bearer 2", body=b"2", says="hit"),
            Step(NEW, "Authorization: bearer 1"),
        ],
    ),
    Scenario(
        "G3 auth= separates",
        [
            Step(answer(FRESH, b"1"), auth=("u", "1"), body=b"1"),
            Step(answer(FRESH, b"2"), auth=("u", "2"), body=b"2"),
            Step(auth=("u", "1"), body=b"1", says="hit"),
            Step(answer(FRESH, b"0"), body=b"0"),
        ],
    ),
    Scenario(
        "G3 a partition separates, from credentials too",
        [
            Step(answer(FRESH, b"0")),
            Step(answer(FRESH, b"1"), control={"partition": "1"}, body=b"1"),
            Step(answer(FRESH, b"2"), control={"partition": "2"}, body=b"2"),
            Step(control={"partition": "1"}, body=b"1", says="hit"),
            Step(body=b"0"),
            Step(answer(FRESH, b"3"), "Authorization: 1", control={"partition": "1"}, body=b"3"),
            Step(answer(FRESH, b"4"), "Authorization: 1", body=b"4"),
        ],
    ),
    Scenario(
        "G3 well-known key fields separate, whatever their case",
        [
            Step(answer(FRESH, b"0")),
            Step(answer(FRESH, b"1"), "X-API-Key: 1", body=b"1"),
            Step(answer(FRESH, b"2"), "x-api-key: 2", body=b"2"),
            Step(answer(FRESH, b"3"), "Private-Token: 1", body=b"3"),
            Step(asked="X-Api-Key: 1", body=b"1", says="hit"),
            Step(body=b"0", says="hit"),
        ],
    ),
    Scenario(
        "G3 a cookie separates where the policy names it",
        [
            Step(answer(FRESH, b"1"), "Cookie: session=1", body=b"1"),
            Step(answer(FRESH, b"2"), "Cookie: session=2", body=b"2"),
            Step(asked="Cookie: session=1", body=b"1", says="hit"),
        ],
        Policy(credential_fields={"cookie"}),
    ),
    Scenario(
        "G3 credentials that change with each request are validated under who sends them",
        [
            Step(answer(TAGGED, b"ann's"), 'Authorization: Digest username="ann", nc=1, response="1"', says="stored"),
            Step(
                UNCHANGED,
                'Authorization: Digest username="ann", nc=2, response="2"',
                sent='If-None-Match: "a"',
                body=b"ann's",
            ),
            Step(answer("", b"no", 401), 'Authorization: Digest username="ann", nc=3, response="0"', status=401),
            Step(answer(TAGGED, b"bob's"), 'Authorization: Digest username="bob", nc=1, response="1"', body=b"bob's"),
            Step(RESET, 'Authorization: Digest username="ann", nc=4, response="4"', raises=httpx.TransportError),
            Step(NEW),
        ],
        Policy(stale_if_error=600),
    ),
    Scenario(
        "G1 a Host field of the caller's is part of the key",
        [
            Step(answer(FRESH, b"0")),
            Step(answer(FRESH, b"1"), "Host: one.example", sent="Host: one.example", body=b"1"),
            Step(answer(FRESH, b"2"), "Host: two.example", body=b"2"),
            Step(asked="Host: one.example", body=b"1", says="hit"),
            Step(body=b"0", says="hit"),
            Step(
                answer(FRESH, b"x"),
                "Host: no host",
                says='fwd=bypass; detail="not stored: the Host field names no host"',
            ),
        ],
    ),
    Scenario(
        "G3 an unsafe request invalidates for all credentials",
        [
            Step(answer(FRESH), "Authorization: 1"),
            Step(answer(FRESH)),
            Step(answer(), "Authorization: 2", method="PUT"),
            Step(NEW, "Authorization: 1"),
            Step(NEW),
        ],
    ),
    Scenario(
        "G4 Set-Cookie reaches the caller once",
        again(answer(f"{FRESH} | Set-Cookie: a=b | Set-Cookie: c=d"), Step(got="-Set-Cookie:", says="hit")),
    ),
]


@scenario_test(SCENARIOS)
def test_credentials(scenario: Scenario, kind: str, origin: Origin, tmp_path: Path) -> None:
    play(kind, scenario, origin, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_the_request_target_is_part_of_the_key(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G1: httpx's extension `target`; a target that is not a path is not stored."""
    origin.script("/x", answer(FRESH, b"x"))
    origin.script("/y%2fz", answer(FRESH, b"y"))
    with calling(kind, cache=tmp_path) as calls:
        for target, content, hit in ((b"/x", b"x", False), (b"/y%2fz", b"y", False), (b"/x", b"x", True)):
            response = calls.get(origin.url("/ignored"), extensions={"target": target})
            assert (response.content, condget.status(response).hit) == (content, hit)
        assert condget.status(calls.get(origin.url("/x"))).hit
        response = calls.request("OPTIONS", origin.url("/"), extensions={"target": b"*"})
        absolute = calls.get(origin.url("/"), extensions={"target": origin.url("/x").encode()})
        assert not condget.status(absolute).stored
    assert [request.target for request in origin.requests] == ["/x", "/y%2fz", "*", origin.url("/x")]


@pytest.mark.parametrize("kind", KINDS)
def test_one_url_has_at_most_64_stored_responses(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G3, G11: over all partitions; the oldest go first."""
    origin.script("/", answer(FRESH, b"x"))
    for cache in (condget.Cache(tmp_path), condget.MemoryCache()):
        with calling(kind, cache=cache) as calls:
            for number in range(70):
                calls.get(origin.url(), headers={"Authorization": str(number)})
            assert len(cache) == 64
            assert condget.status(calls.get(origin.url(), headers={"Authorization": "69"})).hit
            assert not condget.status(calls.get(origin.url(), headers={"Authorization": "0"})).hit
        cache.close()
