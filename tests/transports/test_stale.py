"""Stale responses over the wire (RFC 9111 §4.2.4, RFC 5861)."""

from __future__ import annotations

import math
from pathlib import Path

from condget import Policy
from tests.library import httpx
from tests.origin import Origin
from tests.transports.scenarios import (
    FRESH,
    NEW,
    RESET,
    STALE_OK,
    UNCHANGED,
    Scenario,
    Step,
    again,
    answer,
    play,
    scenario_test,
)

ANY_AGE = Policy(stale_if_error=math.inf)

SCENARIOS = [
    *[
        Scenario(
            f"G9 served stale when the origin {how}",
            again(
                STALE_OK,
                Step(
                    fails,
                    later=100,
                    body=b"old",
                    got="Age: 100",
                    says=f'fwd=stale; -hit; ttl=-40; detail="stale, {says}"',
                ),
            ),
            ANY_AGE,
        )
        for how, fails, says in (
            ("answers 500", answer(status=500), "the origin answered 500"),
            ("answers 503", answer(FRESH, b"x" * 1000, 503), "the origin answered 503"),
        )
    ],
    Scenario(
        "G9 served stale when the origin resets",
        again(STALE_OK, Step(RESET, later=100, body=b"old", says="fwd=stale")),
        ANY_AGE,
    ),
    Scenario(
        "G9 no error becomes a 200 by default",
        again(
            STALE_OK,
            Step(answer(status=503), later=61, status=503),
            Step(answer(status=500), status=500),
            Step(RESET, raises=httpx.TransportError),
            Step(UNCHANGED, body=b"old"),
        ),
    ),
    Scenario(
        "G9 other errors of the origin are passed on",
        again(
            STALE_OK,
            *[Step(answer(status=status), later=61, status=status) for status in (501, 505, 507, 429, 403)],
            Step(answer(status=502), body=b"old"),
            Step(answer(status=504), body=b"old"),
        ),
        ANY_AGE,
    ),
    *[
        Scenario(
            f"G9 not served stale: {text}",
            again(
                answer(f'Cache-Control: {text} | ETag: "a"', b"old"),
                Step(answer("", b"no", 503), later=100, status=503, body=b"no"),
                Step(RESET, raises=httpx.TransportError),
                Step(UNCHANGED, sent='If-None-Match: "a"', body=b"old"),
            ),
        )
        for text in ("max-age=60, must-revalidate", "max-age=60, no-cache", "max-age=60, stale-if-error=30")
    ],
    Scenario(
        "G9 what fails the caller's condition does not stand in, and the status does not say so",
        again(
            STALE_OK,
            Step(
                answer(status=500),
                'If-Match: "x"',
                later=60,
                status=500,
                says='-stored; detail="not stored: status 500 without explicit freshness"',
            ),
            Step(RESET, 'If-Match: "x"', raises=httpx.TransportError),
        ),
    ),
    Scenario(
        "G9 stale-if-error=50 reaches to the fiftieth second",
        again(
            answer("Cache-Control: max-age=60, stale-if-error=50", b"old"),
            Step(answer(status=500), later=110, body=b"old"),
            Step(answer(status=500), later=1, status=500),
        ),
    ),
    Scenario(
        "G9 stale-if-error of the policy",
        again(
            STALE_OK,
            Step(answer(status=500), later=70, body=b"old"),
            Step(answer(status=500), later=1, status=500),
        ),
        Policy(stale_if_error=10),
    ),
    Scenario(
        "G9 who asks for the origin gets its error",
        again(
            STALE_OK,
            Step(answer(status=500), "Cache-Control: no-cache", status=500),
            Step(answer(status=500), control="reload", status=500),
            Step(answer(status=500), control="no-cache", status=500),
        ),
    ),
    Scenario(
        "G9 stale-while-revalidate answers at once and asks in the background",
        again(
            answer('Cache-Control: max-age=60, stale-while-revalidate=60 | ETag: "a"', b"old"),
            Step(later=100, body=b"old", got="Age: 100", says="hit; ttl=-40", background=answer(FRESH, b"new")),
            Step(body=b"new", got="Age: 0", says="hit"),
        ),
    ),
    Scenario(
        "G9 a background 304 freshens",
        again(
            answer('Cache-Control: max-age=60, stale-while-revalidate=60 | ETag: "a"', b"old"),
            Step(later=100, body=b"old", background=answer(status=304)),
            Step(body=b"old", got="Age: 0", says="hit; ttl=60"),
        ),
    ),
    Scenario(
        "G9 a background failure changes nothing",
        again(
            answer('Cache-Control: max-age=60, stale-while-revalidate=60 | ETag: "a"', b"old"),
            Step(later=100, body=b"old", background=RESET),
            Step(body=b"old", background=answer(status=500)),
            Step(body=b"old", background=NEW),
            Step(body=b"new"),
        ),
    ),
    Scenario(
        "G9 stale-while-revalidate ends",
        again(
            answer("Cache-Control: max-age=60, stale-while-revalidate=60", b"old"), Step(NEW, later=120, body=b"new")
        ),
    ),
    Scenario(
        "G9 only-if-cached",
        [
            Step(asked="Cache-Control: only-if-cached", status=504, body=b"", says="fwd=uri-miss"),
            *again(
                STALE_OK,
                Step(asked="Cache-Control: only-if-cached"),
                Step(asked="Cache-Control: only-if-cached", later=60, status=504, says="fwd=stale"),
            ),
        ],
    ),
    Scenario(
        "G9 min-fresh and max-stale",
        again(
            STALE_OK,
            Step(asked="Cache-Control: min-fresh=10", later=50),
            Step(UNCHANGED, "Cache-Control: min-fresh=10", later=1, says="fwd=request"),
            Step(asked="Cache-Control: max-stale=5", later=65, got="Age: 65"),
            Step(UNCHANGED, "Cache-Control: max-stale=5", later=1),
        ),
    ),
    Scenario(
        "G9 immutable changes nothing for who does not reload",
        again(answer("Cache-Control: max-age=60, immutable"), Step(later=59), Step(NEW, later=1)),
    ),
]


@scenario_test(SCENARIOS)
def test_stale(scenario: Scenario, kind: str, origin: Origin, tmp_path: Path) -> None:
    play(kind, scenario, origin, tmp_path)
