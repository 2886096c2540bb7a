"""HEAD over the wire (RFC 9111 §4.3.5)."""

from __future__ import annotations

from pathlib import Path

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
)

SCENARIOS = [
    Scenario(
        "G1 HEAD is answered from a stored GET",
        again(WHOLE, Step(method="HEAD", body=b"", got='Content-Length: 10 | ETag: "a" | Age: 0', says="hit")),
    ),
    Scenario(
        "G1 HEAD freshens",
        again(
            WHOLE,
            Step(answer(f"{TAGGED} | X-A: 1 | Content-Length: 10"), method="HEAD", later=60, says="stored"),
            Step(later=59, body=DIGITS, got="X-A: 1 | Age: 59"),
        ),
    ),
    Scenario(
        "G1 HEAD with another ETag invalidates",
        again(WHOLE, Step(answer(f'{FRESH} | ETag: "b"'), method="HEAD", later=60), Step(NEW, sent="-If-None-Match:")),
    ),
    Scenario(
        "G1 HEAD with another length invalidates",
        again(
            WHOLE,
            Step(answer(f"{FRESH} | Content-Length: 11"), method="HEAD", later=60),
            Step(NEW, sent="-If-None-Match:"),
        ),
    ),
    Scenario("G1 a HEAD serves no GET", [Step(answer(FRESH), method="HEAD"), Step(WHOLE, body=DIGITS)]),
]


@scenario_test(SCENARIOS)
def test_head(scenario: Scenario, kind: str, origin: Origin, tmp_path: Path) -> None:
    play(kind, scenario, origin, tmp_path)
