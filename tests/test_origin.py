"""The scripted origin itself: it sends what the script says, logs what came, and leaves nothing behind."""

from __future__ import annotations

import socket
import sys
import threading
import time
from dataclasses import replace

import httpx
import pytest

from tests.origin import (
    Answer,
    Origin,
    RawRequest,
    conditional,
    drip,
    endless_body,
    endless_head,
    not_modified,
    ok,
)


def exchange(origin: Origin, *requests: bytes) -> bytes:
    """Send these bytes on one connection and read until it is closed."""
    with socket.create_connection((origin.host, origin.port), timeout=5) as connection:
        connection.sendall(b"".join(requests))
        received = b""
        while data := connection.recv(65536):
            received += data
        return received


GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def test_answers_come_in_order_and_the_last_one_repeats(origin: Origin) -> None:
    origin.script("/a", ok(b"one", etag='"1"'), not_modified())
    with httpx.Client() as client:
        assert [client.get(origin.url("/a?q=1")).status_code for _ in range(3)] == [200, 304, 304]
        assert client.get(origin.url("/b")).status_code == 404
    assert [r.target for r in origin.requests_for("/a")] == ["/a?q=1"] * 3
    assert len(origin.requests) == 4
    assert origin.connections == 1


def test_bytes_go_out_as_they_are_and_end_the_connection(origin: Origin) -> None:
    origin.script("/a", b"what \xff ever")
    assert exchange(origin, GET) == b"what \xff ever"


def test_fields_keep_order_repetition_and_latin_1(origin: Origin) -> None:
    fields = [("b", "\xe9"), ("A", b"\xff"), ("b", "2")]
    origin.script("/a", Answer(200, fields, body=b"x", reason="Fine", close=True))
    assert exchange(origin, GET) == (
        b"HTTP/1.1 200 Fine\r\nb: \xe9\r\nA: \xff\r\nb: 2\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
    )


def test_what_came_is_logged_byte_for_byte(origin: Origin) -> None:
    head = b"POST /a HTTP/1.1\r\nX-a:  \xe9 \r\nx-A: 2\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
    exchange(origin, head + b"hi")
    (request,) = origin.requests
    assert (request.method, request.target, request.body, request.raw) == ("POST", "/a", b"hi", head)
    assert request.fields.all("x-a") == ["\xe9", "2"]
    assert request.connection == 1


def test_surplus_bytes_follow_on_a_kept_connection(origin: Origin) -> None:
    origin.script("/a", Answer(body=b"x", surplus=b"SURPLUS"))
    received = exchange(origin, GET, LAST)
    assert b"\r\n\r\nxSURPLUSHTTP/1.1 404 " in received


def test_raw_bytes_can_keep_the_connection(origin: Origin) -> None:
    origin.script("/a", Answer(raw=b"HTTP/1.1 200 Fine\nContent-Length: 0\n\n", close=False))
    received = exchange(origin, GET, LAST)
    assert received.startswith(b"HTTP/1.1 200 Fine\nContent-Length: 0\n\nHTTP/1.1 404 ")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
def test_a_second_loopback_address_is_another_host() -> None:
    with Origin(host="127.0.0.2") as origin:
        origin.script("/a", b"here")
        assert origin.url("/a") == f"http://127.0.0.2:{origin.port}/a"
        assert exchange(origin, GET) == b"here"


def test_chunks_are_framed_and_truncation_leaves_the_end_away(origin: Origin) -> None:
    whole = Answer(chunks=[b"ab", b"cde"], chunked=True)
    origin.script("/a", whole, replace(whole, truncate=3))
    assert b"\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n" in exchange(origin, GET, LAST)
    assert exchange(origin, GET).endswith(b"\r\n\r\n2\r\nab\r\n1\r\nc\r\n")


@pytest.mark.parametrize("answer", [Answer(body=b"abcdef", truncate=3), Answer(body=b"abc", declared_length=6)])
def test_a_body_can_be_shorter_than_it_claims(origin: Origin, answer: Answer) -> None:
    origin.script("/a", answer)
    received = exchange(origin, GET)
    assert b"Content-Length: 6\r\n" in received
    assert received.endswith(b"\r\n\r\nabc")


def test_a_connection_can_be_reset(origin: Origin) -> None:
    origin.script("/a", Answer(reset=True))
    with pytest.raises(ConnectionResetError):
        exchange(origin, GET)


def test_a_304_and_an_answer_to_head_have_no_body(origin: Origin) -> None:
    origin.script("/a", ok(b"abc"), Answer(304, body=b"ignored"))
    received = exchange(origin, GET.replace(b"GET", b"HEAD"), GET, LAST)
    assert received.startswith(
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 404 "
    )


def test_a_callable_sees_the_request(origin: Origin) -> None:
    origin.script("*", lambda request: ok(request.target.encode()))
    origin.script("/feed", conditional(b"body", etag='"1"', last_modified="yesterday"))
    assert httpx.get(origin.url("/x?y")).text == "/x?y"
    for asked, status in [
        ({}, 200),
        ({"If-None-Match": '"1"'}, 304),
        ({"If-Modified-Since": "yesterday"}, 304),
        ({"If-None-Match": '"2"', "If-Modified-Since": "yesterday"}, 200),
    ]:
        assert httpx.get(origin.url("/feed"), headers=asked).status_code == status


def test_a_callable_that_fails_fails_the_test() -> None:
    def refuse(request: RawRequest) -> Answer:
        raise AssertionError("not this one")

    origin = Origin().start()
    origin.script("/a", refuse)
    exchange(origin, GET)
    with pytest.raises(AssertionError, match="not this one"):
        origin.__exit__(None, None, None)


def test_stopping_is_quick_whatever_is_going_on() -> None:
    before = threading.active_count()
    origin = Origin().start()
    origin.script("/drip", drip(b"slow" * 100, every=30))
    origin.script("/late", Answer(delay=30))
    origin.script("/head", endless_head())
    origin.script("/body", endless_body())
    clients = [socket.create_connection((origin.host, origin.port)) for _ in range(5)]
    for client, path in zip(clients, ["/drip", "/late", "/head", "/body"], strict=False):
        client.sendall(b"GET %s HTTP/1.1\r\n\r\n" % path.encode())
    origin.wait_for(4)
    started = time.monotonic()
    origin.stop()
    origin.stop()
    assert time.monotonic() - started < 1
    assert threading.active_count() == before
    for client in clients:
        client.close()


def test_waiting_for_a_request_that_does_not_come_fails(origin: Origin) -> None:
    with pytest.raises(AssertionError, match="0 of 1"):
        origin.wait_for(1, timeout=0.01)


def test_clear_forgets_the_requests_only(origin: Origin) -> None:
    origin.script("/a", ok(b"1"))
    httpx.get(origin.url("/a"))
    origin.clear()
    assert origin.requests == []
    assert httpx.get(origin.url("/a")).text == "1"
