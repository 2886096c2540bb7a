"""The caller's own preconditions over the wire (RFC 9110 §13, RFC 9111 §4.3.2)."""

from __future__ import annotations

from pathlib import Path

from condget.cache.dates import format_date
from tests.origin import Origin
from tests.transports.scenarios import (
    MODIFIED,
    NEW,
    STALE_OK,
    TAGGED,
    UNCHANGED,
    Scenario,
    Step,
    T,
    again,
    answer,
    play,
    scenario_test,
)

SCENARIOS = [
    Scenario(
        "A7 the caller's condition is answered from what is fresh",
        again(
            answer(f"{TAGGED} | Last-Modified: {MODIFIED} | X-A: 1 | Content-Type: a/b", b"1"),
            Step(
                asked='If-None-Match: "a"',
                status=304,
                body=b"",
                got='ETag: "a" | Age: 0 | -Content-Length: | -Content-Type:',
                says="hit",
            ),
            Step(asked='If-None-Match: "x", W/"a"', status=304),
            Step(asked="If-None-Match: *", status=304),
            Step(asked='If-None-Match: "x"', body=b"1"),
            Step(asked=f"If-Modified-Since: {MODIFIED}", status=304),
            Step(asked=f"If-Modified-Since: {format_date(T - 2000)}", body=b"1"),
            Step(asked=f'If-None-Match: "x" | If-Modified-Since: {MODIFIED}', body=b"1"),
            Step(asked="If-Modified-Since: junk", body=b"1"),
            Step(asked='If-Match: "a"', body=b"1"),
            Step(asked=f"If-Unmodified-Since: {MODIFIED}", body=b"1"),
            Step(method="HEAD", asked='If-None-Match: "a"', status=304),
        ),
    ),
    Scenario(
        "A7 a condition that fails on what is stored is the origin's to judge",
        again(
            STALE_OK,
            Step(
                answer(status=412),
                'If-Match: "x"',
                status=412,
                sent='If-Match: "x" | -If-None-Match:',
                says="fwd=request",
            ),
            Step(answer(status=412), f"If-Unmodified-Since: {format_date(0)}", status=412),
            Step(body=b"old"),
        ),
    ),
    Scenario(
        "A7 what is stale is validated first: the caller's tag was the stored one",
        again(
            STALE_OK,
            Step(
                UNCHANGED,
                'If-None-Match: "a"',
                later=60,
                sent='If-None-Match: "a"',
                status=304,
                says="fwd=stale; fwd-status=304; stored",
            ),
            Step(body=b"old", says="hit"),
        ),
    ),
    Scenario(
        "A7 what is stale is validated first: the stored one holds, the caller has another",
        again(
            STALE_OK,
            Step(
                answer('ETag: "a"', status=304),
                'If-None-Match: "x"',
                later=60,
                sent='If-None-Match: "x", "a"',
                body=b"old",
            ),
            Step(body=b"old"),
        ),
    ),
    Scenario(
        "A7 what is stale is validated first: the caller's holds, the stored one does not",
        again(
            STALE_OK,
            Step(answer('ETag: "x"', status=304), 'If-None-Match: "x"', later=60, status=304, says="-stored"),
            Step(NEW, sent='If-None-Match: "a"'),
        ),
    ),
    Scenario(
        "A7 what is stale is validated first: neither holds",
        again(
            STALE_OK,
            Step(NEW, 'If-None-Match: "x"', later=60, body=b"new", says="stored"),
            Step(body=b"new"),
        ),
    ),
    Scenario(
        "A7 a condition of the caller's with nothing stored goes through",
        [
            Step(UNCHANGED, 'If-None-Match: "x"', status=304, sent='If-None-Match: "x"', says="-stored"),
            Step(NEW, sent="-If-None-Match:"),
        ],
    ),
    Scenario(
        "A7 If-Modified-Since of the caller's is not overwritten",
        again(
            answer(f"Cache-Control: max-age=60 | Last-Modified: {MODIFIED}", b"1"),
            Step(
                answer(status=304),
                f"If-Modified-Since: {format_date(T)}",
                later=60,
                sent=f"If-Modified-Since: {format_date(T)}",
                status=304,
            ),
        ),
    ),
]


@scenario_test(SCENARIOS)
def test_conditions(scenario: Scenario, kind: str, origin: Origin, tmp_path: Path) -> None:
    play(kind, scenario, origin, tmp_path)
