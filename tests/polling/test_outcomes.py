"""From the result of a job to an outcome: a table of literals, and a property of the heads that 304s leave."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condget.cache.fields import Fields
from condget.cache.messages import Response, StoredResponse
from condget.cache.validators import preconditions
from condget.feeds.pace import Pace
from condget.feeds.schedule import after_success
from condget.feeds.subscriptions import single
from condget.feeds.values import Document, Entry, FeedState, Hints, Outcome, SeenEntry
from condget.polling import RunOptions, outcomes
from condget.polling.batch import Polled
from condget.polling.jobs import job_of
from condget.polling.outcomes import outcome_of
from condget.polling.planning import Planned

URL = "http://feed.test/"
DATE = "Sat, 21 Nov 2026 02:35:15 GMT"
REMEMBERED = [
    *(("ETag", '"a"'), ("etag", '"b"'), ("ETag", "")),
    *(("Last-Modified", DATE), ("Last-Modified", "")),
    *(("Cache-Control", "max-age=7200"), ("Expires", "Sat, 21 Nov 2026 05:35:15 GMT")),
]
OTHERS = [("Date", DATE), ("Age", "9"), ("Connection", "close, etag"), ("Server", "x"), ("Content-Type", "text/html")]


def some(pairs: list[tuple[str, str]]) -> st.SearchStrategy[Fields]:
    return st.lists(st.sampled_from(pairs), max_size=5, unique=True).map(Fields)


@given(some(REMEMBERED), some(REMEMBERED + OTHERS))
def test_b3_a_304_that_says_nothing_new_leaves_what_the_long_way_leaves(old: Fields, fields: Fields) -> None:
    """B3, C3: the same preconditions next time, and the same plan."""
    before = FeedState(URL, stored=StoredResponse(URL, 200, old, 1.0, 2.0), interval=3600.0, last_polled=5.0)
    response = Response(304, fields, 100.0, 101.0)
    polled = Polled(URL, 101.0, response=response, chain=(URL,))

    def left() -> tuple[object, object]:
        stored, remembered = outcomes.head_left(before, polled, response)
        due = after_success(before, stored, Hints(), status=304, changed=False, pace=Pace(), now=101.0)
        return due, preconditions([remembered])

    short = left()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outcomes, "says_nothing_new", lambda fields, old: False)
        assert short == left()


NEW = "http://feed.test/new"
PAIR = Fields([("ETag", '"1"'), ("Last-Modified", DATE)])
STORED = StoredResponse(URL, 200, PAIR, 1.0, 2.0)
BEFORE: dict[str, Any] = {
    "stored": STORED,
    "chain": (URL,),
    "digest": "old",
    "content_bytes": 500,
    "title": "Tea",
    "window": 1,
    "first_polled": 1.0,
    "last_polled": 5.0,
    "last_changed": 3.0,
    "interval": 3600.0,
}
ENTRY = Entry("k", "id-1", "One", "http://feed.test/1", None, "print")
DOCUMENT = Document("Tea", "rss20", (ENTRY,))


def came(status: int = 200, fields: Fields = PAIR, **facts: Any) -> Polled:
    facts = {"chain": (URL,), "digest": "new", "received": 700, **facts}
    return Polled(URL, 100.0, response=Response(status, fields, 99.0, 100.0), **facts)


def outcome(polled: Polled, seen: tuple[SeenEntry, ...] = (), **state: Any) -> Outcome:
    before = FeedState(URL, **state) if state else None
    subscription = single(URL)
    planned = Planned(subscription, job_of(subscription, before, RunOptions()), before, Pace())
    return outcome_of(planned, polled, {entry.key: entry for entry in seen})


SEEN = (SeenEntry("k", "print", 3.0, 5.0),)


@pytest.mark.parametrize(
    ("polled", "state", "seen", "status", "facts"),
    [
        (came(document=DOCUMENT), {}, (), "new", {"changed": True, "bytes": 700, "bytes_saved": 0}),
        (came(document=DOCUMENT), BEFORE, (), "changed", {"changed": True, "entries": (ENTRY,)}),
        (came(document=DOCUMENT), BEFORE, SEEN, "unchanged", {"changed": False, "entries": ()}),
        (came(), {**BEFORE, "digest": "new"}, SEEN, "unchanged", {"changed": False, "bytes": 700}),
        (came(304, Fields(), digest=None, received=0), BEFORE, SEEN, "unchanged", {"bytes_saved": 500}),
        (came(chain=(URL, NEW), permanent_to=NEW), BEFORE, SEEN, "moved", {"moved_to": NEW}),
        (came(chain=(URL, NEW)), BEFORE, SEEN, "unchanged", {"moved_to": None}),
        (came(500, error="no", digest=None), BEFORE, SEEN, "error", {"error": "no", "http_status": 500}),
        (came(410, error="no", digest=None), BEFORE, SEEN, "gone", {"next_poll": None}),
        (came(410, error="no", digest=None, chain=(URL, NEW)), BEFORE, SEEN, "error", {"error": "no"}),
        (Polled(URL, 100.0, skipped="silent", until=7000.0), BEFORE, SEEN, "skipped", {"next_poll": 7000.0}),
        (Polled(URL, 100.0, chain=(URL,), error="no", connected=False), {}, (), "error", {"connected": False}),
    ],
    ids=[
        *("first sight", "news", "no news", "same bytes", "304", "moved", "temporary redirect", "error", "gone"),
        *("gone behind a temporary redirect", "silent host", "not connected"),
    ],
)
def test_f5_c8_e1_what_a_response_means(
    polled: Polled, state: dict[str, Any], seen: tuple[SeenEntry, ...], status: str, facts: dict[str, Any]
) -> None:
    """F5, F8, C8, E1, C13."""
    result = outcome(polled, seen, **state)
    assert result.status == status
    assert {name: getattr(result, name) for name in facts} == facts


@pytest.mark.parametrize(
    ("polled", "stored"),
    [
        (came(fields=Fields([("ETag", '"2"')])), [("ETag", '"2"')]),
        (came(fields=Fields()), []),
        (came(304, Fields([("ETag", '"2"')])), [("Last-Modified", DATE), ("ETag", '"2"')]),
        (came(304, Fields()), list(PAIR)),
        (came(500, Fields([("ETag", '"bad"')]), error="no"), list(PAIR)),
        (came(200, Fields([("ETag", '"bad"')]), error="cut off"), list(PAIR)),
    ],
    ids=["200 with one", "200 with none", "304 with one", "304 with none", "error", "rejected 200"],
)
def test_b1_b2_b3_b4_b5_what_becomes_of_the_pair(polled: Polled, stored: list[tuple[str, str]]) -> None:
    """B1, B2, B3, B4, B5."""
    state = outcome(polled, SEEN, **BEFORE).state
    assert state is not None
    assert state.stored is not None
    assert sorted(state.stored.fields) == sorted(stored)


@pytest.mark.parametrize(
    ("polled", "ignored", "expected"),
    [
        (came(digest="old", sent=(("If-None-Match", '"1"'),)), 0, 1),
        (came(digest="old", sent=(("If-None-Match", '"1"'),)), 1, 2),
        (came(digest="new", sent=(("If-None-Match", '"1"'),)), 1, 1),
        (came(digest="old"), 1, 0),
        (came(304, Fields(), sent=(("If-None-Match", '"1"'),)), 2, 0),
        (came(500, error="no"), 1, 1),
    ],
    ids=["ignored", "again", "news", "nothing was sent", "honoured", "an error says nothing"],
)
def test_c2_how_often_validators_were_ignored(polled: Polled, ignored: int, expected: int) -> None:
    """C2."""
    state = outcome(polled, SEEN, **BEFORE, ignored=ignored).state
    assert state is not None
    assert state.ignored == expected
