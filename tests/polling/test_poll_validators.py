"""Validators over many polls, judged by what a scripted origin received (parts A and B)."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from condget.feeds.values import Outcome
from condget.polling import RunOptions
from condget.stores.ledger import SqliteLedger
from tests.origin import Answer, Origin, conditional, not_modified, ok, redirect
from tests.polling.support import DATE, Poller, conditions, rss, sent, titles

UNENDED = rss(1, 2).removesuffix(b"</channel></rss>")


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


def till_closed(content: bytes, etag: str = '"2"') -> Answer:
    """An answer without framing: only the end of the connection ends it."""
    return Answer(raw=b"HTTP/1.1 200 OK\r\nETag: " + etag.encode() + b"\r\n\r\n" + content)


@pytest.mark.parametrize("known", [(1,), (1, 3, 4)], ids=["read whole", "read by items"])
def test_b5_a_document_without_its_end_is_an_error_where_nothing_framed_it(
    origin: Origin, poller: Poller, known: tuple[int, ...]
) -> None:
    """B5: pair and entries stay, and the next poll gets everything."""
    cut = rss(2, *known, 5).removesuffix(b"</item></channel></rss>")
    origin.script("/feed", ok(rss(*known), etag='"1"'), till_closed(cut), ok(rss(2, *known, 5), etag='"2"'))
    poller.one(origin.url("/feed"))
    failed = poller.one(origin.url("/feed"))
    assert (failed.status, failed.entries, failed.state and failed.state.failures) == ("error", (), 1)
    assert "cut off" in (failed.error or "")
    assert titles(poller.one(origin.url("/feed"))) == ["Entry 2", "Entry 5"]
    assert sent(origin)[1:] == [{"if-none-match": '"1"'}] * 2


def stamped(content: bytes, number: int) -> bytes:
    return content.replace(b"<title>Tea", b"<lastBuildDate>%d</lastBuildDate><title>Tea" % number)


@pytest.mark.parametrize("framing", ["length", "chunked", "gzip"])
@pytest.mark.parametrize(
    "end", [b"", b"<item><guid>id-9</guid><description><![CDATA[open"], ids=["no end tag", "CDATA"]
)
def test_b5_what_is_complete_counts_where_the_transfer_was(
    origin: Origin, poller: Poller, framing: str, end: bytes
) -> None:
    """B5: a template that never writes an end tag, with a new stamp at each poll"""
    answers = []
    for number, feed in enumerate([rss(1, 2), rss(1, 2), rss(3, 1, 2)]):
        body = stamped(feed, number).removesuffix(b"</channel></rss>") + end
        if framing == "gzip":
            head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
            answers.append(Answer(raw=head + gzip.compress(body)))
        else:
            answers.append(Answer(body=body, chunked=framing == "chunked"))
    origin.script("/feed", *answers)
    outcomes = [poller.one(origin.url("/feed")) for _ in answers]
    assert [outcome.status for outcome in outcomes] == ["new", "unchanged", "changed"]
    assert [titles(outcome) for outcome in outcomes] == [["Entry 1", "Entry 2"], [], ["Entry 3"]]
    assert all(outcome.defect for outcome in outcomes)


def test_b5_a_feed_that_always_lacks_its_end_is_read_when_its_entries_come_again(
    origin: Origin, poller: Poller
) -> None:
    """B5: entries that come twice are all there is, whatever the stamp; other entries without an end are an error."""
    other = UNENDED + rss(3).partition(b"</title>")[2].partition(b"</channel>")[0]
    bodies = [UNENDED, stamped(UNENDED, 1), stamped(UNENDED, 2), other, UNENDED, other, other]
    answers = [till_closed(body, f'"{number}"') for number, body in enumerate(bodies)]
    origin.script("/feed", answers[0], Answer(500), *answers[1:])
    outcomes = [poller.one(origin.url("/feed")) for _ in range(len(answers) + 1)]
    expected = ["error", "error", "new", "error", "error", "error", "error", "changed"]
    assert [outcome.status for outcome in outcomes] == expected
    assert titles(outcomes[2]) == ["Entry 1", "Entry 2"]
    assert titles(outcomes[-1]) == ["Entry 3"]
    assert sent(origin)[:4] == [{}, {}, {}, {"if-none-match": '"1"'}]


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


def test_b10_the_pair_is_sent_to_the_url_that_it_belongs_to(origin: Origin, poller: Poller) -> None:
    """B10: along the chain that leads there, but not to a URL that redirects there for the moment."""
    origin.script("/feed", redirect("/here"))
    origin.script("/here", conditional(rss(1), etag='"1"'))
    assert [poller.one(origin.url("/feed")).status for _ in range(2)] == ["new", "unchanged"]
    assert sent(origin, "/here") == [{}, {"if-none-match": '"1"'}]
    assert sent(origin) == [{}, {}]


def test_b10_a_304_from_elsewhere_is_not_believed(origin: Origin, poller: Poller) -> None:
    """B10: the pair goes with its URL only; the content of another URL is requested in full."""
    origin.script("/feed", redirect("/here"), redirect("/there"))
    origin.script("/here", ok(rss(1), etag='"1"'))
    origin.script("/there", ok(rss(1, 2), etag='"9"'))
    poller.one(origin.url("/feed"))
    assert titles(poller.one(origin.url("/feed"))) == ["Entry 2"]
    assert sent(origin, "/there") == [{}]

    origin.script("/feed", lambda r: not_modified() if conditions(r) else ok(rss(1, 2, 3)))
    assert titles(poller.one(origin.url("/feed"))) == ["Entry 3"]
    assert sent(origin)[-1] == {}


def test_a3_a_star_is_no_entity_tag(origin: Origin, poller: Poller) -> None:
    """A3, C2: it is never sent back, and the feed counts as one without validators."""
    origin.script("/feed", ok(rss(1), etag="*"))
    first = poller.one(origin.url("/feed"))
    poller.one(origin.url("/feed"))
    assert sent(origin) == [{}, {}]
    assert "no validators" in (first.reason or "")


def test_c2_a_server_that_ignores_what_it_is_sent_is_requested_seldom(origin: Origin, poller: Poller) -> None:
    """C2: after two responses with the same content to conditional requests, until it answers 304."""
    origin.script("/feed", *[ok(rss(1), etag='"1-gzip"')] * 4, not_modified(), not_modified())
    reasons = [poller.one(origin.url("/feed"), after=2 * 3600).reason or "" for _ in range(5)]
    assert ["ignores its validators: requested at most every 4 h" in reason for reason in reasons] == [
        *(False, False, True, True, False),
    ]


def test_b9_feeds_that_lead_to_one_target_request_it_once(origin: Origin, poller: Poller) -> None:
    """B9: whether the target is a feed of the list itself or not."""
    for path in ("/a", "/b", "/c"):
        origin.script(path, redirect("/there"))
    origin.script("/there", ok(rss(1)))
    outcomes = {outcome.url: outcome for outcome in poller(*(origin.url(path) for path in ("/a", "/b", "/c")))}
    assert sorted(outcome.status for outcome in outcomes.values()) == ["new", "skipped", "skipped"]
    skipped = outcomes[origin.url("/b")]
    assert "requested for another feed" in (skipped.reason or "")
    assert (skipped.next_poll or 0) >= poller.now + 3600
    assert len(origin.requests_for("/there")) == 1
    outcomes = {outcome.url: outcome for outcome in poller(origin.url("/a"), origin.url("/there"))}
    assert [outcomes[origin.url(path)].status for path in ("/a", "/there")] == ["skipped", "new"]
    assert len(origin.requests_for("/there")) == 2


def test_b9_feeds_that_lead_to_one_error_all_fail(origin: Origin, poller: Poller) -> None:
    """F4: a common page for missing feeds does not hide any of them."""
    for path in ("/a", "/b"):
        origin.script(path, redirect("/gone"))
    outcomes = poller(origin.url("/a"), origin.url("/b"))
    assert [outcome.status for outcome in outcomes] == ["error", "error"]
    assert len(origin.requests_for("/gone")) == 1


@pytest.mark.parametrize("written", ["HTTP://{}", "http://{}?", "http://{}/"])
def test_d9_what_was_known_by_another_spelling_goes_on(origin: Origin, poller: Poller, written: str) -> None:
    """D9, B6: a state file of an earlier version has the URL as it was written."""
    origin.script("*", conditional(rss(1), etag='"1"'))
    url = written.format(origin.netloc)
    poller.one(origin.url("/?") if url.endswith("?") else origin.url("/"))
    (key,) = poller.ledger.urls()
    state = poller.ledger.load([key])[key]
    older = Poller(now=poller.now)
    older.ledger.commit(
        [Outcome(url, "new", state=replace(state, url=url), seen=tuple(poller.ledger.seen(key).values()))]
    )
    assert older.one(url).http_status == 304
    assert older.one(url).status == "unchanged"


def test_b11_a_304_that_nobody_asked_for_is_tried_once_more(origin: Origin, poller: Poller) -> None:
    """B11, D4: with no-cache, and only then."""
    origin.script("/feed", not_modified(etag='"1"'), ok(rss(1), etag='"2"'))
    assert poller.one(origin.url("/feed")).status == "new"
    assert [request.fields.get("cache-control") for request in origin.requests] == [None, "no-cache"]

    origin.script("/always", not_modified(etag='"1"'))
    for _ in range(2):
        assert poller.one(origin.url("/always")).status == "error"
    assert sent(origin, "/always") == [{}] * 4


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
