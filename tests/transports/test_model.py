"""Any sequence of requests, changes and pauses: what is served was current within its freshness, for whoever asks (G1).

The origin is a mock with one version of content per path and variant; hypothesis looks for a sequence that breaks it.
"""

from __future__ import annotations

import tempfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.library import condget, httpx
from tests.transports.scenarios import TLS, FakeClock

LIFETIME = 10
PATHS = st.sampled_from(["/a", "/a", "/a", "/b"])
VARIANTS = st.sampled_from(["", "", "1"])
MODES = st.sampled_from(["default"] * 5 + ["reload", "no-cache", "no-store"])
RANGES = st.sampled_from(["", "", "bytes=0-2", "bytes=3-", "bytes=-2"])
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("get"), PATHS, VARIANTS, MODES, RANGES),
        st.tuples(st.just("get"), PATHS, VARIANTS, MODES, RANGES),
        st.tuples(st.just("head"), PATHS),
        st.tuples(st.just("change"), PATHS),
        st.tuples(st.just("post"), PATHS),
        st.tuples(st.just("fail"), st.booleans()),
        st.tuples(st.just("wait"), st.sampled_from([1, 5, 9, 11])),
    ),
    min_size=12,
    max_size=30,
)


class Changing:
    """An origin whose content has the version, the variant and the credentials written in it."""

    def __init__(self, clock: FakeClock, strong: bool) -> None:
        self.clock, self.strong, self.failing = clock, strong, False
        #: Path -> the instants at which each version began.
        self.began: dict[str, list[float]] = {"/a": [clock.now], "/b": [clock.now]}

    def change(self, path: str) -> None:
        self.began[path].append(self.clock.now)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.failing:
            raise httpx.ConnectError("down", request=request)
        path, variant = request.url.path, request.headers.get("X-Variant", "")
        if request.method == "POST":
            self.change(path)
            return httpx.Response(204)
        version = len(self.began[path]) - 1
        body = f"{path} {version} {variant}.".encode()
        tag = f'{"" if self.strong else "W/"}"{path}-{version}-{variant}"'
        fields = {"ETag": tag, "Cache-Control": f"max-age={LIFETIME}", "Vary": "X-Variant"}
        if tag in request.headers.get("If-None-Match", "").split(", "):
            return httpx.Response(304, headers=fields)
        asked = request.headers.get("Range")
        if asked and request.headers.get("If-Range", tag) == tag and self.strong:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start = int(first) if first else len(body) - int(last)
            stop = int(last) + 1 if first and last else len(body)
            fields["Content-Range"] = f"bytes {start}-{stop - 1}/{len(body)}"
            return httpx.Response(206, headers=fields, content=body[start:stop])
        return httpx.Response(200, headers=fields, content=body if request.method == "GET" else b"")


@settings(max_examples=60)
@given(OPERATIONS, st.booleans())
def test_what_is_served_was_current_within_its_freshness(operations: list[tuple[Any, ...]], strong: bool) -> None:
    """G1, G2, G8, G10"""
    clock = FakeClock()
    origin = Changing(clock, strong)
    with (
        tempfile.TemporaryDirectory() as directory,
        condget.Client(cache=directory, transport=httpx.MockTransport(origin), clock=clock, verify=TLS) as client,
    ):
        for operation, *arguments in operations:
            if operation == "wait":
                clock.now += arguments[0]
            elif operation == "change":
                origin.change(arguments[0])
            elif operation == "fail":
                origin.failing = arguments[0]
            elif operation == "get":
                check(client, origin, clock, *arguments)
            elif not origin.failing:
                client.request(operation.upper(), f"http://a.example{arguments[0]}")
                if operation == "post":
                    served = client.get(f"http://a.example{arguments[0]}")
                    assert not served.extensions["condget"].hit


def check(
    client: condget.Client, origin: Changing, clock: FakeClock, path: str, variant: str, mode: str, asked: str
) -> None:
    headers = {"X-Variant": variant} if variant else {}
    if asked:
        headers["Range"] = asked
    try:
        response = client.get(f"http://a.example{path}", headers=headers, extensions={"condget": mode})
    except httpx.ConnectError:
        assert origin.failing
        return
    status = response.extensions["condget"]
    latest = len(origin.began[path]) - 1
    bodies = [f"{path} {version} {variant}.".encode() for version in range(latest + 1)]
    if response.status_code == 206:
        span, _, length = response.headers["Content-Range"].removeprefix("bytes ").partition("/")
        first, last = map(int, span.split("-"))
        candidates = [v for v, body in enumerate(bodies) if len(body) == int(length)]
        candidates = [v for v in candidates if bodies[v][first : last + 1] == response.content]
    else:
        assert response.status_code == 200
        candidates = [v for v, body in enumerate(bodies) if body == response.content]
    assert candidates, response.content  # of that path and variant, and whole
    if origin.failing and not status.hit:
        assert mode == "default"  # served stale
        return
    if not status.hit:
        assert latest in candidates
        return
    ended = [origin.began[path][v + 1] if v < latest else clock.now for v in candidates]
    assert max(ended) > clock.now - LIFETIME
    assert mode == "default"


@pytest.mark.parametrize("strong", [True, False])
def test_the_model_itself_serves_parts_and_validates(strong: bool) -> None:
    clock = FakeClock()
    with (
        tempfile.TemporaryDirectory() as directory,
        condget.Client(cache=directory, transport=httpx.MockTransport(Changing(clock, strong)), clock=clock) as client,
    ):
        url = "http://a.example/a"
        assert client.get(url, headers={"Range": "bytes=0-2"}).status_code == (206 if strong else 200)
        assert client.get(url).content == b"/a 0 ."
        clock.now += LIFETIME
        assert client.get(url).extensions["condget"].revalidated
