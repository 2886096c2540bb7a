"""Ranges and partial content over the wire (RFC 9110 §14, RFC 9111 §3.3, §3.4)."""

from __future__ import annotations

from pathlib import Path

from tests.origin import Origin
from tests.transports.scenarios import (
    DIGITS,
    FRESH,
    MODIFIED,
    TAGGED,
    UNCHANGED,
    WHOLE,
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
        "G10 a complete stored body answers Range",
        again(
            WHOLE,
            Step(
                asked="Range: bytes=2-4",
                status=206,
                body=b"234",
                got='Content-Range: bytes 2-4/10 | Content-Length: 3 | ETag: "a" | Age: 0',
                says="hit",
            ),
            Step(asked="Range: bytes=7-", status=206, body=b"789"),
            Step(asked="Range: bytes=-3", status=206, body=b"789", got="Content-Range: bytes 7-9/10"),
            Step(asked="Range: bytes=-99", status=206, body=DIGITS),
            Step(asked="Range: bytes=5-99", status=206, body=b"56789"),
            Step(asked="Range: bytes=10-", status=416, body=b"", got="Content-Range: bytes */10"),
            Step(asked="Range: bytes=-0", status=416),
            Step(asked="Range: bytes=0-1,4-5", body=DIGITS),
            Step(asked="Range: chapters=1", body=DIGITS),
            Step(asked="Range: bytes=4-2", body=DIGITS),
            Step(asked='Range: bytes=0-1 | If-Range: "a"', status=206),
            Step(asked='Range: bytes=0-1 | If-Range: W/"a"', body=DIGITS),
            Step(asked='Range: bytes=0-1 | If-Range: "b"', body=DIGITS),
            Step(asked=f"Range: bytes=0-1 | If-Range: {MODIFIED}", body=DIGITS),
        ),
    ),
    Scenario(
        "G10 a range of what is stale is validated",
        again(
            WHOLE,
            Step(
                UNCHANGED,
                "Range: bytes=2-4",
                later=60,
                sent='Range: bytes=2-4 | If-None-Match: "a"',
                status=206,
                body=b"234",
            ),
            Step(body=DIGITS),
        ),
    ),
    Scenario(
        "G2 a 206 is never served as 200",
        [
            Step(part(0, 4, FRESH), "Range: bytes=0-4", status=206),
            Step(WHOLE, body=DIGITS, says="fwd=partial"),
            Step(body=DIGITS, says="hit"),
        ],
    ),
    Scenario(
        "G10 a stored part answers what lies in it",
        [
            Step(part(2, 7), "Range: bytes=2-7", status=206, says="stored"),
            Step(asked="Range: bytes=3-5", status=206, body=b"345", got="Content-Range: bytes 3-5/10", says="hit"),
            Step(asked="Range: bytes=2-7", status=206, body=b"234567"),
            Step(part(1, 3), "Range: bytes=1-3", status=206, body=b"123", says="fwd=partial"),
        ],
    ),
    Scenario(
        "G10 the last part answers a suffix",
        [
            Step(part(5, 9), "Range: bytes=5-9", status=206),
            Step(asked="Range: bytes=-3", status=206, body=b"789", says="hit"),
        ],
    ),
    Scenario(
        "G10 parts are combined",
        [
            Step(part(0, 3), "Range: bytes=0-3", status=206),
            Step(part(4, 6), "Range: bytes=4-6", status=206, body=b"456", says="stored"),
            Step(asked="Range: bytes=1-5", status=206, body=b"12345", says="hit"),
            Step(part(7, 9), "Range: bytes=7-9", status=206),
            Step(body=DIGITS, got="Content-Length: 10 | -Content-Range:", says="hit"),
        ],
    ),
    Scenario(
        "G10 a stored part is completed",
        [
            Step(part(0, 3), "Range: bytes=0-3", status=206),
            Step(
                part(4, 9),
                sent='Range: bytes=4- | If-Range: "a"',
                body=DIGITS,
                got="Content-Length: 10 | -Content-Range:",
                says="fwd=partial; fwd-status=206; stored",
            ),
            Step(body=DIGITS, says="hit"),
        ],
    ),
    Scenario(
        "G4 a Set-Cookie reaches the caller with the rest",
        [
            Step(part(0, 3), "Range: bytes=0-3", status=206),
            Step(part(4, 9, f"{TAGGED} | Set-Cookie: a=b"), body=DIGITS, got="Set-Cookie: a=b"),
            Step(got="-Set-Cookie:"),
        ],
    ),
    Scenario(
        "G10 the stored part is of another version: the new one comes whole",
        [
            Step(part(0, 3), "Range: bytes=0-3", status=206),
            Step(answer(f'{FRESH} | ETag: "b"', b"other"), body=b"other"),
            Step(body=b"other", says="hit"),
        ],
    ),
    Scenario(
        "G10 a rest that does not fit is not glued on",
        [
            Step(part(0, 3), "Range: bytes=0-3", status=206),
            Step([part(4, 9, f'{FRESH} | ETag: "b"'), WHOLE], sent="-Range: | -If-Range:", body=DIGITS),
            Step(body=DIGITS),
        ],
    ),
    Scenario(
        "G10 a rest that is not all is not glued on",
        [
            Step(part(0, 3), "Range: bytes=0-3", status=206),
            Step([part(4, 6), WHOLE], body=DIGITS),
            Step(body=DIGITS, says="hit"),
        ],
    ),
    Scenario(
        "G10 parts without a strong validator are not combined",
        [
            Step(part(0, 3, f'{FRESH} | ETag: W/"a"'), "Range: bytes=0-3", status=206),
            Step(part(4, 9, f'{FRESH} | ETag: W/"a"'), "Range: bytes=4-9", status=206),
            Step(WHOLE, sent="-Range:", body=DIGITS),
        ],
    ),
    Scenario(
        "G10 a 416 is not stored",
        [
            Step(
                answer(f"{FRESH} | Content-Range: bytes */10", status=416),
                "Range: bytes=99-",
                status=416,
                says="-stored",
            ),
            Step(WHOLE),
        ],
    ),
    Scenario(
        "G10 a HEAD is not answered from a part",
        [Step(part(0, 3), "Range: bytes=0-3", status=206), Step(answer(FRESH), method="HEAD")],
    ),
]


@scenario_test(SCENARIOS)
def test_ranges(scenario: Scenario, kind: str, origin: Origin, tmp_path: Path) -> None:
    play(kind, scenario, origin, tmp_path)
