"""Part G over the wire, as a table of scenarios that run in sync and async: RFC 9111, RFC 5861, RFC 9211."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from condget import Policy
from condget.cache.dates import format_date
from tests.origin import Answer, Origin
from tests.transports.scenarios import KINDS, Scenario, Step, T, answer, play

FRESH = "Cache-Control: max-age=60"
TAGGED = f'{FRESH} | ETag: "a"'
MODIFIED = format_date(T - 1000)
STALE_OK = answer(TAGGED, b"old")
NEW = answer(FRESH, b"new")
UNCHANGED = answer(status=304)
DIGITS = b"0123456789"
WHOLE = answer(TAGGED, DIGITS)
RESET = Answer(reset=True)


def part(first: int, last: int, text: str = TAGGED, length: str = "10") -> Answer:
    return answer(f"{text} | Content-Range: bytes {first}-{last}/{length}", DIGITS[first : last + 1], 206)


def again(first: Answer, *steps: Step, asked: str = "") -> list[Step]:
    """Steps that follow a first answer that is stored."""
    return [Step(first, asked, says="stored"), *steps]


def unstored(first: Answer, detail: str, asked: str = "", method: str = "GET") -> list[Step]:
    """An answer that is not stored, with its reason; the same request reaches the origin again."""
    step = Step(first, asked, method=method, status=first.status, says=f'-stored; detail="not stored: {detail}"')
    return [step, step]


AGE = [
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
        "G1 a tenth of the time since Last-Modified",
        again(
            answer(f"Last-Modified: {MODIFIED}"),
            Step(later=99),
            Step(UNCHANGED, later=1, sent=f"If-Modified-Since: {MODIFIED}"),
        ),
    ),
    Scenario(
        "G1 a clock that was set back makes nothing stale, nor fails",
        again(answer(FRESH), Step(later=-86400, got="Age: 0", says="hit")),
    ),
]

STORING = [
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

VALIDATION = [
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

STALE = [
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
        )
        for how, fails, says in (
            ("answers 500", answer(status=500), "the origin answered 500"),
            ("answers 503", answer(FRESH, b"x" * 1000, 503), "the origin answered 503"),
        )
    ],
    Scenario(
        "G9 served stale when the origin resets", again(STALE_OK, Step(RESET, later=100, body=b"old", says="fwd=stale"))
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

CONDITIONS = [
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

RANGES = [
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

VARY = [
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

INVALIDATION = [
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

HEADS = [
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

CREDENTIALS = [
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

CONTROL = [
    Scenario(
        "G9 mode no-store",
        [
            Step(
                NEW, control="no-store", sent="Cache-Control: no-cache | Pragma: no-cache", says="fwd=bypass; -stored"
            ),
            Step(NEW),
            Step(answer(FRESH, b"2"), control="no-store", body=b"2"),
            Step(body=b"new"),
        ],
    ),
    Scenario(
        "G9 mode reload",
        again(
            STALE_OK,
            Step(
                NEW,
                control="reload",
                sent="Cache-Control: no-cache | Pragma: no-cache | -If-None-Match:",
                says="fwd=request; stored",
            ),
            Step(body=b"new"),
        ),
    ),
    Scenario(
        "G9 mode no-cache",
        again(
            STALE_OK,
            Step(
                UNCHANGED,
                control="no-cache",
                sent='Cache-Control: max-age=0 | If-None-Match: "a"',
                body=b"old",
                says="fwd=request; fwd-status=304; stored",
            ),
        ),
    ),
    Scenario(
        "G9 mode force-cache",
        [
            Step(STALE_OK, control="force-cache"),
            Step(later=10**6, control="force-cache", body=b"old", says="hit"),
            Step(UNCHANGED),
        ],
    ),
    Scenario(
        "G9 mode only-if-cached",
        [
            Step(control="only-if-cached", status=504),
            Step(STALE_OK),
            Step(later=10**6, control={"mode": "only-if-cached"}, body=b"old", says="hit"),
        ],
    ),
    Scenario("G9 mode default", again(STALE_OK, Step(control="default"), Step(control={}))),
    Scenario(
        "G1 ttl of the policy, where the origin says nothing",
        again(
            answer(),
            Step(later=59, says="hit; ttl=1"),
            Step(answer("Cache-Control: no-store"), later=1),
            Step(answer("Cache-Control: max-age=5")),
            Step(NEW, later=5),
        ),
        Policy(ttl=60),
    ),
    Scenario(
        "G1 ttl of one request",
        [
            Step(answer(), control={"ttl": 60}, says="stored"),
            Step(later=59, control={"ttl": 60}, says="hit"),
            Step(NEW, control={"ttl": 59}),
        ],
    ),
    *[
        Scenario(f"G9 the control {control!r} is refused", [Step(control=control, raises=ValueError)])
        for control in (
            "reloaded",
            {"mode": "x"},
            {"modes": "reload"},
            ["reload"],
            5,
            {"ttl": -1},
            {"ttl": "60"},
            {"partition": 5},
            {"mode": None},
        )
    ],
    Scenario(
        "G12 Cache-Status of a stored part that is completed",
        [
            Step(part(0, 3), "Range: bytes=0-3", status=206),
            Step(part(4, 9), got="Cache-Status: condget; fwd=partial; fwd-status=206; stored"),
        ],
        Policy(cache_status=True),
    ),
    Scenario(
        "G12 Cache-Status on request, behind that of other caches",
        [
            Step(
                answer(f"{FRESH} | Cache-Status: edge; hit"),
                got="Cache-Status: edge; hit | Cache-Status: condget; fwd=uri-miss; fwd-status=200; ttl=60; stored",
            ),
            Step(later=10, got="Cache-Status: edge; hit | Cache-Status: condget; hit; ttl=50"),
            Step(NEW, later=60, got="Cache-Status: condget; fwd=stale; fwd-status=200; ttl=60; stored"),
        ],
        Policy(cache_status=True),
    ),
]

SCENARIOS = [
    *AGE,
    *STORING,
    *VALIDATION,
    *STALE,
    *CONDITIONS,
    *RANGES,
    *VARY,
    *INVALIDATION,
    *HEADS,
    *CREDENTIALS,
    *CONTROL,
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario(scenario: Scenario, kind: str, origin: Origin, tmp_path: Path) -> None:
    play(kind, scenario, origin, tmp_path)


def test_every_scenario_has_a_name_of_its_own() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names)
