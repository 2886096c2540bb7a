"""Values as JSON and back: what differs from the default is written, and a wrong type is a ValueError."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from condget.cache.fields import Fields
from condget.cache.messages import StoredResponse
from condget.feeds.values import FeedState
from condget.stores.records import from_head, from_record, from_text, to_head, to_record, to_text
from tests.stores.ledger_contract import STATE, URL
from tests.stores.store_contract import HEAD

#: A head with no member at its default.
FULL = replace(HEAD, partition="ann", http_version="HTTP/2", content_length=5, first_byte=3, complete_length=9)


@pytest.mark.parametrize("state", [STATE, FeedState(URL)])
def test_a_state_comes_back_as_it_was(state: FeedState) -> None:
    """B6"""
    assert from_record(from_text(to_text(to_record(state)))) == state


@pytest.mark.parametrize("head", [FULL, HEAD, StoredResponse(URL, 200, Fields(), 0.0, 1.0)])
def test_a_head_comes_back_as_it_was_under_the_id_it_is_read_for(head: StoredResponse) -> None:
    """G1"""
    stored = replace(head, id=7)
    assert from_head(from_text(to_text(to_head(stored))), 8) == replace(head, id=8)


def test_what_has_its_default_is_left_out() -> None:
    assert to_record(FeedState(URL)) == {"url": URL}
    assert to_head(StoredResponse(URL, 200, Fields(), 0.0, 1.0)).keys() == {
        "url",
        "status",
        "fields",
        "request_time",
        "response_time",
    }


def test_a_head_of_the_first_caches_is_read() -> None:
    """G1: its members had names of their own, and none was left out."""
    former = {
        "url": FULL.url,
        "status": 200,
        "reason": "OK",
        "version": "HTTP/2",
        "fields": FULL.fields.pairs,
        "requested": 1000.0,
        "received": 1000.25,
        "partition": "ann",
        "selecting": FULL.selecting,
        "length": 5,
        "first": 3,
        "complete": 9,
    }
    assert from_head(json.loads(json.dumps(former))) == FULL


def test_no_secret_of_a_state_is_written() -> None:
    """F12"""
    secret = "https://user:hunter2@example.org/"
    fields = Fields([("Set-Cookie", "hunter2"), ("ETag", '"a"')])
    state = FeedState(
        secret, moved_to=secret, chain=(secret,), stored=StoredResponse(secret, 200, fields, 0.0, 0.0, "OK")
    )
    assert "hunter2" not in to_text(to_record(state))


WRONG: list[tuple[str, Any]] = [
    ("url", 1),
    ("url", None),
    ("status", "200"),
    ("status", 10**400),
    ("fields", "a: b"),
    ("fields", [["a"]]),
    ("fields", [["a", 1]]),
    ("fields", {"a": "b"}),
    ("request_time", "soon"),
    ("request_time", None),
    ("response_time", 1e999),
    ("response_time", -1e300),
    ("selecting", 5),
    ("selecting", [[["accept"]]]),
    ("selecting", [[[1, "x"]]]),
    ("content_length", 1.5),
    ("content_length", []),
]


@pytest.mark.parametrize(("member", "value"), WRONG)
def test_a_head_of_a_wrong_type_is_refused(member: str, value: object) -> None:
    """G6"""
    head = json.loads(to_text(to_head(FULL)))
    with pytest.raises(ValueError):
        from_head(head | {member: value})


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"a": NaN}', '{"a": Infinity}', '"x"'])
def test_a_text_that_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        from_text(text)


def test_a_member_that_this_version_does_not_know_is_passed_over() -> None:
    """B6"""
    assert from_record(to_record(STATE) | {"later": [1, 2]}) == STATE
