"""Age and freshness lifetime over the wire (RFC 9111 §4.2, §5.1)."""

from __future__ import annotations

from pathlib import Path

from condget import Policy
from condget.cache.dates import format_date
from tests.origin import Origin
from tests.transports.scenarios import (
    FRESH,
    MODIFIED,
    NEW,
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
        "G1 max-age is fresh until its end, and Age is told on every reuse",
        again(
            answer(FRESH, b"1"),
            Step(body=b"1", got="Age: 0", says="hit; ttl=60; -stored"),
            Step(later=59, body=b"1", got="Age: 59", says="hit; ttl=1"),
            Step(NEW, later=1, body=b"new", got="-Age", says="fwd=stale; fwd-status=200; stored"),
        ),
    ),
    Scenario(
        "G2 Age is counted", again(answer(f"{FRESH} | Age: 50"), Step(later=9, got="Age: 59"), Step(NEW, later=1))
    ),
    Scenario(
        "G2 the first member of the first Age line counts",
        again(answer(f"{FRESH} | Age: 50, 1 | Age: 2"), Step(later=9, got="Age: 59"), Step(NEW, later=1)),
    ),
    Scenario("G2 an Age that overflows is stale", again(answer(f"{TAGGED} | Age: {'9' * 40}"), Step(NEW))),
    Scenario("G2 an Age that is no number is ignored", again(answer(f"{FRESH} | Age: -5x"), Step(got="Age: 0"))),
    Scenario(
        "G1 an old Date counts as age",
        again(answer(f"{FRESH} | Date: {format_date(T - 50)}"), Step(later=9, got="Age: 59"), Step(NEW, later=1)),
    ),
    Scenario(
        "G1 a Date in the future makes nothing younger",
        again(answer(f"{FRESH} | Date: {format_date(T + 500)}"), Step(later=59), Step(NEW, later=1)),
    ),
    Scenario(
        "G2 an invalid Date is the time of receipt",
        again(
            answer(f"{FRESH} | Date: yesterday"), Step(later=59, got="Age: 59 | Date: yesterday"), Step(NEW, later=1)
        ),
    ),
    Scenario(
        "G1 Expires counts from Date",
        again(answer(f"Expires: {format_date(T + 60)} | Date: {format_date(T)}"), Step(later=59), Step(NEW, later=1)),
    ),
    Scenario(
        "G1 RFC 850 and asctime are dates, in any case",
        [
            *again(answer("Expires: Sunday, 09-sep-01 01:47:40 GMT"), Step(later=59), Step(NEW, later=1)),
            Step(answer("Expires: SUN SEP  9 01:50:40 2001"), path="/2"),
            Step(path="/2", later=119, says="hit"),
        ],
    ),
    *[
        Scenario(f"G2 the Expires {text!r} is stale", [*again(answer(f'ETag: "a" | Expires: {text}'), Step(NEW))])
        for text in ("0", "-1", "yesterday", "Sun, 09 Sep 2001 01:47:40 +0000", "2001-09-09T02:46:40Z")
    ],
    Scenario(
        "G2 a repeated Expires is stale",
        again(answer(f'ETag: "a" | Expires: {format_date(T + 60)} | Expires: {format_date(T + 60)}'), Step(NEW)),
    ),
    Scenario(
        "G1 max-age goes before Expires", again(answer(f"{FRESH} | Expires: 0"), Step(later=59), Step(NEW, later=1))
    ),
    Scenario(
        "G2 quoted arguments and odd case", again(answer('cache-control: Max-AGE="60"'), Step(later=59, says="hit"))
    ),
    Scenario(
        "G1 freshness that the origin does not state is validated",
        again(
            answer(f"Last-Modified: {MODIFIED}"),
            Step(UNCHANGED, later=1, sent=f"If-Modified-Since: {MODIFIED}"),
        ),
    ),
    Scenario(
        "G1 a tenth of the time since Last-Modified, by the policy",
        again(
            answer(f"Last-Modified: {MODIFIED}"),
            Step(later=99),
            Step(UNCHANGED, later=1, sent=f"If-Modified-Since: {MODIFIED}"),
        ),
        Policy(heuristic_fraction=0.1),
    ),
    Scenario(
        "G1 a clock that was set back makes nothing stale, nor fails",
        again(answer(FRESH), Step(later=-86400, got="Age: 0", says="hit")),
    ),
]


@scenario_test(SCENARIOS)
def test_age(scenario: Scenario, kind: str, origin: Origin, tmp_path: Path) -> None:
    play(kind, scenario, origin, tmp_path)
