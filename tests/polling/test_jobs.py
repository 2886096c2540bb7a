"""The request for a feed, by its line in the list and its state: literals in, values out."""

from __future__ import annotations

from typing import Any

import pytest

from condget import settings
from condget.cache.fields import Fields
from condget.cache.messages import StoredResponse
from condget.errors import UsageError
from condget.feeds.subscriptions import parse_list
from condget.feeds.values import FeedState, Recall
from condget.polling import RunOptions
from condget.polling.jobs import job_of

URL, NEW, ELSEWHERE = "http://feed.example/a", "http://feed.example/b", "https://other.example/c"
ETAG, MODIFIED = ("If-None-Match", '"1"'), ("If-Modified-Since", "yesterday")
STORED = StoredResponse(URL, 200, Fields([("ETag", '"1"'), ("Last-Modified", "yesterday")]), 1.0, 2.0)


def request(line: str = URL, options: RunOptions | None = None, **state: Any) -> Any:
    (subscription,) = parse_list(line, "feeds.txt")
    return job_of(subscription, FeedState(URL, **state) if state else None, options or RunOptions()).request


def test_a1_at_first_sight_a_request_is_plain() -> None:
    """A1, D4, D5."""
    plain = request()
    assert (plain.url, plain.preconditions, plain.fields, plain.userinfo) == (URL, (), (), None)
    assert (plain.user_agent, plain.timeout, plain.moved_from) == (settings.USER_AGENT, 30.0, None)


@pytest.mark.parametrize(
    ("option", "preconditions"),
    [("both", (ETAG, MODIFIED)), ("etag", (ETAG,)), ("last-modified", (MODIFIED,)), ("none", ())],
)
def test_a2_a7_the_list_says_which_validators_are_sent(option: str, preconditions: object) -> None:
    """A2, A7."""
    assert request(f"{URL} validators={option}", stored=STORED).preconditions == preconditions


def test_b8_an_unconditional_poll_sends_none() -> None:
    """B8."""
    assert request(options=RunOptions(unconditional=True), stored=STORED).preconditions == ()


def test_b10_validators_are_for_the_url_that_they_belong_to() -> None:
    """B10: the last of the chain."""
    assert request(stored=STORED, chain=(URL, ELSEWHERE)).preconditions_for == (ELSEWHERE,)


@pytest.mark.parametrize(("failures", "url", "moved_from"), [(0, NEW, URL), (1, URL, None), (2, NEW, URL)])
def test_e1_where_it_moved_and_where_it_was_are_requested_in_turn(
    failures: int, url: str, moved_from: str | None
) -> None:
    """E1: after a failure the feed may have moved on, or back."""
    moved = request(moved_to=NEW, failures=failures)
    assert (moved.url, moved.moved_from) == (url, moved_from)


@pytest.mark.parametrize(("moved_to", "fields"), [(NEW, (("X-Key", "k"),)), (ELSEWHERE, ()), (None, (("X-Key", "k"),))])
def test_e5_secrets_go_to_their_origin_only(moved_to: str | None, fields: object) -> None:
    """E5, D8."""
    moved = request("http://me:pw@feed.example/a header=X-Key:k", moved_to=moved_to)
    assert moved.fields == fields
    assert moved.userinfo == ("me:pw" if fields else None)


def test_f12_a_secret_is_read_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """F12."""
    monkeypatch.setenv("TOKEN", "hush")
    assert request(f"{URL} header=X-Key:@env:TOKEN").fields == (("X-Key", "hush"),)
    monkeypatch.delenv("TOKEN")
    with pytest.raises(UsageError, match=r"feeds\.txt:1: header=X-Key: .*TOKEN"):
        request(f"{URL} header=X-Key:@env:TOKEN")


def test_options_of_the_list_come_before_those_of_the_run() -> None:
    """F1, E4."""
    own = request(f"{URL} timeout=5s user-agent=mine/1 private-network=yes", RunOptions(timeout=9))
    assert (own.timeout, own.user_agent, own.private_network) == (5, "mine/1", True)
    assert request(options=RunOptions(timeout=9)).timeout == 9


def test_a_job_knows_the_content_of_last_time() -> None:
    state = FeedState(URL, digest="d", cut_off="c", recall=Recall("r"))
    job = job_of(parse_list(URL, "feeds.txt")[0], state, RunOptions())
    assert (job.key, job.digest, job.cut_off, job.recall) == (URL, "d", "c", "r")
