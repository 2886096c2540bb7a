"""Heads that are read without h11: what is read is what h11 reads, in time that grows with the length."""

from __future__ import annotations

import h11
from hypothesis import example, given
from hypothesis import strategies as st

from condget.fetching import response_head

STATUS_LINES = [
    *("HTTP/1.1 200 OK", "HTTP/1.0 304 Not Modified", "HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.1 299 \xe9\t x"),
    *("HTTP/1.1 103 Early", "HTTP/2.0 200 OK", "http/1.1 200 OK", "HTTP/1.1 2000 OK", "HTTP/1.1  200 OK"),
    *("HTTP/1.1 200 a\x00b", "HTTP/1.1 099 No", "HTTP/1.1 200\tOK", "ICY 200 OK"),
]
LINES = [
    *('ETag: "a"', "etag:b", "X-A:  two  words \t", "X-Empty:", "X-High: \xe9\xff", "Content-Length: 5"),
    *("Content-Length: 6", "content-length: +5", "Content-Length: 5, 5", "Content-Length: ", "Content-Length: \xb2"),
    *("Transfer-Encoding: chunked", "Transfer-Encoding: gzip", " folded", "No colon", "Bad name: x", ": x"),
    *("X-Nul: a\x00b", "X-Ctl: a\x01b", "X-Del: a\x7fb", "X-Cr: a\rb", "X-Vt: a\x0bb", "Connection: close"),
]


@given(
    st.sampled_from(STATUS_LINES),
    st.lists(st.sampled_from(LINES), max_size=4),
    st.sampled_from(["\r\n", "\r\n", "\n"]),
)
@example("HTTP/1.1 200 OK", ["X: " + "a" * 70_000], "\r\n")
def test_what_the_wire_reads_of_a_head_is_what_h11_reads(status: str, lines: list[str], end: str) -> None:
    """And what it does not read is left to h11: nothing is accepted that h11 would refuse."""
    data = (end.join([status, *lines]) + end * 2).encode("latin-1")
    if (head := response_head.usual(data)) is None:
        return
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=65_536)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.receive_data(data)
    event = connection.next_event()
    assert isinstance(event, h11.Response)
    assert (event.status_code, event.reason.decode("latin-1")) == (head.status, head.reason_phrase)
    assert response_head.fields_of(event.headers.raw_items()) == head.fields
    assert f"HTTP/{event.http_version.decode()}" == head.http_version


def test_the_wire_reads_what_is_usual_itself() -> None:
    usual = [status for status in STATUS_LINES if response_head.usual(f"{status}\r\nETag: a\r\n\r\n".encode("latin-1"))]
    assert usual == STATUS_LINES[:5]
    lines = [line for line in LINES if response_head.usual(f"HTTP/1.1 200 OK\r\n{line}\r\n\r\n".encode("latin-1"))]
    assert lines == [*LINES[:7], "Connection: close"]
    assert not response_head.usual(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n")
