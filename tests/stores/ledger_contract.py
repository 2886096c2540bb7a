"""The contract of every `Ledger`, as a class of tests to inherit; `empty` is the fixture to provide."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from condget.cache.fields import Fields
from condget.cache.messages import StoredResponse
from condget.errors import UsageError
from condget.feeds.values import FeedState, Hints, HostHold, Outcome, Recall, SeenEntry, Trouble
from condget.stores.protocols import EnrolledFeed, EnrollingLedger, Ledger
from condget.stores.transfer import export_state, import_state

URL = "https://example.org/feed.xml"
NOW = 1772417100.0

#: Every field differs from its default.
STATE = FeedState(
    URL,
    moved_to="https://example.org/new.xml",
    stored=StoredResponse(
        "https://example.org/new.xml",
        200,
        Fields([("ETag", 'W/"\xe9 \xff", ""x""'), ("Last-Modified", "yesterday"), ("X", "1"), ("x", "2")]),
        NOW,
        NOW + 0.25,
        "OK",
        selecting=((("accept", "*/*"), ("x", None)),),
    ),
    chain=(URL, "https://example.org/new.xml"),
    title="Ein Titel \u2014 \U0001f600",
    digest="ab" * 32,
    cut_off="cd" * 32,
    content_bytes=4321,
    window=20,
    recall=Recall("frame-digestcontextdigestitem-digkey-of-entry"),
    hints=Hints(ttl=3600.0, skip_hours=(1, 2), skip_days=("Monday",), update_period=7200.0),
    first_polled=NOW - 9,
    last_polled=NOW,
    last_changed=NOW - 5,
    interval=5400.0,
    failures=3,
    trouble=Trouble(NOW - 9, NOW - 1, ("5xx", "404")),
    error="odd",
    unreached=NOW - 3,
    gone=True,
    next_poll=NOW + 3600,
    reason="because; next at 03:05Z",
)


def outcome(url: str = URL, **facts: object) -> Outcome:
    state = replace(FeedState(url, last_polled=NOW, next_poll=NOW + 3600), **facts)  # type: ignore[arg-type]
    return Outcome(url, "unchanged", state=state)


def entry(key: str, at: float = NOW) -> SeenEntry:
    return SeenEntry(key, "f" * 32, at, at)


def feeds_of(*hosts: int) -> list[EnrolledFeed]:
    """Return a list of feeds: so many of each host in turn."""
    found = [f"https://{number}.example/{feed}" for number, feeds in enumerate(hosts) for feed in range(feeds)]
    return [EnrolledFeed(url, url.split("/")[2], line, 30 * line) for line, url in enumerate(found, 1)]


def enrol(
    ledger: EnrollingLedger, feeds: Iterable[EnrolledFeed], digest: str = "d1", source: str = "/feeds.txt"
) -> int:
    return ledger.enrol(digest, source, feeds, lambda: f"remark on {digest}")


def yielded(ledger: EnrollingLedger, size: int = 1, digest: str = "d1", **window: Any) -> list[list[str]]:
    """Return what each portion holds, without the scheme."""
    return [[feed.key[8:] for feed in portion] for portion in ledger.portions(digest, size, **window)]


class LedgerContract:
    @pytest.fixture
    def ledger(self, empty: Ledger) -> Iterator[Ledger]:
        yield empty
        empty.close()

    def test_an_empty_ledger_knows_nothing(self, ledger: Ledger) -> None:
        assert (ledger.due([URL]), ledger.load([URL]), ledger.holds(), ledger.seen(URL)) == ({}, {}, {}, {})
        assert list(ledger.urls()) == []

    def test_a_state_comes_back_as_it_was(self, ledger: Ledger) -> None:
        """A3, B6"""
        ledger.commit([Outcome(URL, "changed", state=STATE)])
        assert ledger.load([URL, "https://example.org/unknown"]) == {URL: STATE}
        assert ledger.due([URL]) == {URL: (NOW + 3600, "because; next at 03:05Z", True)}

    def test_8_kb_of_etag_with_every_byte_survive(self, ledger: Ledger) -> None:
        """A3"""
        etag = "".join(map(chr, range(1, 256))) * 32
        stored = StoredResponse(URL, 200, Fields([("ETag", etag)]), NOW, NOW)
        ledger.commit([outcome(stored=stored)])
        assert ledger.load([URL])[URL].stored == stored

    def test_the_last_commit_counts_as_a_whole(self, ledger: Ledger) -> None:
        """B2"""
        ledger.commit([Outcome(URL, "changed", state=STATE)])
        ledger.commit([outcome()])
        assert ledger.load([URL]) == {URL: outcome().state}

    def test_what_was_loaded_and_changed_is_written_each_time(self, ledger: Ledger) -> None:
        """B1, B2, B7: to another value, to the default, and back; a commit that fails in between writes nothing."""
        other = replace(STATE, stored=None, recall=Recall(""), title=None, interval=60.0, error=None, hints=Hints())
        moved = replace(STATE, next_poll=NOW + 7200, last_polled=NOW + 60, interval=90.0, gone=False, reason="again")
        ledger.commit([Outcome(URL, "changed", state=STATE)])
        for state in (
            moved,
            other,
            STATE,
            STATE,
            replace(STATE, recall=Recall("")),
            STATE,
            replace(STATE, title="new"),
        ):
            ledger.load([URL])
            with pytest.raises(RuntimeError):
                ledger.commit(self._breaking_off(replace(other, window=99)))
            for again in (other, state, state):
                ledger.commit([Outcome(URL, "changed", state=again)])
                assert ledger.load([URL]) == {URL: again}
            ledger.commit([Outcome(URL, "changed", state=one) for one in (other, STATE, state)])
            assert ledger.load([URL]) == {URL: state}
            ledger.commit([Outcome(URL, "changed", state=other)])
            ledger.commit([Outcome(URL, "changed", state=state)])
            assert ledger.load([URL]) == {URL: state}

    def _breaking_off(self, state: FeedState) -> Iterator[Outcome]:
        yield from [Outcome(URL, "changed", state=state)] * 600
        raise RuntimeError

    def test_due_tells_known_feeds_alone(self, ledger: Ledger) -> None:
        urls = [f"https://example.org/{number}" for number in range(3000)]
        ledger.commit(outcome(url) for url in urls)
        for asked in (urls, urls[:10], urls[5:1500]):
            assert set(ledger.due([*asked, "https://example.org/unknown"])) == set(asked)
        assert list(ledger.urls()) == sorted(urls)

    def test_seen_entries_are_added_updated_and_forgotten(self, ledger: Ledger) -> None:
        other = "https://example.org/other"
        ledger.commit([replace(outcome(), seen=(entry("a"), entry("b"))), replace(outcome(other), seen=(entry("a"),))])
        ledger.commit([replace(outcome(), seen=(entry("b", NOW + 1), entry("c")), forget=("a", "never"))])
        assert ledger.seen(URL) == {"b": entry("b", NOW + 1), "c": entry("c")}
        assert ledger.seen(other) == {"a": entry("a")}

    def test_odd_keys_come_back_as_they_were(self, ledger: Ledger) -> None:
        """F7"""
        keys = ["", " ", "\0", "\ud800", "\xe9", "e\u0301", "'\"", "k" * 10_000]
        ledger.commit([replace(outcome(title="\ud800"), seen=tuple(map(entry, keys)))])
        assert set(ledger.seen(URL)) == set(keys)
        assert ledger.load([URL])[URL].title == "\ud800"

    def test_a_hold_is_kept_and_never_shortened(self, ledger: Ledger) -> None:
        """C6"""
        long, short = HostHold("example.org", NOW + 7200, "long"), HostHold("example.org", NOW + 60, "short")
        ledger.commit([replace(outcome(), hold=long), Outcome(URL, "error", hold=short)])
        assert ledger.holds() == {"example.org": long}

    def test_an_outcome_without_a_state_writes_nothing(self, ledger: Ledger) -> None:
        ledger.commit([Outcome(URL, "skipped", seen=(entry("a"),))])
        assert (ledger.load([URL]), ledger.seen(URL)) == ({}, {})

    def test_a_commit_is_all_or_nothing(self, ledger: Ledger) -> None:
        """B7"""

        def breaks() -> Iterator[Outcome]:
            for number in range(1200):
                yield replace(outcome(f"https://example.org/{number}"), seen=(entry("a"),))
            raise RuntimeError("in the middle")

        with pytest.raises(RuntimeError, match="in the middle"):
            ledger.commit(breaks())
        assert list(ledger.urls()) == []
        ledger.commit([outcome()])
        assert list(ledger.urls()) == [URL]

    def test_it_tells_when_any_feed_was_polled_last(self, ledger: Ledger) -> None:
        """C13"""
        assert ledger.last_reached() == 0
        ledger.commit([outcome("https://example.org/a", last_polled=None)])
        assert ledger.last_reached() == 0
        ledger.commit([outcome(), outcome("https://example.org/b", last_polled=NOW - 1)])
        assert ledger.last_reached() == NOW

    def test_it_tells_which_feeds_moved_where(self, ledger: Ledger) -> None:
        """E1"""
        old, new = "https://example.org/a", "https://example.org/b"
        assert ledger.moves([new]) == {}
        ledger.commit([outcome(title='"moved_to":'), outcome(old, moved_to=new)])
        assert ledger.moves([URL, new]) == {new: old}
        assert ledger.moves([URL, old]) == {}

    def test_it_tells_which_urls_were_written_otherwise(self, ledger: Ledger) -> None:
        """D9: by versions that kept the URL of the list as it was."""
        odd = [
            "HTTPS://example.org/a",
            "https://Example.org/A?b",
            "http://e.org",
            "http://f.org?x=/Y",
            "http://g/A?B/c",
        ]
        ledger.commit(outcome(url) for url in [URL, f"{URL}#user=0123456789ab", *odd])
        assert ledger.spellings() == {
            "https://example.org/a": "HTTPS://example.org/a",
            "https://example.org/A?b": "https://Example.org/A?b",
            "http://e.org/": "http://e.org",
            "http://f.org/?x=/Y": "http://f.org?x=/Y",
        }

    def test_a_clock_set_back_moves_what_was_planned_along(self, ledger: Ledger) -> None:
        """C14"""
        long_ago, just_now = "https://example.org/a", "https://example.org/b"
        ledger.commit(
            [
                outcome(long_ago, last_polled=NOW - 3 * 86400, next_poll=NOW + 86400),
                outcome(last_polled=NOW - 600, next_poll=NOW + 3000),
                replace(outcome(just_now), hold=HostHold("example.org", NOW + 7200, "held")),
            ]
        )
        now = NOW - 86400
        assert ledger.set_back(now) == 86400
        due = {url: at for url, (at, _, _) in ledger.due([long_ago, URL, just_now]).items()}
        assert due == {long_ago: NOW + 86400, URL: now + 3000, just_now: now + 3600}
        assert ledger.load([URL])[URL].last_polled == now - 600
        assert ledger.holds()["example.org"].until == now + 7200
        assert ledger.set_back(now) == 0

    def test_a_clock_set_back_leaves_why_a_feed_is_gone(self, ledger: Ledger) -> None:
        """C8, C14"""
        ledger.commit([outcome(gone=True, reason="gone: the 410 at 10:00Z said so")])
        assert ledger.set_back(NOW - 86400) > 0
        assert ledger.due([URL])[URL].reason == "gone: the 410 at 10:00Z said so"

    def test_a_small_step_of_the_clock_moves_nothing(self, ledger: Ledger) -> None:
        """C14"""
        assert ledger.set_back(NOW) == 0
        ledger.commit([outcome()])
        assert ledger.set_back(NOW - 2) == 0
        assert ledger.due([URL])[URL][0] == NOW + 3600

    def test_what_is_exported_can_be_imported(self, ledger: Ledger, second: Ledger) -> None:
        hold = HostHold("example.org", NOW + 7200, "held")
        ledger.commit([replace(outcome(), state=STATE, seen=(entry("a"), entry("\ud800")), hold=hold)])
        imported = import_state(second, export_state(ledger))
        assert (imported.taken, imported.left) == (1, 0)
        assert second.load([URL]) == {URL: STATE}
        assert second.seen(URL) == ledger.seen(URL)
        assert second.holds() == {"example.org": hold}
        second.close()

    def test_an_import_never_goes_back(self, ledger: Ledger, second: Ledger) -> None:
        ledger.commit([outcome(last_polled=NOW), outcome("https://example.org/2", last_polled=NOW + 9)])
        second.commit([outcome(last_polled=NOW + 5), outcome("https://example.org/2", last_polled=NOW + 5)])
        imported = import_state(second, export_state(ledger))
        assert (imported.taken, imported.left) == (1, 1)
        states = second.load([URL, "https://example.org/2"])
        assert [state.last_polled for state in states.values()] == [NOW + 5, NOW + 9]
        second.close()

    @pytest.mark.parametrize(
        "line",
        [
            "junk",
            "[]",
            '{"schema":"other/1","feed":{"url":"https://example.org/"},"seen":[]}',
            '{"schema":"condget-state/1"}',
            '{"schema":"condget-state/1","feed":{},"seen":[]}',
            '{"schema":"condget-state/1","feed":{"url":"https://example.org/","next_poll":"soon"},"seen":[]}',
            '{"schema":"condget-state/1","feed":{"url":"https://example.org/","next_poll":NaN},"seen":[]}',
            '{"schema":"condget-state/1","feed":{"url":"https://example.org/","chain":[1]},"seen":[]}',
            '{"schema":"condget-state/1","feed":{"url":"https://example.org/","stored":{"url":"x"}},"seen":[]}',
            '{"schema":"condget-state/1","feed":{"url":"https://example.org/"},"seen":[["a"]]}',
            '{"schema":"condget-state/1","hold":{"host":"example.org"}}',
            '{"schema":"condget-state/1","feed":' + "[" * 100_000,
        ],
    )
    def test_lines_that_cannot_be_read_are_refused_by_number(self, ledger: Ledger, line: str) -> None:
        good = '{"schema":"condget-state/1","feed":{"url":"https://example.org/"},"seen":[]}'
        with pytest.raises(UsageError, match=r"line 3: .*Nothing was imported"):
            import_state(ledger, [good, "", line, good])
        assert list(ledger.urls()) == []

    def test_a_feed_is_forgotten_with_all_that_was_known_of_it(self, empty: Ledger) -> None:
        """The other feeds stay; a feed that comes back begins anew."""
        other = f"{URL}?other"
        state = replace(outcome(title="Tea"), seen=(entry("a"),))
        empty.commit([state, replace(outcome(other), seen=(entry("a"),))])
        empty.load([URL, other])
        assert empty.forget([URL, "https://example.org/unknown"]) == 1
        assert empty.forget([URL]) == 0
        assert (list(empty.urls()), list(empty.seen(URL)), list(empty.seen(other))) == ([other], [], ["a"])
        empty.commit([outcome(title="Coffee")])
        assert (empty.load([URL])[URL].title, list(empty.seen(URL))) == ("Coffee", [])

    def test_hosts_are_held_and_released(self, ledger: Ledger) -> None:
        assert ledger.hold_hosts(["a.example", "b.example"]) == {"a.example", "b.example"}
        ledger.release_hosts(["a.example", "c.example"])
        assert ledger.hold_hosts(["a.example"]) == {"a.example"}


class EnrollingLedgerContract(LedgerContract):
    """The contract of a ledger that remembers the lines of large lists, too."""

    @pytest.fixture
    def ledger(self, empty: EnrollingLedger) -> Iterator[EnrollingLedger]:
        assert isinstance(empty, EnrollingLedger)
        yield empty
        empty.close()

    def test_a_list_is_enrolled_until_its_source_has_other_content(self, ledger: EnrollingLedger) -> None:
        assert ledger.enrolment("d1") is None
        feeds = feeds_of(2, 1)
        assert enrol(ledger, [*feeds, feeds[0]._replace(line=9, position=999)]) == 3
        assert ledger.enrolment("d1") == "remark on d1"
        assert list(ledger.portions("d1", 10)) == [feeds]
        assert enrol(ledger, feeds_of(1), "d2") == 1
        assert enrol(ledger, feeds_of(0, 4), "d3", "/others.txt") == 4
        assert ledger.enrolment("d1") is None
        assert yielded(ledger) == []
        assert yielded(ledger, digest="d2") == [["0.example/0"]]
        assert len(yielded(ledger, digest="d3")[0]) == 4

    def test_an_enrolment_that_fails_leaves_the_former_one(self, ledger: EnrollingLedger) -> None:
        def breaks() -> Iterator[EnrolledFeed]:
            yield from feeds_of(3)
            raise RuntimeError("in the middle")

        enrol(ledger, feeds_of(1))
        with pytest.raises(RuntimeError, match="in the middle"):
            enrol(ledger, breaks(), "d2")
        assert ledger.enrolment("d2") is None
        assert yielded(ledger) == [["0.example/0"]]

    def test_a_portion_holds_whole_hosts(self, ledger: EnrollingLedger) -> None:
        enrol(ledger, feeds_of(2, 3, 1, 1))
        portions = yielded(ledger, 3)
        assert [len(portion) for portion in portions] == [5, 2]
        assert portions[1] == ["2.example/0", "3.example/0"]
        assert len(yielded(ledger, 1)) == 4

    def test_what_is_not_due_is_in_no_portion(self, ledger: EnrollingLedger) -> None:
        """C1, C8, C14: due times beyond the cap are of a clock that ran ahead; a feed that is not known is due."""
        feeds = feeds_of(3, 2, 1)
        first, second, third, fourth, fifth, sixth = (feed.key for feed in feeds)
        ledger.commit([outcome(first, next_poll=NOW + 9), outcome(second, next_poll=NOW)])
        enrol(ledger, feeds)
        ledger.commit([outcome(third, next_poll=NOW + 1), outcome(fourth, gone=True, next_poll=NOW - 9)])
        ledger.commit([outcome(fifth, next_poll=NOW + 1e6), outcome(sixth, next_poll=NOW + 1e6)])
        not_due = (NOW, NOW + 1e5)
        assert yielded(ledger, 1, not_due=not_due) == [["0.example/1"], ["1.example/1"], ["2.example/0"]]
        assert [feed.key for page in ledger.overdue("d1", 2, not_due) for feed in page] == [second, fifth, sixth]
        assert len(yielded(ledger, 9)[0]) == 6
        ledger.commit([outcome(sixth, next_poll=NOW + 60)])
        ledger.forget([second])
        assert yielded(ledger, 1, not_due=not_due) == [["0.example/1"], ["1.example/1"]]
        ledger.set_back(NOW - 7200)
        assert yielded(ledger, 9, not_due=(NOW - 7200, NOW)) == [["0.example/1", "1.example/1"]]

    def test_hosts_come_in_the_order_of_what_is_overdue_longest(self, ledger: EnrollingLedger) -> None:
        """C1: then in the order of the list; a feed that was never polled is overdue longest."""
        feeds = feeds_of(2, 2, 2, 2)
        enrol(ledger, feeds)
        overdue = [5, 40, 30, 20, 6, 40]
        ledger.commit(outcome(feed.key, next_poll=NOW - at) for feed, at in zip(feeds, overdue, strict=False))
        not_due = (NOW, NOW + 1e5)
        hosts = [portion[0].split(".")[0] for portion in yielded(ledger, 1, not_due=not_due)]
        assert hosts == ["3", "0", "2", "1"]
        expected = [feeds[number].key for number in (6, 7, 1, 5, 2, 3, 4, 0)]
        for size in (1, 3, 100):
            assert [feed.key for page in ledger.overdue("d1", size, not_due) for feed in page] == expected

    def test_commits_between_two_portions_change_no_turn(self, ledger: EnrollingLedger) -> None:
        """B9: no host comes twice, and a feed that was polled meanwhile does not come."""
        feeds = feeds_of(2, 2, 2)
        enrol(ledger, feeds)
        not_due = (NOW, NOW + 1e5)
        portions = ledger.portions("d1", 2, not_due)
        assert next(portions) == feeds[:2]
        ledger.commit([outcome(feeds[0].key), outcome(feeds[2].key), outcome(feeds[4].key, next_poll=NOW - 99)])
        assert [[feed.key for feed in portion] for portion in portions] == [
            [feeds[3].key],
            [feeds[4].key, feeds[5].key],
        ]

    def test_a_list_that_changes_during_a_run_ends_its_portions(self, ledger: EnrollingLedger) -> None:
        enrol(ledger, feeds_of(1, 1, 1))
        portions = ledger.portions("d1", 1)
        next(portions)
        enrol(ledger, feeds_of(1, 1, 1), "d2")
        assert list(portions) == []

    def test_portions_need_not_be_taken_to_the_end(self, ledger: EnrollingLedger) -> None:
        enrol(ledger, feeds_of(1, 1))
        for _ in range(3):
            with contextlib.closing(ledger.portions("d1", 1)) as portions:  # type: ignore[type-var]
                assert len(next(portions)) == 1

    def test_it_tells_what_a_list_has(self, ledger: EnrollingLedger) -> None:
        """B9"""
        feeds = [feed._replace(is_open=feed.line != 2) for feed in feeds_of(2, 1)]
        first, second, third = (feed.key for feed in feeds)
        enrol(ledger, feeds)
        assert ledger.enrolled("d1", [second, URL, third]) == {second: False, third: True}
        assert ledger.enrolled("d2", [third]) == {}
        assert list(ledger.enrolled_at("d1", ["0.example", "9.example"])) == [first]
