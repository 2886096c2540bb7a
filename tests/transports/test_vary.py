"""Vary over the wire (RFC 9111 §4.1)."""

from __future__ import annotations

from pathlib import Path

from tests.origin import Origin
from tests.transports.scenarios import (
    FRESH,
    NEW,
    TAGGED,
    UNCHANGED,
    Scenario,
    Step,
    again,
    answer,
    play,
    scenario_test,
    unstored,
)

SCENARIOS = [
    Scenario(
        "G2 several variants are kept, all their tags offered, and the 304 selects",
        [
            Step(answer(f'{FRESH} | ETag: "1" | Vary: X-A', b"1"), "X-A: 1"),
            Step(answer(f'{FRESH} | ETag: "2" | Vary: X-A', b"2"), "X-A: 2", says="fwd=vary-miss; stored"),
            Step(asked="X-A: 1", body=b"1", says="hit"),
            Step(asked="X-A: 2", body=b"2", says="hit"),
            Step(
                answer('ETag: "1"', status=304),
                "X-A: 3",
                sent='If-None-Match: "2", "1"',
                body=b"1",
                says="fwd=vary-miss; fwd-status=304; stored",
            ),
            Step(asked="X-A: 3", body=b"1", says="hit"),
            Step(asked="X-A: 1", body=b"1", says="hit"),
            Step(
                [UNCHANGED, answer(f'{FRESH} | ETag: "4" | Vary: X-A', b"4")],
                "X-A: 4",
                sent="-If-None-Match:",
                body=b"4",
            ),
            Step(asked="X-A: 4", body=b"4", says="hit"),
        ],
    ),
    Scenario(
        "G1 a new answer replaces its own variant only",
        [
            Step(answer(f"{FRESH} | Vary: X-A", b"1"), "X-A: 1"),
            Step(answer(f"{FRESH} | Vary: X-A", b"2"), "X-A: 2"),
            Step(answer(f"{FRESH} | Vary: X-A", b"3"), "X-A: 1", control="reload", body=b"3"),
            Step(asked="X-A: 1", body=b"3"),
            Step(asked="X-A: 2", body=b"2"),
        ],
    ),
    Scenario(
        "G1 white space, order and case of languages and codings are normalised",
        again(
            answer(f"{FRESH} | Vary: accept-language, Accept-Encoding", b"1"),
            Step(asked="Accept-Language: EN,  de;Q=0.5 | Accept-Encoding: BR,gzip", body=b"1", says="hit"),
            Step(NEW, "Accept-Language: en | Accept-Encoding: gzip, br", says="fwd=vary-miss"),
            asked="Accept-Language: de;q=0.5, en | Accept-Encoding: gzip, br",
        ),
    ),
    Scenario(
        "G1 an absent field is a value of its own",
        again(answer(f"{FRESH} | Vary: X-A"), Step(NEW, "X-A:", says="fwd=vary-miss")),
    ),
    Scenario(
        "G1 a star anywhere is never matched",
        again(
            answer(f"{TAGGED} | Vary: X-A, *", b"1"),
            Step(UNCHANGED, sent='If-None-Match: "a"', body=b"1"),
            Step(UNCHANGED, body=b"1"),
        ),
    ),
    Scenario(
        "G1 a star without a validator is not stored",
        unstored(answer(f"{FRESH} | Vary: *"), "Vary: * without a validator"),
    ),
    Scenario(
        "G3 a Vary on Authorization and on Cookie",
        [
            Step(answer(f"{FRESH} | Vary: Cookie", b"1"), "Cookie: a=1"),
            Step(answer(f"{FRESH} | Vary: Cookie", b"2"), "Cookie: a=2"),
            Step(asked="Cookie: a=1", body=b"1"),
        ],
    ),
]


@scenario_test(SCENARIOS)
def test_vary(scenario: Scenario, kind: str, origin: Origin, tmp_path: Path) -> None:
    play(kind, scenario, origin, tmp_path)
