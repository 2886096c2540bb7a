"""Responses that are stored or not, and why not, over the wire (RFC 9111 §3)."""

from __future__ import annotations

from pathlib import Path

from condget import Policy
from tests.origin import Origin
from tests.transports.scenarios import (
    DIGITS,
    FRESH,
    NEW,
    TAGGED,
    WHOLE,
    Scenario,
    Step,
    again,
    answer,
    play,
    scenario_test,
    unstored,
)

SCENARIOS = [
    Scenario("G1 no-store is obeyed", unstored(answer(f"{FRESH}, no-store"), "no-store in the response")),
    Scenario(
        "G1 no-store of the request", unstored(answer(FRESH), "no-store in the request", "Cache-Control: no-store")
    ),
    Scenario("G12 neither fresh nor validated", unstored(answer(), "neither fresh nor with a validator")),
    Scenario(
        "G12 an unknown status", unstored(answer('ETag: "a"', status=299), "status 299 without explicit freshness")
    ),
    Scenario("G12 a POST", unstored(answer(FRESH), "method POST", method="POST")),
    Scenario("G12 a PUT", unstored(answer(FRESH), "method PUT", method="PUT")),
    Scenario("G12 a HEAD", unstored(answer(FRESH), "method HEAD", method="HEAD")),
    Scenario(
        "G12 must-understand",
        unstored(answer(f"{FRESH}, must-understand", status=299), "must-understand, and status 299 is not"),
    ),
    Scenario(
        "G12 several ranges",
        unstored(
            answer(f"{FRESH} | Content-Type: multipart/byteranges; boundary=x", status=206),
            "no single valid Content-Range",
        ),
    ),
    Scenario(
        "G1 must-understand overrides no-store", again(answer(f"{FRESH}, must-understand, no-store"), Step(says="hit"))
    ),
    Scenario(
        "G1 an unknown status with explicit freshness", [Step(answer(FRESH, status=299), status=299), Step(status=299)]
    ),
    Scenario(
        "G1 a 404 is a stored response like any other",
        [Step(answer(FRESH, b"no", 404), status=404), Step(status=404, body=b"no")],
    ),
    Scenario("G1 a 204 is stored", [Step(answer(FRESH, status=204), status=204), Step(status=204, body=b"")]),
    Scenario(
        "G2 hop-by-hop fields and those that Connection names are not stored",
        again(
            answer(
                f"{FRESH} | Connection: X-A, keep-alive | Keep-Alive: 5 | X-A: 1 | X-B: 2 | Proxy-Authenticate: x",
                b"",
            ),
            Step(got="-Connection: | -Keep-Alive: | -X-A: | -Proxy-Authenticate: | X-B: 2"),
        ),
    ),
    Scenario(
        "G2 repeated fields and latin-1 bytes survive a hit",
        again(
            answer(f"{FRESH} | X-A: 1 | x-a: 2 | X-B: \xe9\xff | Link: <a> | Link: <b>", b"\x00\xff"),
            Step(got="X-A: 1 | X-A: 2 | X-B: \xe9\xff | Link: <a> | Link: <b>", body=b"\x00\xff"),
        ),
    ),
    Scenario(
        "G1 a field that no-cache names is not replayed unvalidated",
        again(
            answer('Cache-Control: max-age=60, no-cache="X-A" | X-A: 1 | X-B: 2'),
            Step(got="-X-A: | X-B: 2", says="hit"),
        ),
    ),
    Scenario(
        'G1 private="field" is stored by a private cache',
        again(answer('Cache-Control: max-age=60, private="X-A" | X-A: 1'), Step(got="X-A: 1", says="hit")),
    ),
    Scenario(
        "G2 the reason phrase and an empty body survive",
        again(answer(FRESH, b"", reason="Quite Fine"), Step(body=b"", got="Content-Length: 0")),
    ),
    Scenario(
        "G11 longer than the policy allows",
        [
            Step(WHOLE, says='-stored; detail="not stored: longer than 9 bytes"'),
            Step(WHOLE, body=DIGITS),
            Step(
                answer(TAGGED, DIGITS, chunked=True),
                says='-stored; detail="not stored: longer than 9 bytes"',
                body=DIGITS,
            ),
            Step(WHOLE),
        ],
        Policy(max_content_length=9),
    ),
    Scenario(
        "G1 query and path tell responses apart, a fragment does not",
        [
            Step(answer(FRESH, b"1"), path="/a?x=1"),
            Step(answer(FRESH, b"2"), path="/a?x=2"),
            Step(path="/a?x=1#f", body=b"1"),
            Step(path="/a?x=2", body=b"2"),
            Step(NEW, path="/A?x=1"),
        ],
    ),
]


@scenario_test(SCENARIOS)
def test_storing(scenario: Scenario, kind: str, origin: Origin, tmp_path: Path) -> None:
    play(kind, scenario, origin, tmp_path)
