"""Validation over the wire (RFC 9111 §4.3)."""

from __future__ import annotations

from pathlib import Path

from tests.origin import Origin
from tests.transports.scenarios import (
    DIGITS,
    FRESH,
    MODIFIED,
    NEW,
    STALE_OK,
    TAGGED,
    UNCHANGED,
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
        "G1 a 304 with another strong tag answers once and freshens nothing",
        again(
            WHOLE,
            Step(
                answer('ETag: "b"', status=304),
                later=70,
                body=DIGITS,
                got='ETag: "a" | Age: 70',
                says='fwd-status=304; ttl=-10; -stored; detail="not stored: the 304 carries another ETag"',
            ),
            Step(UNCHANGED, sent='If-None-Match: "a"', body=DIGITS, says="stored"),
        ),
    ),
    Scenario(
        "G1 a 304 with the tag's suffix for a coding freshens",
        again(
            WHOLE,
            Step(answer('ETag: "a-gzip"', status=304), later=70, body=DIGITS, got='ETag: "a"', says="stored"),
            Step(body=DIGITS, says="hit"),
        ),
    ),
    Scenario(
        "G2 no-cache, max-age=60 is validated every time",
        again(
            answer('Cache-Control: no-cache, max-age=60 | ETag: "a"', b"1"),
            Step(
                answer("Cache-Control: no-cache", status=304),
                sent='If-None-Match: "a" | -If-Modified-Since:',
                body=b"1",
                got="Age: 0",
                says="fwd=stale; fwd-status=304; stored",
            ),
            Step(UNCHANGED, sent='If-None-Match: "a"', body=b"1"),
        ),
    ),
    Scenario(
        "G2 ETag only",
        again(answer('ETag: "a"', b"1"), Step(UNCHANGED, sent='If-None-Match: "a" | -If-Modified-Since:', body=b"1")),
    ),
    Scenario(
        "G2 Last-Modified only",
        again(
            answer(f"Last-Modified: {MODIFIED} | Cache-Control: max-age=0", b"1"),
            Step(UNCHANGED, sent=f"If-Modified-Since: {MODIFIED} | -If-None-Match:", body=b"1"),
        ),
    ),
    Scenario(
        "A3 malformed validators come back byte for byte",
        again(
            answer('ETag: ""947e30c936"" | Last-Modified: yesterday', b"1"),
            Step(UNCHANGED, sent='If-None-Match: ""947e30c936"" | If-Modified-Since: yesterday', body=b"1"),
        ),
    ),
    Scenario(
        "A3 a latin-1 ETag comes back",
        again(answer('ETag: "\xe9"', b"1"), Step(UNCHANGED, sent='If-None-Match: "\xe9"')),
    ),
    Scenario(
        "A6 two ETag lines come back as a list",
        again(answer('ETag: "a" | ETag: "b"', b"1"), Step(UNCHANGED, sent='If-None-Match: "a", "b"', body=b"1")),
    ),
    Scenario(
        "A4 an empty ETag is none", [Step(answer(f"{FRESH} | ETag:")), Step(NEW, later=60, sent="-If-None-Match:")]
    ),
    Scenario(
        "G2 what a 304 changes and what it does not",
        again(
            answer(f"{TAGGED} | Content-Type: a/b | Content-Encoding: identity | X-A: 1 | X-B: 1", b"123"),
            Step(
                answer(
                    "Cache-Control: max-age=100 | Content-Type: c/d | Content-Encoding: gzip | X-A: 2 | X-C: 3"
                    " | Content-Length: 0",
                    status=304,
                ),
                later=60,
                body=b"123",
                got="Cache-Control: max-age=100 | Content-Type: a/b | Content-Encoding: identity"
                " | Content-Length: 3 | X-A: 2 | X-B: 1 | X-C: 3",
            ),
            Step(later=99, body=b"123", got="X-A: 2 | X-C: 3 | Age: 99 | Content-Type: a/b", says="hit; ttl=1"),
        ),
    ),
    Scenario(
        "G1 a 200 replaces what was stored",
        again(
            answer(TAGGED, b"1"),
            Step(answer(f'{FRESH} | ETag: "b"', b"2"), later=60, sent='If-None-Match: "a"', body=b"2", says="stored"),
            Step(body=b"2", got='ETag: "b"'),
            Step(UNCHANGED, later=60, sent='If-None-Match: "b"'),
        ),
    ),
    Scenario(
        "B2 the pair is replaced as one",
        again(
            answer(f"{TAGGED} | Last-Modified: {MODIFIED}"),
            Step(answer('ETag: "b"'), later=60),
            Step(UNCHANGED, sent='If-None-Match: "b" | -If-Modified-Since:'),
        ),
    ),
    Scenario("G1 a 304 that nobody asked for reaches the caller", [Step(UNCHANGED, status=304, says="-stored")]),
    Scenario(
        "G1 a newer answer that may not be stored supersedes what was stored",
        again(
            STALE_OK,
            Step(answer("Cache-Control: no-store", b"2"), later=60, body=b"2"),
            Step(NEW, sent="-If-None-Match:"),
        ),
    ),
    Scenario(
        "G1 a 404 ends what was stored",
        again(STALE_OK, Step(answer(status=404), later=60, status=404), Step(NEW, sent="-If-None-Match:")),
    ),
    Scenario(
        "B4 a 403 and a 429 leave it",
        again(
            STALE_OK,
            Step(answer(status=403), later=60, status=403),
            Step(answer(status=429), status=429),
            Step(UNCHANGED, sent='If-None-Match: "a"', body=b"old"),
        ),
    ),
    Scenario(
        "G4 a Set-Cookie of a 304 reaches the caller, once",
        again(
            answer(TAGGED, b"1"),
            Step(answer(f"{FRESH} | Set-Cookie: a=b", status=304), later=60, got="Set-Cookie: a=b"),
            Step(got="-Set-Cookie:"),
        ),
    ),
]


@scenario_test(SCENARIOS)
def test_validation(scenario: Scenario, kind: str, origin: Origin, tmp_path: Path) -> None:
    play(kind, scenario, origin, tmp_path)
