"""What a poll does, judged by what a scripted origin received: parts A to F of the contract, over the wire."""

from __future__ import annotations

import doctest
import pickle
import socket
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from condget.cache.fields import Fields
from condget.feeds.documents import parse
from condget.feeds.pace import Pace
from condget.feeds.subscriptions import single
from condget.feeds.values import Document, Outcome
from condget.fetching.direct import Wire, _connect
from condget.polling import RunOptions, batch, coordinator, plan, poll
from condget.polling.executors import InProcess
from condget.stores.ledger import SqliteLedger
from condget.stores.memory_ledger import MemoryLedger
from tests.origin import Answer, Origin, RawRequest, conditional, not_modified, ok, redirect
from tests.polling import support
from tests.polling.support import HOUR, NOON, Inline, Poller, rss, titles

DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


@pytest.fixture
def poller() -> Poller:
    return Poller()


def conditions(request: RawRequest) -> dict[str, str]:
    """The conditional fields of a request; each at most once (A6)."""
    named = [(name.lower(), value) for name, value in request.fields if name.lower().startswith("if-")]
    assert len(dict(named)) == len(named)
    return dict(named)


def sent(origin: Origin, path: str = "/feed") -> list[dict[str, str]]:
    return [conditions(request) for request in origin.requests_for(path)]


def test_a1_a2_the_first_request_is_plain_and_the_next_carries_both(origin: Origin, poller: Poller) -> None:
    """A1, A2, D1: absent at first, then byte for byte; one request per poll."""
    origin.script("/feed", conditional(rss(1), etag='W/"x-gzip"', last_modified=DATE))
    first, second = poller.one(origin.url("/feed")), poller.one(origin.url("/feed"))
    assert (first.status, second.status, second.http_status) == ("new", "unchanged", 304)
    assert sent(origin) == [{}, {"if-none-match": 'W/"x-gzip"', "if-modified-since": DATE}]
    assert second.bytes_saved == len(rss(1))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"etag": "unquoted"}, {"if-none-match": "unquoted"}),
        ({"etag": '""947e30c936""'}, {"if-none-match": '""947e30c936""'}),
        ({"etag": '"\xe9"'}, {"if-none-match": '"\xe9"'}),
        ({"last_modified": "yesterday"}, {"if-modified-since": "yesterday"}),
        ({"etag": "", "last_modified": DATE}, {"if-modified-since": DATE}),
        ({"date": DATE}, {}),
    ],
)
def test_a3_a4_a5_what_came_goes_back(
    origin: Origin, poller: Poller, fields: dict[str, str], expected: dict[str, str]
) -> None:
    """A3, A4, A5."""
    origin.script("/feed", ok(rss(1), **fields))
    poller.one(origin.url("/feed"))
    poller.one(origin.url("/feed"))
    assert sent(origin) == [{}, expected]


def test_b1_same_bytes_with_a_new_pair_replace_the_pair(origin: Origin, poller: Poller) -> None:
    """B1, F5."""
    origin.script("/feed", ok(rss(1), etag='"1"'), ok(rss(1), etag='"2"', last_modified=DATE), not_modified())
    outcomes = [poller.one(origin.url("/feed")) for _ in range(3)]
    assert [outcome.changed for outcome in outcomes] == [True, False, False]
    assert sent(origin)[-1] == {"if-none-match": '"2"', "if-modified-since": DATE}


def test_b2_a_validator_that_a_200_lacks_is_forgotten(origin: Origin, poller: Poller) -> None:
    """B2."""
    answers = ok(rss(1), etag='"1"', last_modified=DATE), ok(rss(1, 2), etag='"2"'), ok(rss(1, 2))
    origin.script("/feed", *answers)
    for _ in range(4):
        poller.one(origin.url("/feed"))
    assert sent(origin)[2:] == [{"if-none-match": '"2"'}, {}]


def test_b3_a_304_updates_one_validator_and_keeps_the_other(origin: Origin, poller: Poller) -> None:
    """B3."""
    origin.script("/feed", ok(rss(1), etag='"1"', last_modified=DATE), not_modified(etag='"2"'), not_modified())
    for _ in range(4):
        poller.one(origin.url("/feed"))
    both = {"if-none-match": '"2"', "if-modified-since": DATE}
    assert sent(origin)[2:] == [both, both]


def test_c3_what_a_304_does_not_repeat_holds_still(origin: Origin, poller: Poller, tmp_path: Path) -> None:
    """B3, B6, C3: of a head the pair and what freshness needs are remembered, and a 304 that repeats them changes
    nothing.
    """
    answers = ok(rss(1), etag='"1"', cache_control="max-age=7200", date=DATE, x_powered_by="tea"), not_modified()
    origin.script("/feed", *answers, not_modified(cache_control="max-age=7200", date=DATE, age="5"), not_modified())
    states = []
    for _ in range(4):
        with SqliteLedger(tmp_path / "feeds.sqlite3") as poller.ledger:
            outcome = poller.one(origin.url("/feed"), after=60)
            assert "max-age=7200" in (outcome.reason or "")
            states.append(poller.ledger.load([outcome.url])[outcome.url].stored)
    assert states == [states[0]] * 4
    assert states[0] is not None
    assert {name.lower() for name, _ in states[0].fields} == {"etag", "cache-control"}


@pytest.mark.parametrize(
    "failure",
    [
        *(Answer(status, fields=[("ETag", '"bad"')], body=b"no") for status in (401, 403, 404, 429, 500, 503)),
        Answer(reset=True),
        Answer(200, fields=[("ETag", '"bad"')], body=rss(1, 2), truncate=50),
        Answer(200, fields=[("ETag", '"bad"')], body=rss(1, 2), declared_length=5000),
        Answer(200, fields=[("ETag", '"bad"'), ("Content-Encoding", "gzip")], body=b"\x1f\x8b\x08junk"),
        ok(b"", etag='"bad"'),
        ok(b"<!doctype html><html><title>Log in</title></html>", etag='"bad"'),
    ],
)
def test_b4_b5_an_error_leaves_the_pair_and_the_known_entries(origin: Origin, poller: Poller, failure: Answer) -> None:
    """B4, B5, F4: the next good answer brings what was missed, once."""
    origin.script("/feed", ok(rss(1), etag='"1"'), failure, ok(rss(1, 2), etag='"2"'))
    poller.one(origin.url("/feed"))
    failed = poller.one(origin.url("/feed"))
    assert (failed.status, failed.state and failed.state.failures) == ("error", 1)
    assert origin.url("/feed") in (failed.error or "")
    after = poller.one(origin.url("/feed"))
    assert (after.status, titles(after)) == ("changed", ["Entry 2"])
    assert after.state is not None
    assert (after.state.failures, after.state.error) == (0, None)
    assert sent(origin) == [{}, {"if-none-match": '"1"'}, {"if-none-match": '"1"'}]


UNENDED = rss(1, 2).removesuffix(b"</channel></rss>")


@pytest.mark.parametrize("known", [(1,), (1, 3, 4)], ids=["read whole", "read by items"])
@pytest.mark.parametrize("length", [True, False], ids=["right length", "till the connection closes"])
def test_b5_a_document_without_its_end_is_an_error(
    origin: Origin, poller: Poller, known: tuple[int, ...], length: bool
) -> None:
    """B5: however well its transfer went; pair and entries stay, and the next poll gets everything."""
    cut = rss(2, *known, 5).removesuffix(b"</item></channel></rss>")
    half = ok(cut, etag='"2"') if length else Answer(raw=b'HTTP/1.1 200 OK\r\nETag: "2"\r\n\r\n' + cut)
    origin.script("/feed", ok(rss(*known), etag='"1"'), half, ok(rss(2, *known, 5), etag='"2"'))
    poller.one(origin.url("/feed"))
    failed = poller.one(origin.url("/feed"))
    assert (failed.status, failed.entries, failed.state and failed.state.failures) == ("error", (), 1)
    assert "cut off" in (failed.error or "")
    assert titles(poller.one(origin.url("/feed"))) == ["Entry 2", "Entry 5"]
    assert sent(origin)[1:] == [{"if-none-match": '"1"'}] * 2


def test_b5_a_feed_that_always_lacks_its_end_is_read_when_the_same_comes_again(origin: Origin, poller: Poller) -> None:
    """B5: what comes twice is all there is; another half is an error again."""
    other = UNENDED.replace(b"Entry 2", b"Entry two") + rss(3).partition(b"</title>")[2].partition(b"</channel>")[0]
    answers = [ok(UNENDED), Answer(500), ok(UNENDED, etag='"1"'), ok(UNENDED), ok(other)]
    answers += [ok(UNENDED), ok(other), ok(other)]
    origin.script("/feed", *answers)
    outcomes = [poller.one(origin.url("/feed")) for _ in answers]
    expected = ["error", "error", "new", "unchanged", "error", "unchanged", "error", "changed"]
    assert [outcome.status for outcome in outcomes] == expected
    assert titles(outcomes[2]) == ["Entry 1", "Entry 2"]
    assert titles(outcomes[-1]) == ["Entry 3"]
    assert sent(origin)[:5] == [{}, {}, {}, {"if-none-match": '"1"'}, {}]


def test_b8_forced_is_conditional_and_unconditional_is_not(origin: Origin, poller: Poller) -> None:
    """B8."""
    origin.script("/feed", ok(rss(1), etag='"1"'))
    poller.one(origin.url("/feed"))
    poller.one(origin.url("/feed"))
    unconditional = poller.one(origin.url("/feed"), run_options=RunOptions(force=True, unconditional=True))
    assert unconditional.status == "unchanged"
    assert sent(origin) == [{}, {"if-none-match": '"1"'}, {}]


def test_b9_the_same_url_twice_is_one_request(origin: Origin, poller: Poller) -> None:
    """B9."""
    origin.script("/feed", ok(rss(1)))
    assert len(poller(origin.url("/feed"), origin.url("/feed") + " name=Again", origin.url("/feed") + "#x")) == 1
    assert len(origin.requests) == 1


def test_b10_the_pair_is_sent_along_its_chain(origin: Origin, poller: Poller) -> None:
    """B10: to each URL of the chain that gave it."""
    origin.script("/feed", redirect("/here"))
    origin.script("/here", conditional(rss(1), etag='"1"'))
    assert [poller.one(origin.url("/feed")).status for _ in range(2)] == ["new", "unchanged"]
    assert sent(origin) == sent(origin, "/here") == [{}, {"if-none-match": '"1"'}]


def test_b10_a_304_from_elsewhere_is_not_believed(origin: Origin, poller: Poller) -> None:
    """B10: the pair goes with its URL only; a 304 from another one is asked for the content."""
    origin.script("/feed", redirect("/here"), redirect("/there"))
    origin.script("/here", ok(rss(1), etag='"1"'))
    origin.script("/there", ok(rss(1, 2), etag='"9"'))
    poller.one(origin.url("/feed"))
    assert titles(poller.one(origin.url("/feed"))) == ["Entry 2"]
    assert sent(origin, "/there") == [{}]

    origin.script("/feed", lambda r: not_modified() if conditions(r) else ok(rss(1, 2, 3)))
    assert titles(poller.one(origin.url("/feed"))) == ["Entry 3"]
    assert sent(origin)[-2:] == [{"if-none-match": '"9"'}, {}]


def test_b11_a_304_that_nobody_asked_for_is_tried_once_more(origin: Origin, poller: Poller) -> None:
    """B11, D4: with no-cache, and only then."""
    origin.script("/feed", not_modified(etag='"1"'), ok(rss(1), etag='"2"'))
    assert poller.one(origin.url("/feed")).status == "new"
    assert [request.fields.get("cache-control") for request in origin.requests] == [None, "no-cache"]

    origin.script("/always", not_modified(etag='"1"'))
    for _ in range(2):
        assert poller.one(origin.url("/always")).status == "error"
    assert sent(origin, "/always") == [{}] * 4


def test_c1_not_twice_within_the_hour(origin: Origin, poller: Poller) -> None:
    """C1: however often it runs."""
    origin.script("/feed", conditional(rss(1), etag='"1"'))
    for _ in range(12):
        poller(origin.url("/feed"), after=299, force=False)
    assert len(origin.requests) == 1
    poller(origin.url("/feed"), after=900, force=False)
    assert len(origin.requests) == 2


@pytest.mark.parametrize(("fields", "hours"), [({}, 4.0), ({"etag": '"1"', "cache_control": "max-age=86400"}, 24.0)])
def test_c2_c3_what_delays_the_next_poll(origin: Origin, poller: Poller, fields: dict[str, str], hours: float) -> None:
    """C2, C3."""
    origin.script("/feed", ok(rss(1), **fields))
    poller.one(origin.url("/feed"))
    assert poller(origin.url("/feed"), after=hours * HOUR - 1, force=False) == []
    assert len(poller(origin.url("/feed"), after=601, force=False)) == 1


def test_c6_a_host_that_says_429_is_left_alone(origin: Origin, poller: Poller) -> None:
    """C6: the rest of its feeds in this run, and all of them until then."""
    paths = [origin.url(f"/{n}") for n in range(4)]
    origin.script("*", ok(rss(1), etag='"1"'))
    origin.script("/1", Answer(429, fields=[("Retry-After", "7200")]))
    assert [outcome.status for outcome in poller(*paths)] == ["new", "error", "skipped", "skipped"]
    assert len(origin.requests) == 2
    assert poller(*paths, after=HOUR) == []
    assert len(poller(*paths, after=HOUR + 60)) == 4


def test_c7_c13_failures_back_off_but_offline_counts_nothing(origin: Origin, poller: Poller) -> None:
    """C7, C13: a run that reaches nobody raises no failure count; beside one that answers it does."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}/feed"
    offline = poller.one(dead)
    assert offline.status == "error"
    assert offline.state is not None
    assert offline.state.failures == 0
    assert poller(dead, after=5 * 60, force=False) == []
    origin.script("/feed", ok(rss(1)))
    failures = {o.url: o.state.failures for o in poller(dead, origin.url("/feed"), after=HOUR) if o.state}
    assert failures == {dead: 1, origin.url("/feed"): 0}


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return int(closed.getsockname()[1])


def test_c7_c13_a_dead_feed_that_always_is_due_alone_backs_off(origin: Origin, poller: Poller) -> None:
    """C1, C7, C13: others were reached meanwhile, so that it is not the machine."""
    dead = f"http://127.0.0.1:{closed_port()}/feed"
    origin.script("*", conditional(rss(1), etag='"1"'))
    asked: list[float] = []
    for _ in range(96):
        outcomes = poller(origin.url("/a"), dead, origin.url("/b"), after=HOUR / 4, force=False)
        asked += [poller.now for outcome in outcomes if outcome.url == dead]
    gaps = [(later - earlier) / HOUR for earlier, later in pairwise(asked)]
    assert len(gaps) >= 3
    assert all(gap >= wait for gap, wait in zip(gaps, [2, 4, 8, 16], strict=False))


def test_c13_a_machine_that_goes_offline_counts_no_failure(origin: Origin, poller: Poller) -> None:
    """C13: neither of feeds that were well, asked one by one or together, nor of one that was dead before."""
    with Origin() as other:
        other.script("*", conditional(rss(1), etag='"1"'))
        well, dead = [other.url("/a"), other.url("/b")], f"http://127.0.0.1:{closed_port()}/feed"
        poller(*well, dead)
        poller(well[1], after=HOUR)
    for _ in range(3):
        for lines in ([well[0]], [dead], [well[1]], [*well, dead]):
            outcomes = poller(*lines, after=HOUR / 3)
            assert [outcome.status for outcome in outcomes] == ["error"] * len(lines)
    states = poller.ledger.load([*well, dead])
    assert [states[url].failures for url in (*well, dead)] == [0, 0, 2]


def test_c8_gone_is_told_once_and_not_asked_again(origin: Origin, poller: Poller) -> None:
    """C8: until the user names the feed, with force."""
    origin.script("/feed", ok(rss(1)), Answer(410), ok(rss(1, 2)))
    poller.one(origin.url("/feed"))
    assert poller.one(origin.url("/feed")).status == "gone"
    assert poller(origin.url("/feed"), after=365 * 24 * HOUR) == []
    assert len(origin.requests) == 2
    named = poll([single(origin.url("/feed"))], poller.ledger, run_options=RunOptions(force=True), clock=lambda: NOON)
    assert [outcome.status for outcome in named] == ["changed"]


def test_c12_one_at_a_time_with_a_gap(origin: Origin, poller: Poller) -> None:
    """C12: a gap between starts, as set; none for loopback by default."""
    feeds = [origin.url(f"/{n}") for n in range(3)]
    origin.script("*", ok(rss(1)))
    poller(*feeds)
    assert poller.slept == []
    poller(*feeds, run_options=RunOptions(force=True, gap=5))
    assert len(poller.slept) == 2
    assert all(4 < seconds <= 5 for seconds in poller.slept)
    assert [request.path for request in origin.requests[:3]] == ["/0", "/1", "/2"]


@pytest.mark.parametrize("by", [24 * HOUR, 365 * 24 * HOUR])
def test_c14_a_clock_set_back_makes_no_burst(origin: Origin, poller: Poller, by: float) -> None:
    """C14: nobody is asked at once, and nobody waits longer than was planned."""
    origin.script("/feed", conditional(rss(1), etag='"1"'))
    poller.one(origin.url("/feed"))
    assert poller(origin.url("/feed"), after=-by, force=False) == []
    assert len(poller(origin.url("/feed"), after=2 * HOUR, force=False)) == 1


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


def test_e1_a_permanent_redirect_to_a_feed_is_a_move(origin: Origin, poller: Poller) -> None:
    """E1: told once, with the news, and the new URL is used from then on."""
    origin.script("/feed", ok(rss(1), etag='"1"'), redirect("/a", 301))
    origin.script("/a", redirect("/new", 308))
    origin.script("/new", conditional(rss(1, 2), etag='"2"'))
    poller.one(origin.url("/feed"))
    moved = poller.one(origin.url("/feed"))
    assert (moved.status, moved.moved_to, titles(moved)) == ("moved", origin.url("/new"), ["Entry 2"])
    assert poller.one(origin.url("/feed")).status == "unchanged"
    assert sent(origin, "/new") == [{}, {"if-none-match": '"2"'}]
    assert len(origin.requests_for("/feed")) == 2


@pytest.mark.parametrize("kind", [MemoryLedger, SqliteLedger])
def test_e1_who_changes_the_list_as_told_goes_on_where_the_feed_was(
    origin: Origin, tmp_path: Path, kind: type[MemoryLedger | SqliteLedger]
) -> None:
    """E1, B10, C1: pair, known entries and due time are those of the old URL, which another list may still have."""
    ledger = MemoryLedger() if kind is MemoryLedger else SqliteLedger(tmp_path / "feeds.sqlite3")
    poller = Poller(ledger=ledger)
    origin.script("/feed", redirect("/new", 301))
    origin.script("/new", ok(rss(1, 2), etag='"1"'), not_modified(), ok(rss(1, 2, 3), etag='"2"'), not_modified())
    poller.one(origin.url("/feed"))
    poller.one(origin.url("/feed"), after=HOUR)
    assert poller(origin.url("/new"), after=HOUR / 2, force=False) == []
    changed = poller.one(origin.url("/new"), after=HOUR)
    assert (changed.status, titles(changed)) == ("changed", ["Entry 3"])
    assert poller.one(origin.url("/new")).status == "unchanged"
    assert sent(origin, "/new") == [{}, *[{"if-none-match": '"1"'}] * 2, {"if-none-match": '"2"'}]
    assert ledger.load([origin.url("/new")])[origin.url("/new")].moved_to is None
    assert poller.one(origin.url("/feed")).status == "unchanged"
    ledger.close()


def test_e1_a_url_that_is_new_beside_the_one_that_moved_there_is_new(origin: Origin, poller: Poller) -> None:
    """E1, B9."""
    origin.script("/feed", redirect("/new", 301))
    origin.script("/new", ok(rss(1), etag='"1"'))
    poller.one(origin.url("/feed"))
    assert [outcome.status for outcome in poller(origin.url("/feed"), origin.url("/new"))] == ["new"]


@pytest.mark.parametrize("status", [302, 303, 307])
def test_e1_a_temporary_redirect_is_never_remembered(origin: Origin, poller: Poller, status: int) -> None:
    """E1: nor is a chain with a temporary redirect in it."""
    origin.script("/feed", redirect("/a", 301))
    origin.script("/a", redirect("/new", status))
    origin.script("/new", ok(rss(1)))
    for _ in range(2):
        assert poller.one(origin.url("/feed")).moved_to is None
    assert len(origin.requests_for("/feed")) == 2


@pytest.mark.parametrize("end", [Answer(404), ok(b"<html><title>Log in</title></html>"), Answer(401)])
def test_e2_a_permanent_redirect_to_no_feed_is_no_move(origin: Origin, poller: Poller, end: Answer) -> None:
    """E2."""
    origin.script("/feed", ok(rss(1), etag='"1"'), redirect("/new", 301))
    origin.script("/new", end)
    poller.one(origin.url("/feed"))
    for _ in range(2):
        outcome = poller.one(origin.url("/feed"))
        assert (outcome.status, outcome.moved_to) == ("error", None)
    assert len(origin.requests_for("/feed")) == 3


def test_e1_the_configured_url_is_not_lost_when_the_new_one_fails(origin: Origin, poller: Poller) -> None:
    """E1: after a failure the configured URL is asked in turn."""
    origin.script("/feed", redirect("/new", 301), ok(rss(1, 2), etag='"2"'))
    origin.script("/new", ok(rss(1), etag='"1"'), Answer(404))
    poller.one(origin.url("/feed"))
    assert poller.one(origin.url("/feed")).status == "error"
    assert titles(poller.one(origin.url("/feed"))) == ["Entry 2"]
    poller.one(origin.url("/feed"))
    assert [request.path for request in origin.requests] == ["/feed", "/new", "/new", "/feed", "/feed"]
    assert sent(origin)[-1] == {"if-none-match": '"2"'}


def test_c8_gone_where_it_moved_to_is_asked_at_home_first(origin: Origin, poller: Poller) -> None:
    """C8, E1: in the same poll, and it is gone only if that leads there as well."""
    origin.script("/feed", redirect("/new", 301), redirect("/newer", 301))
    origin.script("/new", ok(rss(1)), Answer(410))
    origin.script("/newer", ok(rss(1)), Answer(410))
    poller.one(origin.url("/feed"))
    assert poller.one(origin.url("/feed")).moved_to == origin.url("/newer")
    assert poller.one(origin.url("/feed")).status == "gone"


def test_c8_gone_behind_a_temporary_redirect_is_a_failure(origin: Origin, poller: Poller) -> None:
    """C8, E1: only the configured URL itself, or an unbroken permanent chain, can be gone."""
    origin.script("/gone", Answer(410))
    origin.script("/away", redirect("/gone", 302))
    origin.script("/feed", ok(rss(1)), redirect("/gone", 302), redirect("/away", 301), ok(rss(1, 2)))
    outcomes = [poller.one(origin.url("/feed")) for _ in range(4)]
    assert [outcome.status for outcome in outcomes] == ["new", "error", "error", "changed"]
    assert [outcome.state and outcome.state.failures for outcome in outcomes] == [0, 1, 2, 0]
    assert not any("off the list" in outcome.error for outcome in outcomes if outcome.error)

    origin.script("/feed", redirect("/moved", 301))
    origin.script("/moved", redirect("/gone", 308))
    assert poller.one(origin.url("/feed")).status == "gone"


def test_e4_what_was_public_when_it_moved_must_stay_public(origin: Origin, poller: Poller) -> None:
    """E4: the new URL is remembered, but a name of a public site that later means this machine is refused."""
    addresses = {"old.example": "93.184.216.34", "new.example": "93.184.216.35"}

    async def resolve(host: str, port: int) -> list[str]:
        return [addresses[host]]

    async def connect(address: str, port: int) -> socket.socket:
        return await _connect("127.0.0.1", origin.port)

    def ask() -> Outcome:
        executor = InProcess(lambda: NOON, wire=lambda: Wire(resolve=resolve, connect=connect), parser=Inline)
        run_options = RunOptions(force=True)
        (outcome,) = poll(
            [single("http://old.example/feed")],
            poller.ledger,
            run_options=run_options,
            clock=lambda: NOON,
            executor=executor,
        )
        return outcome

    origin.script("/feed", redirect("http://new.example/new", 301))
    origin.script("/new", conditional(rss(1), etag='"1"'))
    assert ask().moved_to == "http://new.example/new"
    assert ask().http_status == 304
    addresses["new.example"] = "127.0.0.1"
    refused = ask()
    assert refused.status == "error"
    assert "private address" in (refused.error or "")
    assert len(origin.requests) == 3


def test_e5_secrets_do_not_follow_a_move_to_another_origin(origin: Origin, poller: Poller) -> None:
    """E5, D8: neither at the redirect nor when the new URL is asked directly."""
    with Origin() as other:
        origin.script("/feed", redirect(other.url("/new"), 301))
        other.script("/new", conditional(rss(1), etag='"1"'))
        line = origin.url("/feed", userinfo="me:pw") + " header=X-Key:k"
        for _ in range(2):
            poller.one(line)
        assert len(other.requests) == 2
        for request in other.requests:
            assert not {"authorization", "x-key"} & {name.lower() for name, _ in request.fields}


def test_b9_a_feed_that_moved_to_another_of_the_list_is_not_asked(origin: Origin, poller: Poller) -> None:
    """B9: the list has the new URL already."""
    origin.script("/feed", redirect("/new", 301))
    origin.script("/new", ok(rss(1), etag='"1"'))
    poller.one(origin.url("/feed"))
    assert [outcome.url for outcome in poller(origin.url("/feed"), origin.url("/new"))] == [origin.url("/new")]


def test_f1_one_deadline_holds_and_other_feeds_go_on(origin: Origin, poller: Poller) -> None:
    """F1, F4."""
    origin.script("/slow", Answer(200, body=rss(1), chunks=[b"x"] * 40, chunk_delay=0.1))
    origin.script("/feed", ok(rss(1)))
    outcomes = poller(origin.url("/slow") + " timeout=0.3", origin.url("/feed"))
    assert {outcome.url: outcome.status for outcome in outcomes} == {
        origin.url("/slow"): "error",
        origin.url("/feed"): "new",
    }


def test_f5_f6_what_is_news_and_what_is_not(origin: Origin, poller: Poller) -> None:
    """F5, F6: order and stamps are no news, an edit is told apart, an entry that comes back is not new."""
    stamp = "<lastBuildDate>Thu, 01 Jan 2026 00:00:00 GMT</lastBuildDate>"
    bodies = [
        rss(1, 2),
        rss(2, 1, extra=stamp),
        rss(2),
        rss(1, 2),
        rss(1, 2).replace(b"Entry 2", b"Entry two"),
        rss(3),
    ]
    origin.script("/feed", *map(ok, bodies))
    outcomes = [poller.one(origin.url("/feed")) for _ in bodies]
    assert [outcome.status for outcome in outcomes] == [
        "new",
        "unchanged",
        "unchanged",
        "unchanged",
        "changed",
        "changed",
    ]
    assert [entry.title for entry in outcomes[4].edited] == ["Entry two"]
    assert outcomes[4].entries == ()
    assert titles(outcomes[5]) == ["Entry 3"]


def test_f6_im_used_adds_and_removes_nothing(origin: Origin, poller: Poller) -> None:
    """F6: 226."""
    origin.script("/feed", ok(rss(1, 2), etag='"1"'), Answer(226, [("ETag", '"2"')], rss(3)), ok(rss(1, 2, 3)))
    assert [titles(poller.one(origin.url("/feed"))) for _ in range(3)] == [
        ["Entry 1", "Entry 2"],
        ["Entry 3"],
        [],
    ]
    assert sent(origin)[-1] == {"if-none-match": '"2"'}


def test_only_what_is_new_is_read_also_after_a_restart(
    origin: Origin, poller: Poller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B6, F5: the recall of the items survives a restart, and a 304 and a failure in between."""
    stamps = [f"<lastBuildDate>Thu, 01 Jan 2026 00:00:0{n} GMT</lastBuildDate>" for n in range(3)]
    parsed: list[Document] = []

    def recording(*task: Any) -> Document:
        parsed.append(parse(*task))
        return parsed[-1]

    monkeypatch.setattr(support, "parse", recording)
    answers = [ok(rss(1, 2, 3, extra=stamps[0]), etag='"1"'), not_modified(), Answer(500)]
    origin.script("/feed", *answers, ok(rss(1, 2, 3, extra=stamps[1])), ok(rss(4, 1, 2, 3, extra=stamps[2])))
    found = []
    for _ in range(5):
        with SqliteLedger(tmp_path / "feeds.sqlite3") as poller.ledger:
            found.append(titles(poller.one(origin.url("/feed"))))
    assert found == [["Entry 1", "Entry 2", "Entry 3"], [], [], [], ["Entry 4"]]
    assert [(len(document.entries), len(document.known)) for document in parsed] == [(3, 0), (0, 3), (1, 3)]


def test_b7_what_was_not_committed_is_new_again_also_beside_what_is_known(origin: Origin, tmp_path: Path) -> None:
    """B7: the run ends between report and commit."""
    path, url = tmp_path / "feeds.sqlite3", origin.url("/feed")
    origin.script("/feed", ok(rss(1, 2, 3)), ok(rss(4, 1, 2, 3)))
    found = []
    for ends_early in (False, True, True, False, False):
        with SqliteLedger(path) as ledger:
            executor = InProcess(lambda: NOON, parser=Inline)
            run = poll([single(url)], ledger, run_options=RunOptions(force=True), clock=lambda: NOON, executor=executor)
            found.append(titles(next(run)))
            if ends_early:
                run.close()
            assert list(run) == []
    assert found == [["Entry 1", "Entry 2", "Entry 3"], *[["Entry 4"]] * 3, []]


def test_f6_im_used_is_not_taken_for_the_whole_document(origin: Origin, poller: Poller) -> None:
    """F6: what follows a 226 is read whole, and its title and hints are the feed's still."""
    bodies = [ok(rss(1, 2, 3, extra="<ttl>300</ttl>"), etag='"1"'), Answer(226, [("ETag", '"2"')], rss(4, title="?"))]
    origin.script("/feed", *bodies, ok(rss(5, 4, 1, 2, 3, extra="<ttl>300</ttl>")))
    outcomes = [poller.one(origin.url("/feed")) for _ in range(3)]
    assert [titles(outcome) for outcome in outcomes[1:]] == [["Entry 4"], ["Entry 5"]]
    states = [outcome.state for outcome in outcomes if outcome.state]
    assert [bool(state.recall) for state in states] == [True, False, True]
    assert [(state.window, state.hints.ttl) for state in states] == [(3, 18_000), (3, 18_000), (5, 18_000)]


def test_f8_first_sight_is_new_also_after_failures(origin: Origin, poller: Poller) -> None:
    """F8."""
    origin.script("/feed", Answer(500), ok(rss(1, 2)))
    poller.one(origin.url("/feed"))
    outcome = poller.one(origin.url("/feed"))
    assert (outcome.status, outcome.title, len(outcome.entries)) == ("new", "Tea", 2)


def test_no_store_does_not_cost_the_pair(origin: Origin, poller: Poller) -> None:
    """A2: a poller keeps no response, only its validators."""
    origin.script("/feed", conditional(rss(1), etag='"1"', cache_control="no-store"))
    assert [poller.one(origin.url("/feed")).http_status for _ in range(2)] == [200, 304]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("etag", {"if-none-match": '"1"'}),
        ("last-modified", {"if-modified-since": DATE}),
        ("none", {}),
    ],
)
def test_the_option_validators_chooses_what_is_sent(
    origin: Origin, poller: Poller, option: str, expected: dict[str, str]
) -> None:
    """A7: for servers that treat one of the two wrongly."""
    origin.script("/feed", ok(rss(1), etag='"1"', last_modified=DATE))
    for _ in range(2):
        poller.one(f"{origin.url('/feed')} validators={option}")
    assert sent(origin)[-1] == expected


def test_b7_what_the_caller_did_not_come_back_for_is_not_committed(origin: Origin) -> None:
    """B7: an outcome is committed when the next one is asked for."""
    origin.script("/feed", ok(rss(1)))
    ledger = MemoryLedger()
    arguments = {"run_options": RunOptions(), "clock": lambda: NOON}
    for _ in range(2):
        run = poll(
            [single(origin.url("/feed"))],
            ledger,
            executor=InProcess(lambda: NOON, parser=Inline),
            **arguments,
        )  # type: ignore[arg-type]
        assert next(run).status == "new"
        run.close()
    assert ledger.urls() == []


def test_a_batch_can_be_sent_to_another_process(origin: Origin, poller: Poller) -> None:
    """The executor seam: what passes it is picklable."""
    subscriptions = [single(origin.url("/feed", userinfo="a:b"))]
    batch = plan(subscriptions, poller.ledger, RunOptions(pace=Pace(minimum=7)), NOON).batch()
    assert pickle.loads(pickle.dumps(batch)) == batch
    assert "a:b" not in repr(batch)
    assert pickle.loads(pickle.dumps(Fields([("a", "b")]))) == Fields([("a", "b")])


@pytest.mark.parametrize("module", [batch, coordinator])
def test_the_examples_in_docstrings_run(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0
