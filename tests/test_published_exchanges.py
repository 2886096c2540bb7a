"""Every exchange that three published articles about ETags show, judged by what the origin received and sent.

"table" is an article with posts in memory, a page made of them, and the page's md5 as an unquoted ETag; "blog" is a
post about a feed whose ETag is `""947e30c936""`; "curl" has two responses to `curl -I` with the same unquoted ETag and
the same Last-Modified. Each exchange runs with the sync and with the async client.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

import condget
from condget.demo_origin import Exchange, running
from tests.origin import Answer, Origin, RawRequest, conditional, ok


class Driven:
    """An AsyncClient with the methods of a Client."""

    def __init__(self, client: condget.AsyncClient, runner: asyncio.Runner) -> None:
        self._client, self._runner = client, runner

    def __getattr__(self, method: str) -> Callable[..., httpx.Response]:
        return lambda *args, **options: self._runner.run(getattr(self._client, method)(*args, **options))


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """A client with an empty cache."""
    if request.param == "sync":
        with condget.Client(cache=tmp_path) as client:
            yield client
    else:
        with asyncio.Runner() as runner:
            driven = Driven(condget.AsyncClient(cache=tmp_path), runner)
            yield driven
            driven.aclose()


class Article:
    """The server of "table", as the article has it: an unquoted md5, compared with `===`."""

    def __init__(self) -> None:
        self.posts = [
            {"title": "Caching", "tag": "code"},
            {"title": "Headers", "tag": "code"},
            {"title": "Dogs", "tag": "animals"},
        ]
        #: Target, If-None-Match as it came, status that was sent.
        self.log: list[tuple[str, str | None, int]] = []

    def page(self, target: str) -> bytes:
        tag = parse_qs(urlsplit(target).query).get("tag", [None])[0]
        titles = "\n".join(f"<li>{p['title']}</li>" for p in self.posts if tag in (None, p["tag"]))
        return f"<html><body><h1>Tag: {tag or 'all'}</h1><ul>{titles}</ul></body></html>".encode()

    def etag(self, target: str) -> str:
        return hashlib.md5(self.page(target), usedforsecurity=False).hexdigest()

    def __call__(self, request: RawRequest) -> Answer:
        if request.method == "POST":
            self.posts.append(json.loads(request.body))
            return Answer(201)
        if request.method == "PATCH":
            change = json.loads(request.body)
            self.posts[change["index"]]["title"] = change["title"]
            return Answer(200)
        etag = self.etag(request.target)
        condition = request.fields.get("If-None-Match")
        status = 304 if condition == etag else 200
        self.log.append((request.target, condition, status))
        fields = [("Content-Type", "text/html"), ("ETag", etag)]
        return Answer(status, fields, body=self.page(request.target))


@pytest.fixture
def article(origin: Origin) -> Article:
    article = Article()
    origin.script("*", article)
    return article


PAGE, CODE, ANIMALS = "/only-etag", "/only-etag?tag=code", "/only-etag?tag=animals"


def test_table_a_refresh_echoes_the_unquoted_etag(client: Any, origin: Origin, article: Article) -> None:
    """A1, A2, A3, A4: no precondition first, then the ETag byte for byte and no If-Modified-Since."""
    first, second = client.get(origin.url(PAGE)), client.get(origin.url(PAGE))
    one, two = origin.requests
    assert not any(name.lower().startswith("if-") for name, _ in one.fields)
    assert two.fields.all("If-None-Match") == [article.etag(PAGE)]
    assert "If-Modified-Since" not in two.fields
    assert second.status_code == 200
    assert second.content == first.content == article.page(PAGE)


def test_table_etags_are_kept_by_url_with_its_query(client: Any, origin: Origin, article: Article) -> None:
    """The article's list: the page three times, code twice, animals twice, the page once again."""
    targets = [PAGE, PAGE, PAGE, CODE, CODE, ANIMALS, ANIMALS, PAGE]
    contents = [client.get(origin.url(target)).content for target in targets]
    page, code, animals = (article.etag(target) for target in (PAGE, CODE, ANIMALS))
    assert article.log == [
        (PAGE, None, 200),
        (PAGE, page, 304),
        (PAGE, page, 304),
        (CODE, None, 200),
        (CODE, code, 304),
        (ANIMALS, None, 200),
        (ANIMALS, animals, 304),
        (PAGE, page, 304),
    ]
    assert contents == [article.page(target) for target in targets]


@pytest.mark.parametrize(
    ("method", "body", "title"),
    [
        ("post", b'{ "title": "ETag", "tag": "code" }', b"<li>ETag</li>"),
        ("patch", b'{ "title": "Amazing Caching", "index": 0 }', b"<li>Amazing Caching</li>"),
    ],
    ids=["POST", "PATCH"],
)
@pytest.mark.parametrize("by", ["this client", "another process"])
def test_table_a_change_is_detected(
    client: Any, origin: Origin, article: Article, method: str, body: bytes, title: bytes, by: str
) -> None:
    """Changed content: 200 with another ETag, which the requests after that carry."""
    client.get(origin.url(CODE))
    old = article.etag(CODE)
    changing = client if by == "this client" else httpx
    assert getattr(changing, method)(origin.url("/db"), content=body).is_success
    contents = [client.get(origin.url(CODE)).content for _ in range(2)]
    new = article.etag(CODE)
    assert article.log == [(CODE, None, 200), (CODE, old, 200), (CODE, new, 304)]
    assert old != new
    assert contents == [article.page(CODE)] * 2
    assert title in contents[1]


@pytest.mark.parametrize(
    "etag",
    ['"947e30c936"', '""947e30c936""', "75e7b6f64078bb53b7aaab5c457de56f", "U4q478bDKLqZ8UMMC8A5afZuHug"],
)
def test_blog_and_curl_an_etag_comes_back_as_it_was_sent(client: Any, origin: Origin, etag: str) -> None:
    """A3, with the server's plain `==`; the caller sees the stored 200."""
    origin.script("/rss", conditional(b"<rss/>", etag=etag))
    responses = [client.get(origin.url("/rss")) for _ in range(3)]
    assert [request.fields.all("If-None-Match") for request in origin.requests] == [[], [etag], [etag]]
    assert [(r.status_code, r.content, r.headers["ETag"]) for r in responses] == [(200, b"<rss/>", etag)] * 3


@pytest.mark.parametrize("etag", ['"947e30c936"', '""947e30c936""'])
def test_blog_a_caller_who_sends_if_none_match_gets_the_304(client: Any, origin: Origin, etag: str) -> None:
    """A7, A6: `http.send_request("GET", "/rss", nil, {"If-None-Match" => etag})` gives 304 without a body."""
    origin.script("/rss", conditional(b"<rss/>", etag=etag))
    etag = client.get(origin.url("/rss")).headers["ETag"]
    response = client.get(origin.url("/rss"), headers={"If-None-Match": etag})
    assert (response.status_code, response.content) == (304, b"")
    assert origin.requests[1].fields.all("If-None-Match") == [etag]


def test_blog_the_etag_of_the_newest_row_changes_with_it(client: Any, origin: Origin) -> None:
    """The PHP example: a 304 while the newest row is the same, a 200 with another ETag afterwards."""
    same = conditional(b"one", etag='"da9f0c1b2e"')
    origin.script("/rss", same, same, conditional(b"two", etag='"5c3e0a7d11"'))
    assert [client.get(origin.url("/rss")).content for _ in range(4)] == [b"one", b"one", b"two", b"two"]
    conditions = [request.fields.get("If-None-Match") for request in origin.requests]
    assert conditions == [None, '"da9f0c1b2e"', '"da9f0c1b2e"', '"5c3e0a7d11"']


FEEDBURNER = [
    ("Server", "Apache"),
    ("Last-Modified", "Tue, 25 Oct 2005 04:30:12 GMT"),
    ("ETag", "U4q478bDKLqZ8UMMC8A5afZuHug"),
    ("Content-Type", "text/xml;charset=utf-8"),
]
#: The second response of "curl" has a space behind the date, which is not part of the value.
SPACED = [(name, value + " " * (name == "Last-Modified")) for name, value in FEEDBURNER]
ANSWERS = (
    Answer(200, [("Date", "Tue, 25 Oct 2005 11:34:15 GMT"), *FEEDBURNER], body=b"<rss/>"),
    Answer(200, [("Date", "Tue, 25 Oct 2005 11:34:21 GMT"), *SPACED], body=b"<rss/>"),
    Answer(304, [("Date", "Tue, 25 Oct 2005 11:34:27 GMT"), *FEEDBURNER]),
)


def test_curl_both_validators_are_sent_and_a_needless_200_changes_nothing(client: Any, origin: Origin) -> None:
    """A2, B1: the pair of the first answer, then the same pair of the second, which has another Date."""
    origin.script("/dbanotes", *ANSWERS)
    contents = [client.get(origin.url("/dbanotes")).content for _ in range(3)]
    pairs = [(r.fields.all("If-None-Match"), r.fields.all("If-Modified-Since")) for r in origin.requests]
    pair = (["U4q478bDKLqZ8UMMC8A5afZuHug"], ["Tue, 25 Oct 2005 04:30:12 GMT"])
    assert pairs == [([], []), pair, pair]
    assert contents == [b"<rss/>"] * 3


def test_curl_curl_i_twice_gives_the_same_validators(client: Any, origin: Origin) -> None:
    """`curl -I` is HEAD: two answers, the same pair; nothing is known before the first."""
    origin.script("/dbanotes", *ANSWERS)
    pairs = []
    for _ in range(2):
        headers = client.head(origin.url("/dbanotes")).headers
        pairs.append((headers["ETag"], headers["Last-Modified"].strip()))
    assert pairs == [("U4q478bDKLqZ8UMMC8A5afZuHug", "Tue, 25 Oct 2005 04:30:12 GMT")] * 2
    assert not any(name.lower().startswith("if-") for name, _ in origin.requests[0].fields)


def test_table_a_last_modified_with_the_wrong_weekday_is_echoed(client: Any, origin: Origin) -> None:
    """A3: 15 November 2023, in the article's table a Thursday, was a Wednesday."""
    date = "Thu, 15 Nov 2023 19:18:46 GMT"
    origin.script("/file", conditional(b"text", last_modified=date, cache_control="no-cache"))
    assert [client.get(origin.url("/file")).content for _ in range(2)] == [b"text"] * 2
    assert [r.fields.all("If-Modified-Since") for r in origin.requests] == [[], [date]]
    assert "If-None-Match" not in origin.requests[1].fields


def test_the_feed_of_the_demo_origin_is_requested_with_both_validators(client: Any) -> None:
    """The demo origin's own log: 200, 304, and a 200 after a new post."""
    log: list[Exchange] = []
    with running(log.append) as demo:
        url = f"{demo.url}/feed.xml"
        first, second = client.get(url), client.get(url)
        client.post(f"{demo.url}/db", json={"title": "ETag", "tag": "code"})
        third = client.get(url)
        client.close() if isinstance(client, condget.Client) else client.aclose()
    assert [(e.method, e.status) for e in log] == [("GET", 200), ("GET", 304), ("POST", 201), ("GET", 200)]
    assert log[1].sent == 0
    assert sorted((name.lower(), value) for name, value in log[1].preconditions) == [
        ("if-modified-since", first.headers["Last-Modified"]),
        ("if-none-match", first.headers["ETag"]),
    ]
    assert second.content == first.content
    assert b"<title>ETag</title>" in third.content


def test_a_scripted_origin_sees_no_request_that_was_not_made(client: Any, origin: Origin) -> None:
    """D1, for the client: one request for each call, and no other."""
    origin.script("/", ok(b"x", etag='"1"'))
    client.get(origin.url("/"))
    assert len(origin.requests) == 1
