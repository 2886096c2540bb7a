"""Invalidation over the wire (RFC 9111 §4.4)."""

from __future__ import annotations

from pathlib import Path

from tests.origin import Origin
from tests.transports.scenarios import FRESH, NEW, STALE_OK, Scenario, Step, again, answer, play, scenario_test

SCENARIOS = [
    *[
        Scenario(
            f"G1 {method} answered {status} invalidates",
            again(
                STALE_OK,
                Step(answer(status=status), method=method, status=status),
                Step(NEW, body=b"new", sent="-If-None-Match:", says="fwd=uri-miss"),
            ),
        )
        for method, status in (("POST", 200), ("PUT", 201), ("DELETE", 204), ("PATCH", 303), ("FOO", 200))
    ],
    *[
        Scenario(
            f"G1 {method} answered {status} invalidates nothing",
            again(STALE_OK, Step(answer(status=status), method=method, status=status), Step(body=b"old")),
        )
        for method, status in (
            ("POST", 404),
            ("PUT", 500),
            ("DELETE", 403),
            ("OPTIONS", 200),
            ("PROPFIND", 207),
            ("FOO", 400),
        )
    ],
    Scenario(
        "G1 Location and Content-Location are invalidated too, of the same origin only",
        [
            Step(answer(FRESH, b"1"), path="/l"),
            Step(answer(FRESH, b"1"), path="/c"),
            Step(answer(FRESH, b"1"), path="/x"),
            Step(answer("Location: /l | Content-Location: c", status=201), method="POST", path="/p", status=201),
            Step(NEW, path="/l"),
            Step(NEW, path="/c"),
            Step(path="/x", says="hit"),
            Step(
                answer("Location: http://elsewhere.example/l | Content-Location: http://[bad", status=201),
                method="POST",
                path="/p",
                status=201,
            ),
            Step(path="/l", says="hit"),
        ],
    ),
    Scenario(
        "G1 a POST with Content-Location serves later GETs",
        [
            Step(answer(f"{FRESH} | Content-Location: /p", b"1"), method="POST", path="/p", says="fwd=method; stored"),
            Step(path="/p", body=b"1", says="hit"),
            Step(path="/p", method="HEAD", body=b""),
            Step(answer(FRESH, b"2"), method="POST", path="/p", body=b"2", says="-stored"),
            Step(NEW, path="/p", body=b"new"),
        ],
    ),
    Scenario(
        "G1 a POST is never answered from the cache",
        [Step(answer(f"{FRESH} | Content-Location: /p"), method="POST", path="/p")] * 2,
    ),
]


@scenario_test(SCENARIOS)
def test_invalidation(scenario: Scenario, kind: str, origin: Origin, tmp_path: Path) -> None:
    play(kind, scenario, origin, tmp_path)
