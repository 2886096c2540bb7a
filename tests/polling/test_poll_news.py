"""News and no news: points F5 to F8, over the wire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from condget.feeds.documents import parse
from condget.feeds.values import Document
from condget.stores.ledger import SqliteLedger
from tests.origin import Answer, Origin, not_modified, ok
from tests.polling import support
from tests.polling.support import Poller, rss, sent, titles


def test_f5_f6_what_is_news_and_what_is_not(origin: Origin, poller: Poller) -> None:
    """F5, F6: order and stamps are not news, an edit is told apart, an entry that comes back is not new."""
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
