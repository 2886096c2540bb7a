"""Directives, modes and policies of the caller, over the wire (RFC 9111 §5.2.1, Fetch)."""

from __future__ import annotations

from pathlib import Path

from condget import Policy
from tests.origin import Origin
from tests.transports.scenarios import (
    FRESH,
    NEW,
    STALE_OK,
    UNCHANGED,
    Scenario,
    Step,
    again,
    answer,
    part,
    play,
    scenario_test,
)

SCENARIOS = [
    Scenario(
        "G9 mode no-store",
        [
            Step(
                NEW, control="no-store", sent="Cache-Control: no-cache | Pragma: no-cache", says="fwd=bypass; -stored"
            ),
            Step(NEW),
            Step(answer(FRESH, b"2"), control="no-store", body=b"2"),
            Step(body=b"new"),
        ],
    ),
    Scenario(
        "G9 mode reload",
        again(
            STALE_OK,
            Step(
                NEW,
                control="reload",
                sent="Cache-Control: no-cache | Pragma: no-cache | -If-None-Match:",
                says="fwd=request; stored",
            ),
            Step(body=b"new"),
        ),
    ),
    Scenario(
        "G9 mode no-cache",
        again(
            STALE_OK,
            Step(
                UNCHANGED,
                control="no-cache",
                sent='Cache-Control: max-age=0 | If-None-Match: "a"',
                body=b"old",
                says="fwd=request; fwd-status=304; stored",
            ),
        ),
    ),
    Scenario(
        "G9 mode force-cache",
        [
            Step(STALE_OK, control="force-cache"),
            Step(later=10**6, control="force-cache", body=b"old", says="hit"),
            Step(UNCHANGED),
        ],
    ),
    Scenario(
        "G9 mode only-if-cached",
        [
            Step(control="only-if-cached", status=504),
            Step(STALE_OK),
            Step(later=10**6, control={"mode": "only-if-cached"}, body=b"old", says="hit"),
        ],
    ),
    Scenario("G9 mode default", again(STALE_OK, Step(control="default"), Step(control={}))),
    Scenario(
        "G1 ttl of the policy, where the origin says nothing",
        again(
            answer(),
            Step(later=59, says="hit; ttl=1"),
            Step(answer("Cache-Control: no-store"), later=1),
            Step(answer("Cache-Control: max-age=5")),
            Step(NEW, later=5),
        ),
        Policy(ttl=60),
    ),
    Scenario(
        "G1 ttl of one request",
        [
            Step(answer(), control={"ttl": 60}, says="stored"),
            Step(later=59, control={"ttl": 60}, says="hit"),
            Step(NEW, control={"ttl": 59}),
        ],
    ),
    *[
        Scenario(f"G9 the control {control!r} is refused", [Step(control=control, raises=ValueError)])
        for control in (
            "reloaded",
            {"mode": "x"},
            {"modes": "reload"},
            ["reload"],
            5,
            {"ttl": -1},
            {"ttl": "60"},
            {"partition": 5},
            {"mode": None},
        )
    ],
    Scenario(
        "G12 Cache-Status of a stored part that is completed",
        [
            Step(part(0, 3), "Range: bytes=0-3", status=206),
            Step(part(4, 9), got="Cache-Status: condget; fwd=partial; fwd-status=206; stored"),
        ],
        Policy(cache_status=True),
    ),
    Scenario(
        "G12 Cache-Status on request, behind that of other caches",
        [
            Step(
                answer(f"{FRESH} | Cache-Status: edge; hit"),
                got="Cache-Status: edge; hit | Cache-Status: condget; fwd=uri-miss; fwd-status=200; ttl=60; stored",
            ),
            Step(later=10, got="Cache-Status: edge; hit | Cache-Status: condget; hit; ttl=50"),
            Step(NEW, later=60, got="Cache-Status: condget; fwd=stale; fwd-status=200; ttl=60; stored"),
        ],
        Policy(cache_status=True),
    ),
]


@scenario_test(SCENARIOS)
def test_control(scenario: Scenario, kind: str, origin: Origin, tmp_path: Path) -> None:
    play(kind, scenario, origin, tmp_path)
