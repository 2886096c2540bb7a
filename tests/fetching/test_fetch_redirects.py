"""Redirects of an exchange: chains, odd Locations, private networks, secrets.

Test names carry the point they check. Every test runs on every path through the direct wire.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from condget.errors import ForbiddenTarget
from condget.fetching.direct import DirectWire
from condget.fetching.sockets import connect as connect_socket
from tests.fetching.support import FEED, get, names, refused, town
from tests.origin import Answer, Origin, ok, redirect

pytestmark = pytest.mark.usefixtures("path")


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
        return await connect_socket("127.0.0.1", port)

    origin.script("/feed", redirect("/again"))
    error = refused(f"http://public.test:{origin.port}/feed", DirectWire(resolve=resolve, connect=connect))
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
