"""Responses to different credentials never meet, over the wire (RFC 9111 §3.5)."""

from __future__ import annotations

from pathlib import Path

from tests.origin import Origin
from tests.transports.scenarios import FRESH, NEW, Scenario, Step, again, answer, play, scenario_test

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
