"""The request of a poll, and what is kept of its secrets: part D and F12, over the wire."""

from __future__ import annotations

import pytest

from tests.origin import Answer, Origin, ok, redirect
from tests.polling.support import Poller, rss


def test_d2_d5_the_request_is_as_configured(origin: Origin, poller: Poller) -> None:
    """D2, D3, D4, D5, D8: the target byte for byte, options used, credentials to their origin."""
    origin.script("*", Answer(200, fields=[("Set-Cookie", "a=b"), ("ETag", '"1"')], body=rss(1)))
    url = origin.url("/feed?b=%7e&a=", userinfo="me:s%40cret")
    for _ in range(2):
        poller.one(f"{url} header=X-Key:k user-agent=mine/1")
    for request in origin.requests:
        assert (request.target, request.fields.get("user-agent")) == ("/feed?b=%7e&a=", "mine/1")
        assert request.fields.get("authorization") == "Basic bWU6c0BjcmV0"
        assert request.fields.get("x-key") == "k"
        assert not {"cookie", "referer", "pragma", "cache-control"} & {name.lower() for name, _ in request.fields}


def test_f12_secrets_come_from_elsewhere_and_stay_nowhere(
    origin: Origin, poller: Poller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F9, F12: @env is resolved; what is remembered and said holds neither it nor a password."""
    monkeypatch.setenv("FEED_TOKEN", "hunter2secret")
    good = ok(rss(1), etag='"1"', vary="X-Token, Authorization")
    origin.script("/feed", good, Answer(403, body=b"bad hunter2secret"))
    line = origin.url("/feed", userinfo="me:passw0rd") + " header=X-Token:@env:FEED_TOKEN"
    outcomes = [poller.one(line), poller.one(line)]
    assert origin.requests[0].fields.get("x-token") == "hunter2secret"
    assert outcomes[1].status == "error"
    assert "hunter2" not in repr(outcomes)
    assert "passw0rd" not in repr(outcomes)
    monkeypatch.delenv("FEED_TOKEN")
    other = origin.url("/other")
    origin.script("/other", ok(rss(1)))
    missing, good = poller(line, other)
    assert (missing.status, good.status) == ("error", "new")
    assert "FEED_TOKEN" in (missing.error or "")
    assert len(origin.requests_for("/feed")) == 2


def test_f1_one_deadline_holds_and_other_feeds_go_on(origin: Origin, poller: Poller) -> None:
    """F1, F4."""
    origin.script("/slow", Answer(200, body=rss(1), chunks=[b"x"] * 40, chunk_delay=0.1))
    origin.script("/feed", ok(rss(1)))
    outcomes = poller(origin.url("/slow") + " timeout=0.3", origin.url("/feed"))
    assert {outcome.url: outcome.status for outcome in outcomes} == {
        origin.url("/slow"): "error",
        origin.url("/feed"): "new",
    }


def test_f9_what_was_sent_is_not_said_in_any_form(origin: Origin, poller: Poller) -> None:
    """F9, D8: decoded, as Basic, in a reason phrase, in a Location."""
    page = b"you sent user:s3cr:t, s3cr%3At, s3cr%3at and dXNlcjpzM2NyOnQ="
    origin.script("/echo", Answer(500, body=page, reason="s3cr:t"))
    origin.script("/ok", Answer(200, [("ETag", '"1"')], body=rss(1), reason="s3cr:t"))
    origin.script("/to", redirect("ftp://x/s3cr:t"))
    origin.script("/there", redirect("/404?s3cr:t"))
    for path in ("/echo", "/ok", "/to", "/there"):
        outcome = poller.one(origin.url(path, userinfo="user:s3cr%3At"))
        assert outcome.state is not None
        for secret in ("s3cr", "dXNlcjpzM2NyOnQ"):
            assert secret not in (outcome.error or "") + (outcome.reason or "")
            assert secret not in repr(outcome.state.stored)
        assert (outcome.error is None) == (path == "/ok")


def test_f12_a_secret_that_is_missing_backs_off_like_any_failure(
    origin: Origin, poller: Poller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F12, C7: no request is sent without it, and it is reported once."""
    monkeypatch.delenv("FEED_TOKEN", raising=False)
    line = origin.url("/feed") + " header=X-Token:@env:FEED_TOKEN"
    origin.script("/feed", ok(rss(1)))
    outcomes = [outcome for _ in range(72) for outcome in poller(line, after=300, force=False)]
    assert len(outcomes) == 3
    assert [outcome.is_notable for outcome in outcomes] == [True, False, False]
    assert [outcome.state.failures for outcome in outcomes if outcome.state] == [1, 2, 3]
    assert "FEED_TOKEN" in (outcomes[0].error or "")
    assert "the variable FEED_TOKEN is not set" in (outcomes[0].reason or "")
    assert origin.requests == []
    monkeypatch.setenv("FEED_TOKEN", "t")
    assert poller.one(line).status == "new"
