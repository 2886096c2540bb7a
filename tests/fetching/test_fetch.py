"""One exchange of the poller, judged by what a raw origin received, on every path through the wire.

Test names carry the point they check.
"""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from condget import settings
from condget.errors import FetchError, ForbiddenTarget
from condget.fetching import codings, direct
from condget.fetching.direct import Wire
from condget.fetching.fetch import Fetched, fetch
from condget.fetching.host_limits import HostLimits
from condget.fetching.request import FetchRequest, Limits
from tests.origin import (
    Answer,
    Origin,
    RawRequest,
    drip,
    endless_body,
    endless_head,
    not_modified,
    ok,
    redirect,
)

pytestmark = pytest.mark.usefixtures("path")

FEED = b"<?xml version='1.0'?><rss><channel><title>A feed</title></channel></rss>"
#: Addresses of names that tests use; those that count as public are connected to on loopback.
NAMES = {
    "public.test": "93.184.216.34",
    "other.test": "93.184.216.35",
    "private.test": "127.0.0.1",
    "six.test": "2606:2800:220:1::1",
}


def town(**names: str) -> Wire:
    """A wire on which public addresses lead to loopback, and names resolve as in `NAMES`."""
    known = {**NAMES, **{name.replace("_", "."): address for name, address in names.items()}}

    async def resolve(host: str, port: int) -> Sequence[str]:
        if host not in known:
            raise OSError(-2, "Name or service not known")
        return known[host].split()

    async def connect(address: str, port: int) -> Any:
        return await direct._connect("127.0.0.1" if not address.startswith("127.") else address, port)

    return Wire(resolve=resolve, connect=connect)


def get(url: str, on: Wire | None = None, clock: Callable[[], float] = lambda: 1000.0, **options: Any) -> Fetched:
    """Do one exchange in a loop of its own; afterwards no task is left."""

    async def once() -> Fetched:
        try:
            return await fetch(on or town(), FetchRequest(url, **options), clock, HostLimits(clock, gap=0))
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}

    return asyncio.run(once())


def refused(url: str, on: Wire | None = None, **options: Any) -> FetchError:
    with pytest.raises(FetchError) as raised:
        get(url, on, **options)
    text = str(raised.value)
    assert "\n" not in text
    assert "; " in text, "a cause and what to do"
    return raised.value


def names(request: RawRequest) -> list[str]:
    return [name.lower() for name, _ in request.fields]


# --- the request


def test_d1_one_get_and_nothing_else(origin: Origin) -> None:
    origin.script("/feed", ok(FEED, etag='"a"'))
    fetched = get(origin.url("/feed"))
    assert [r.method for r in origin.requests] == ["GET"]
    assert fetched.content == FEED
    assert fetched.received == len(FEED)
    assert fetched.response.status == 200
    assert fetched.response.fields.get("etag") == '"a"'
    assert fetched.chain == (origin.url("/feed"),)
    assert fetched.permanent_to is None
    assert fetched.sent == ()


def test_a1_d3_d4_the_fields_of_a_plain_poll_are_these(origin: Origin) -> None:
    """A1 no preconditions, D3 no Cookie, D4 no Referer, Cache-Control or Pragma."""
    origin.script("/feed", ok(FEED))
    get(origin.url("/feed"))
    assert names(origin.requests[0]) == ["host", "user-agent", "accept", "accept-encoding", "connection"]


@pytest.mark.parametrize(
    "target",
    [
        "/feed?b=2&a=1",
        "/%7Euser/%e2%82%ac?q=a%20b+c&&=",
        "/a/../b/./c//d",
        "/?",
        "//x",
        "/a?u=http://x/y?z",
        "/'(x)*;,=:@[]|{}^`\"<>\\",
    ],
)
def test_d2_the_target_is_byte_identical(origin: Origin, target: str) -> None:
    origin.script("*", ok(FEED))
    fetched = get(origin.url(target))
    assert [r.target for r in origin.requests] == [target]
    assert fetched.chain == (origin.url(target),)


def test_d2_a_url_without_a_path_asks_for_the_root(origin: Origin) -> None:
    origin.script("*", ok(FEED))
    get(origin.url("?a=1"))
    get(origin.url(""))
    get(origin.url("/é"))
    assert [r.target for r in origin.requests] == ["/?a=1", "/", "/%C3%A9"]


def test_d3_no_cookie_follows_a_set_cookie(origin: Origin) -> None:
    origin.script("/feed", redirect("/there", set_cookie="a=1; Path=/"))
    origin.script("/there", ok(FEED, set_cookie="b=2"))
    shared = town()
    get(origin.url("/feed"), shared)
    get(origin.url("/there"), shared)
    assert len(origin.requests) == 3
    assert all("cookie" not in names(r) and "referer" not in names(r) for r in origin.requests)


def test_d5_the_user_agent_is_condgets_unless_set(origin: Origin) -> None:
    origin.script("/feed", ok(FEED))
    get(origin.url("/feed"))
    get(origin.url("/feed"), user_agent="mine/1")
    assert [r.fields.get("user-agent") for r in origin.requests] == [settings.USER_AGENT, "mine/1"]


def test_d6_accept_encoding_is_pinned(origin: Origin) -> None:
    """D6"""
    origin.script("/feed", ok(FEED))
    get(origin.url("/feed"))
    assert origin.requests[0].fields.get("accept-encoding") == ", ".join(codings.offered())


def test_d7_accept_prefers_feeds_and_ends_in_anything(origin: Origin) -> None:
    """D7"""
    origin.script("/feed", ok(FEED))
    get(origin.url("/feed"))
    accept = origin.requests[0].fields.get("accept") or ""
    assert accept.startswith("application/atom+xml, application/rss+xml")
    assert accept.split(", ")[-1].startswith("*/*")


def test_d8_no_fragment_and_userinfo_only_as_authorization(origin: Origin) -> None:
    origin.script("/feed", ok(FEED))
    fetched = get(origin.url("/feed#top", userinfo="me:p%40ss"))
    get(origin.url("/feed"), userinfo="me:p%40ss")
    for request in origin.requests:
        assert request.fields.all("authorization") == ["Basic bWU6cEBzcw=="]
        assert b"top" not in request.raw
        assert b"p%40ss" not in request.raw
    assert fetched.chain == (origin.url("/feed"),)


def test_d8_an_error_does_not_show_userinfo(origin: Origin) -> None:
    origin.script("/feed", b"junk\r\n\r\n")
    error = refused(origin.url("/feed", userinfo="me:hush"))
    assert "hush" not in str(error)
    assert origin.url("/feed") in str(error)


def test_d9_hosts_are_sent_as_idna(origin: Origin) -> None:
    origin.script("/feed", ok(FEED))
    get(f"http://bücher.test:{origin.port}/feed", town(**{"xn--bcher-kva_test": "93.184.216.34"}))
    assert origin.requests[0].fields.get("host") == f"xn--bcher-kva.test:{origin.port}"


@pytest.mark.parametrize("url", ["http://x.test/a b", "http://x.test/a\r\nX: y", "http://x.test/\x7f", "http:///a"])
def test_d9_a_url_that_cannot_be_asked_is_refused(url: str) -> None:
    assert refused(url)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x.test/", "feed:http://x.test/", "/x"])
def test_d9_other_schemes_are_forbidden(url: str) -> None:
    assert isinstance(refused(url), ForbiddenTarget)


@pytest.mark.parametrize(
    "etag",
    [
        '"a"',
        'W/"a, b"',
        '""947e30c936""',
        "U4q478bDKLqZ8UMMC8A5afZuHug",
        '"x-gzip"',
        '"\xe9\xff"',
        '"' + "e" * 8190 + '"',
    ],
    ids=lambda etag: etag[:12].encode("unicode_escape").decode(),
)
def test_a3_validators_go_back_byte_for_byte(origin: Origin, etag: str) -> None:
    origin.script("/feed", ok(FEED, etag=etag, last_modified="yesterday  +0000"), not_modified())
    fields = get(origin.url("/feed")).response.fields
    pair = (("If-None-Match", fields.get("etag") or ""), ("If-Modified-Since", fields.get("last-modified") or ""))
    fetched = get(origin.url("/feed"), preconditions=pair)
    raw = origin.requests[1].raw
    assert b"\r\nIf-None-Match: " + etag.encode("latin-1") + b"\r\n" in raw
    assert b"\r\nIf-Modified-Since: yesterday  +0000\r\n" in raw
    assert fetched.response.status == 304
    assert fetched.sent == pair


def test_a6_a_precondition_is_sent_once_and_cannot_be_configured_again(origin: Origin) -> None:
    origin.script("/feed", ok(FEED))
    pair = (("If-None-Match", '"a"'), ("If-Modified-Since", "then"))
    get(origin.url("/feed"), preconditions=pair)
    assert names(origin.requests[0]).count("if-none-match") == 1
    assert names(origin.requests[0]).count("if-modified-since") == 1
    for name in ("if-none-match", "Host", "Cookie", "Content-Length", "accept-encoding"):
        error = refused(origin.url("/feed"), preconditions=pair, fields=((name, "hush"),))
        assert name.lower() in str(error)
        assert "hush" not in str(error)
    assert len(origin.requests) == 1


def test_configured_fields_are_sent_and_replace_the_default(origin: Origin) -> None:
    origin.script("/feed", ok(FEED))
    get(
        origin.url("/feed", userinfo="a:b"), fields=(("X-Key", " k "), ("accept", "text/xml"), ("Authorization", "T t"))
    )
    fields = origin.requests[0].fields
    assert fields.all("x-key") == ["k"]
    assert fields.all("accept") == ["text/xml"]
    assert fields.all("authorization") == ["T t"]


@pytest.mark.parametrize("pair", [("X-Key", "hush\r\nX: y"), ("X Key", "hush"), ("X-Key", "hush\u2026")])
def test_a_field_that_cannot_be_sent_is_refused_without_its_value(origin: Origin, pair: tuple[str, str]) -> None:
    error = refused(origin.url("/feed"), fields=(pair,))
    assert "hush" not in str(error)
    assert not origin.requests


def test_b11_the_second_try_after_an_unasked_for_304_says_no_cache(origin: Origin) -> None:
    origin.script("/feed", not_modified(), ok(FEED))
    first = get(origin.url("/feed"))
    assert (first.response.status, first.sent) == (304, ())
    get(origin.url("/feed"), no_cache=True)
    assert [r.fields.get("cache-control") for r in origin.requests] == [None, "no-cache"]


# --- redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_e1_a_redirect_is_followed_with_a_get(origin: Origin, status: int) -> None:
    origin.script("/feed", redirect("/there", status))
    origin.script("/there", ok(FEED))
    fetched = get(origin.url("/feed"))
    assert [(r.method, r.path) for r in origin.requests] == [("GET", "/feed"), ("GET", "/there")]
    assert fetched.content == FEED
    assert fetched.chain == (origin.url("/feed"), origin.url("/there"))
    assert fetched.permanent_to == (origin.url("/there") if status in (301, 308) else None)


def test_e1_only_an_unbroken_run_from_the_start_is_permanent(origin: Origin) -> None:
    origin.script("/a", redirect("/b", 301))
    origin.script("/b", redirect("/c", 308))
    origin.script("/c", redirect("/d", 302))
    origin.script("/d", redirect("/e", 301))
    origin.script("/e", ok(FEED))
    fetched = get(origin.url("/a"))
    assert fetched.permanent_to == origin.url("/c")
    assert fetched.chain[-1] == origin.url("/e")


def test_b10_the_pair_is_sent_to_the_chain_that_gave_it_only(origin: Origin) -> None:
    origin.script("/a", redirect("/b"))
    origin.script("/b", redirect("/c"))
    origin.script("/c", ok(FEED))
    pair = (("If-None-Match", '"a"'),)
    fetched = get(origin.url("/a"), preconditions=pair, preconditions_for=(origin.url("/a"), origin.url("/b")))
    assert ["if-none-match" in names(r) for r in origin.requests] == [True, True, False]
    assert fetched.sent == ()
    fetched = get(origin.url("/c"), preconditions=pair)
    assert fetched.sent == pair


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("there", "/a/there"),
        ("../there?x=1#frag", "/there?x=1"),
        ("?page=2", "/a/feed?page=2"),
        (b"/caf\xc3\xa9", "/caf%C3%A9"),
        (b"/caf\xe9", "/caf%E9"),
        ("/a b", "/a%20b"),
        ("/q?u=%zz", "/q?u=%zz"),
    ],
)
def test_e3_odd_locations_are_understood(origin: Origin, location: str | bytes, target: str) -> None:
    """E3"""
    origin.script("/a/feed", redirect(location), ok(FEED))
    origin.script(target.partition("?")[0], *([redirect(location), ok(FEED)] if "page" in target else [ok(FEED)]))
    get(origin.url("/a/feed"))
    assert origin.requests[1].target == target


def test_e3_five_hops_and_no_more(origin: Origin) -> None:
    """E3"""
    for n in range(7):
        origin.script(f"/{n}", redirect(f"/{n + 1}"))
    origin.script("/7", ok(FEED))
    assert len(get(origin.url("/2")).chain) == 6
    origin.clear()
    assert "5 times" in str(refused(origin.url("/0")))
    assert [r.path for r in origin.requests] == ["/0", "/1", "/2", "/3", "/4", "/5"]


def test_e3_a_loop_is_noticed_at_once(origin: Origin) -> None:
    """E3"""
    origin.script("/a", redirect("/b"))
    origin.script("/b", redirect("/a"))
    assert "circle" in str(refused(origin.url("/a")))
    assert len(origin.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [
        Answer(302),
        redirect(""),
        redirect("http://"),
        redirect("http://[::1/"),
        redirect("http://exa mple/"),
        redirect("http://x:99999/"),
        redirect("/a\x01"),
        Answer(302, [("Location", "/a"), ("Location", "/b")]),
    ],
)
def test_e3_a_location_that_is_missing_or_malformed_is_an_error(origin: Origin, answer: Answer) -> None:
    """E3"""
    origin.script("/feed", answer)
    error = refused(origin.url("/feed"))
    assert "/feed" in str(error)
    assert error.connected
    assert len(origin.requests) == 1


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://x.test/f", "javascript:alert(1)", "data:,x"])
def test_e3_another_scheme_is_forbidden_and_named(origin: Origin, location: str) -> None:
    """E3"""
    origin.script("/feed", redirect(location))
    error = refused(origin.url("/feed"))
    assert isinstance(error, ForbiddenTarget)
    assert location in str(error)


PRIVATE = [
    "127.0.0.1",
    "localhost",
    "private.test",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "[::1]",
    "[fe80::1]",
    "[fd00::1]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
]


@pytest.mark.parametrize("host", PRIVATE)
def test_e4_a_public_host_cannot_redirect_into_a_private_network(origin: Origin, host: str) -> None:
    origin.script("/feed", redirect(f"http://{host}:{origin.port}/secret"))
    origin.script("/secret", ok(FEED))
    error = refused(f"http://public.test:{origin.port}/feed", town(localhost="127.0.0.1"))
    assert isinstance(error, ForbiddenTarget)
    assert f"{host}:{origin.port}/secret" in str(error)
    assert [r.path for r in origin.requests] == ["/feed"]
    assert origin.connections == 1


def test_e4_not_even_after_a_detour(origin: Origin) -> None:
    origin.script("/a", redirect(f"http://public.test:{origin.port}/b"))
    origin.script("/b", redirect(f"http://other.test:{origin.port}/c"))
    origin.script("/c", redirect(origin.url("/d")))
    origin.script("/d", ok(FEED))
    assert isinstance(refused(origin.url("/a")), ForbiddenTarget)
    assert len(origin.requests) == 3


def test_e4_a_name_that_is_rebound_between_hops_is_refused(origin: Origin) -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])

    async def resolve(host: str, port: int) -> Sequence[str]:
        return next(answers)

    async def connect(address: str, port: int) -> Any:
        return await direct._connect("127.0.0.1", port)

    origin.script("/feed", redirect("/again"))
    error = refused(f"http://public.test:{origin.port}/feed", Wire(resolve=resolve, connect=connect))
    assert isinstance(error, ForbiddenTarget)
    assert origin.connections == 1


def test_e4_a_name_with_a_private_address_among_public_ones_is_refused(origin: Origin) -> None:
    origin.script("/feed", redirect(f"http://mixed.test:{origin.port}/x"))
    error = refused(f"http://public.test:{origin.port}/feed", town(mixed_test="93.184.216.35 10.0.0.1"))
    assert isinstance(error, ForbiddenTarget)


def test_e4_private_feeds_are_fine_where_the_user_says_so(origin: Origin) -> None:
    origin.script("/feed", redirect(f"http://private.test:{origin.port}/there"))
    origin.script("/there", ok(FEED))
    assert get(origin.url("/feed")).content == FEED
    assert get(f"http://private.test:{origin.port}/feed").content == FEED
    assert get(f"http://public.test:{origin.port}/feed", private_network=True).content == FEED


def test_e4_public_hosts_may_redirect_to_public_ones(origin: Origin) -> None:
    origin.script("/feed", redirect(f"http://other.test:{origin.port}/there"))
    origin.script("/there", ok(FEED))
    assert get(f"http://public.test:{origin.port}/feed").content == FEED


def test_e5_secrets_never_cross_an_origin(origin: Origin) -> None:
    with Origin() as other:
        origin.script("/feed", redirect("/same"))
        origin.script("/same", redirect(other.url("/x")))
        other.script("/x", redirect(f"http://localhost:{other.port}/y"))
        other.script("/y", ok(FEED))
        get(origin.url("/feed", userinfo="me:hush"), town(localhost="127.0.0.1"), fields=(("X-Key", "hush"),))
        for request in origin.requests:
            assert {"authorization", "x-key"} <= set(names(request))
        assert len(other.requests) == 2
        for request in other.requests:
            assert not {"authorization", "x-key"} & set(names(request))


def test_e5_userinfo_in_a_location_is_dropped(origin: Origin) -> None:
    origin.script("/feed", redirect(origin.url("/there", userinfo="evil:hush")))
    origin.script("/there", Answer(200, body=FEED, truncate=5))
    error = refused(origin.url("/feed"))
    assert "hush" not in str(error)
    assert "authorization" not in names(origin.requests[1])
    assert origin.url("/there") in str(error)
    assert origin.url("/feed") in str(error)


# --- time and size


@pytest.mark.parametrize(
    "answer",
    [
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100, every=0.02),
        Answer(body=FEED, chunks=[b"x"] * 100, chunk_delay=0.02),
        Answer(body=FEED, delay=5),
        Answer(302, [("Location", "/feed?again")], delay=0.16),
    ],
    ids=["drip", "slow body", "silence", "hops"],
)
def test_f1_one_deadline_covers_the_whole_exchange(origin: Origin, answer: Answer) -> None:
    origin.script("/feed", answer)
    started = time.monotonic()
    error = refused(origin.url("/feed"), timeout=0.25)
    assert time.monotonic() - started < 2
    assert "0.25 seconds" in str(error) or "circle" in str(error)
    assert error.connected


def test_f1_the_deadline_covers_name_resolution(origin: Origin) -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    error = refused("http://slow.test/", Wire(resolve=never), timeout=0.1)
    assert not error.connected


def test_f2_content_is_limited_as_received(origin: Origin) -> None:
    """F2"""
    origin.script("/feed", endless_body())
    origin.script("/declared", Answer(declared_length=10**12))
    limits = Limits(received=300_000)
    assert "300,000 bytes" in str(refused(origin.url("/feed"), limits=limits))
    assert "300,000 bytes" in str(refused(origin.url("/declared"), limits=limits))


def test_f2_heads_interim_responses_and_framing_are_limited(origin: Origin) -> None:
    """F2"""
    origin.script("/head", endless_head())
    interim = iter(lambda: b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 500, None)
    origin.script("/interim", Answer(raw=interim))
    origin.script("/framing", Answer(raw=framing()))
    limits = Limits(received=10_000)
    for path, words in (("/head", "header fields"), ("/interim", "sends more"), ("/framing", "sends more")):
        assert words in str(refused(origin.url(path), limits=limits))


def framing() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for _ in range(1000):
        yield b"1;" + b"x" * 10_000 + b"\r\nx\r\n"


def test_interim_responses_are_passed_over(origin: Origin) -> None:
    head = b"HTTP/1.1 103 Early Hints\r\nETag: no\r\n\r\nHTTP/1.1 200 OK\r\nETag: yes\r\nContent-Length: 1\r\n\r\nx"
    origin.script("/feed", head)
    assert get(origin.url("/feed")).response.fields.get("etag") == "yes"


# --- content that is not whole


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=FEED, truncate=10),
        Answer(body=FEED, declared_length=len(FEED) + 1),
        Answer(body=FEED, declared_length=len(FEED) - 7),
        Answer(body=FEED, truncate=10, reset=True),
        Answer(body=FEED, chunked=True, truncate=10),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabcd",
        Answer(reset=True),
        b"",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
def test_b5_an_answer_that_is_not_whole_is_an_error(origin: Origin, answer: Answer | bytes) -> None:
    origin.script("/feed", answer)
    error = refused(origin.url("/feed"))
    assert str(error).startswith(origin.url("/feed") + ": ")
    assert error.connected


@pytest.mark.parametrize("framed", [{"chunked": True}, {"chunks": [FEED[:9], FEED[9:]]}, {}])
def test_content_comes_in_every_framing(origin: Origin, framed: dict[str, Any]) -> None:
    origin.script("/feed", Answer(body=FEED, **framed), Answer(body=FEED, version="HTTP/1.0", **framed))
    for _ in range(2):
        assert get(origin.url("/feed")).content == FEED


@pytest.mark.parametrize(
    ("answer", "delimited"),
    [
        (Answer(body=FEED), True),
        (Answer(body=FEED, chunked=True), True),
        (Answer(304), True),
        (Answer(body=FEED, chunks=[FEED]), False),
        (b"HTTP/1.0 200 OK\n\n" + FEED, False),
    ],
)
def test_b5_content_that_only_the_connection_ends_is_told_apart(
    origin: Origin, answer: Answer | bytes, delimited: bool
) -> None:
    """B5: it may be cut off, and only the document itself can tell."""
    origin.script("/feed", answer)
    assert get(origin.url("/feed")).delimited is delimited


@pytest.mark.parametrize("pieces", [1, 7, 8, 9, 100])
def test_a_head_may_come_in_any_number_of_pieces(origin: Origin, pieces: int) -> None:
    answer = b'HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: 6\r\n\r\n<rss/>'
    size = -(-len(answer) // pieces)
    parts = [answer[n : n + size] for n in range(0, len(answer), size)]
    origin.script("/feed", Answer(raw=parts, chunk_delay=0.001))
    fetched = get(origin.url("/feed"))
    assert (fetched.content, fetched.response.fields.get("etag")) == (b"<rss/>", '"a"')


def test_b5_a_coding_that_is_broken_or_was_not_offered_is_an_error(origin: Origin) -> None:
    origin.script("/cut", Answer(fields=[("Content-Encoding", "gzip")], body=gzip.compress(FEED)[:-4]))
    origin.script("/odd", Answer(fields=[("Content-Encoding", "compress")], body=FEED))
    assert "coding" in str(refused(origin.url("/cut")))
    assert "'compress'" in str(refused(origin.url("/odd")))


def test_b5_content_beyond_its_length_is_noticed_when_it_comes_late_too(origin: Origin) -> None:
    pieces = (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<rss>", b"</rss>")
    origin.script("/feed", lambda request: Answer(raw=pieces, chunk_delay=0.01, close=False))
    assert "longer than its Content-Length" in str(refused(origin.url("/feed")))


def test_coded_content_is_decoded_and_counted_as_received(origin: Origin) -> None:
    coded = gzip.compress(FEED * 50)
    origin.script("/feed", Answer(fields=[("Content-Encoding", "gzip")], body=coded))
    fetched = get(origin.url("/feed"))
    assert fetched.content == FEED * 50
    assert fetched.received == len(coded)


def test_a_surplus_response_reaches_nobody(origin: Origin) -> None:
    stray = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"
    origin.script("/a", Answer(body=FEED, surplus=stray, close=False))
    origin.script("/304", Answer(304, surplus=stray, close=False))
    origin.script("/b", ok(b"<b/>"))
    shared = town()
    assert get(origin.url("/a"), shared).content == FEED
    assert get(origin.url("/304"), shared).content == b""
    assert get(origin.url("/b"), shared).content == b"<b/>"
    assert origin.connections == 3


def test_a_304_and_a_204_have_no_content(origin: Origin) -> None:
    origin.script("/304", Answer(304, [("Content-Length", "100"), ("Content-Encoding", "gzip")]))
    origin.script("/204", Answer(204))
    assert get(origin.url("/304")).content == b""
    assert get(origin.url("/204")).content == b""


# --- HTTP errors, connections


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503, 300, 305, 999])
def test_an_http_error_is_an_answer_whatever_its_page_is(origin: Origin, status: int) -> None:
    fields = [("Retry-After", "7"), ("Content-Encoding", "gzip")]
    origin.script("/feed", Answer(status, fields, body=b"\xff not gzip", truncate=3))
    fetched = get(origin.url("/feed"))
    assert fetched.response.status == status
    assert fetched.response.fields.get("retry-after") == "7"


def test_of_an_error_page_only_the_beginning_is_read(origin: Origin) -> None:
    origin.script("/feed", Answer(500, chunks=iter(lambda: b"sorry " * 1000, None), chunked=True))
    fetched = get(origin.url("/feed"))
    assert fetched.content.startswith(b"sorry ")
    assert len(fetched.content) < 200_000


def test_c13_where_no_connection_came_about_the_error_says_so(origin: Origin) -> None:
    unused = origin.port
    origin.stop()
    error = refused(f"http://127.0.0.1:{unused}/")
    assert not error.connected
    assert f"refuses connections on port {unused}" in str(error)
    error = refused("http://nowhere.test/")
    assert not error.connected
    assert "nowhere.test cannot be resolved" in str(error)


def test_c13_who_was_redirected_is_not_offline(origin: Origin) -> None:
    origin.script("/feed", redirect("http://nowhere.test/"))
    assert refused(origin.url("/feed")).connected


def test_the_next_address_is_tried_when_the_first_refuses(origin: Origin) -> None:
    origin.script("/feed", ok(FEED))
    tried = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.2", "127.0.0.1"]

    async def connect(address: str, port: int) -> Any:
        tried.append(address)
        return await direct._connect(address, port)

    assert get(f"http://two.test:{origin.port}/feed", Wire(resolve=resolve, connect=connect)).content == FEED
    assert tried == ["127.0.0.2", "127.0.0.1"]


def test_instants_of_the_last_hop_come_from_the_clock(origin: Origin) -> None:
    origin.script("/a", redirect("/b"))
    origin.script("/b", ok(FEED))
    ticks = iter(range(100))
    response = get(origin.url("/a"), clock=lambda: float(next(ticks))).response
    assert (response.request_time, response.response_time) == (2.0, 3.0)


def test_cancelling_leaves_nothing_behind(origin: Origin) -> None:
    origin.script("/feed", Answer(body=FEED, delay=5))

    async def cancelled() -> None:
        task = asyncio.create_task(fetch(town(), FetchRequest(origin.url("/feed")), time.time))
        await asyncio.to_thread(origin.wait_for, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(cancelled())


def test_f4_many_exchanges_share_one_wire(origin: Origin) -> None:
    origin.script("/good", ok(FEED))
    origin.script("/bad", Answer(reset=True))

    async def all_at_once() -> list[Fetched | BaseException]:
        shared = town()
        asks = [FetchRequest(origin.url("/bad" if n % 5 == 0 else "/good")) for n in range(40)]
        return await asyncio.gather(*(fetch(shared, ask, time.time) for ask in asks), return_exceptions=True)

    results = asyncio.run(all_at_once())
    assert [isinstance(result, FetchError) for result in results] == [n % 5 == 0 for n in range(40)]
