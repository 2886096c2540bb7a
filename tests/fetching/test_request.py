"""The values of one exchange: what is sent, and what a response may cost."""

from __future__ import annotations

import pickle

from condget.fetching.request import DEFAULT_LIMITS, FetchRequest, limits_of


def test_f2_a_longer_content_may_decode_to_five_times_its_length_as_by_default() -> None:
    """F2"""
    limits = limits_of(50_000_000)
    assert (limits.received, limits.decoded) == (50_000_000, 250_000_000)
    assert limits.decoded // limits.received == DEFAULT_LIMITS.decoded // DEFAULT_LIMITS.received
    assert (limits.ratio, limits.seconds, limits.redirects) == (250, 2.0, 5)


def test_f12_no_secret_is_shown_with_a_request() -> None:
    """F12: in a traceback, say; and all of it reaches a worker in another process"""
    request = FetchRequest("http://a.example/", fields=(("X-Key", "s3cret"),), userinfo="ann:s3cret")
    assert "s3cret" not in repr(request)
    assert pickle.loads(pickle.dumps(request)) == request
