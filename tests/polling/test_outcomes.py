"""What an answer leaves of a head: the short way for a 304 that says nothing new is the long way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condget.cache.fields import Fields
from condget.cache.messages import Response, StoredResponse
from condget.cache.validators import preconditions
from condget.feeds.pace import Pace
from condget.feeds.schedule import after_success
from condget.feeds.values import FeedState, Hints
from condget.polling import outcomes
from condget.polling.batch import Polled

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
        stored, remembered = outcomes._stored(before, polled, response)
        due = after_success(before, stored, Hints(), status=304, changed=False, pace=Pace(), now=101.0)
        return due, preconditions([remembered])

    short = left()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outcomes, "_says_nothing_new", lambda fields, old: False)
        assert short == left()
