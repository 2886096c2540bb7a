"""The demo origin, as any client sees it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest

from condget.demo_origin import Exchange, running

ROOT = Path(__file__).parents[1]


@pytest.fixture
def log() -> list[Exchange]:
    return []


@pytest.fixture
def http(log: list[Exchange]) -> Iterator[httpx.Client]:
    with running(log.append) as origin, httpx.Client(base_url=origin.url) as client:
        yield client


def test_the_table_is_read_by_tag(http: httpx.Client) -> None:
    assert [post["title"] for post in http.get("/db").json()] == ["Caching", "Headers", "Dogs"]
    assert http.get("/db?tag=animals").json() == [{"title": "Dogs", "tag": "animals"}]
    assert http.get("/db?tag=none").json() == []


def test_a_page_and_its_query_have_etags_of_their_own(http: httpx.Client) -> None:
    page, code = http.get("/only-etag"), http.get("/only-etag?tag=code")
    assert page.headers["ETag"] != code.headers["ETag"]
    assert "Tag: all" in page.text
    assert "Dogs" not in code.text
    assert "Last-Modified" not in page.headers


def test_what_the_client_has_is_not_sent_again(http: httpx.Client, log: list[Exchange]) -> None:
    first = http.get("/only-etag")
    second = http.get("/only-etag", headers={"If-None-Match": f'"x", W/{first.headers["ETag"]}'})
    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["ETag"] == first.headers["ETag"]
    assert "Content-Type" not in second.headers
    assert [(e.status, e.sent, e.length) for e in log] == [
        (200, len(first.content), len(first.content)),
        (304, 0, len(first.content)),
    ]


def test_post_and_patch_change_the_etag(http: httpx.Client) -> None:
    etags = [http.get("/only-etag?tag=code").headers["ETag"]]
    assert http.post("/db", json={"title": "ETag", "tag": "code"}).status_code == 201
    etags.append(http.get("/only-etag?tag=code").headers["ETag"])
    assert http.patch("/db", json={"title": "Amazing Caching", "index": 0}).status_code == 200
    etags.append(http.get("/only-etag?tag=code").headers["ETag"])
    assert len(set(etags)) == 3


def test_a_change_of_what_was_not_seen_is_refused(http: httpx.Client) -> None:
    seen = http.get("/db").headers["ETag"]
    change = {"title": "Cats", "index": 2}
    assert http.patch("/db", json=change, headers={"If-Match": seen}).status_code == 200
    assert http.patch("/db", json=change, headers={"If-Match": seen}).status_code == 412


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"{}", b'{"title": "x", "index": 9}'])
def test_a_body_that_makes_no_sense_is_a_400_and_nothing_worse(http: httpx.Client, body: bytes) -> None:
    assert http.patch("/db", content=body).status_code == 400
    assert http.get("/db").status_code == 200


def test_the_feed_has_both_validators_and_its_entries_newest_first(http: httpx.Client) -> None:
    http.post("/db", json={"title": "<ETag> & co", "tag": "code"})
    feed = http.get("/feed.xml")
    assert [e.text for e in ElementTree.fromstring(feed.content).iter("title")][1] == "<ETag> & co"
    since = {"If-Modified-Since": feed.headers["Last-Modified"]}
    assert http.get("/feed.xml", headers=since).status_code == 304
    assert http.get("/feed.xml", headers=since | {"If-None-Match": '"other"'}).status_code == 200


def test_head_is_get_without_content_and_other_paths_are_404(http: httpx.Client) -> None:
    head, get = http.head("/only-etag"), http.get("/only-etag")
    assert head.headers["ETag"] == get.headers["ETag"]
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert http.get("/").status_code == http.post("/feed.xml").status_code == 404


def test_it_runs_as_a_program() -> None:
    command = [sys.executable, "examples/origin.py", "0"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        try:
            url = re.match(r"\S+", program.stdout.readline().decode())
            assert url is not None
            assert httpx.get(url[0]).status_code == 200
            assert program.stdout.readline().startswith(b"200 GET /only-etag ")
        finally:
            program.terminate()
