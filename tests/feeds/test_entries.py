"""News among entries: identity, memory and re-issue, each case as real feeds have shown it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from condget.feeds.durations import DAY
from condget.feeds.entries import LEAST_LIMIT, Diff, diff, fingerprint, identify
from condget.feeds.values import LONGEST_CONTENT, LONGEST_TEXT, MOST_CATEGORIES, Document, Entry, SeenEntry

T0 = 1_700_000_000.0


def entry(
    id: str | None = None,
    link: str | None = None,
    title: str | None = None,
    text: str = "",
    published: str | None = None,
) -> Entry:
    return Entry(key="", id=id, title=title, link=link, published=published, fingerprint=fingerprint(title, [text]))


def post(number: int, *, host: str = "http://a.example", text: str | None = None) -> Entry:
    """An entry of an ordinary blog: the guid is the permalink."""
    url = f"{host}/post/{number}"
    return entry(url, url, f"Post {number}", f"Text {number}" if text is None else text)


class Feed:
    """The memory of a poller; each `poll` applies the rows that `diff` returns."""

    def __init__(self) -> None:
        self.seen: dict[str, SeenEntry] = {}
        self.window = 0
        self.now = T0

    def poll(self, *entries: Entry, after: float = 3_600) -> Diff:
        self.now += after
        document = Document("t", "rss20", identify(entries))
        found = diff(document, self.seen, self.window, self.now)
        assert not {row.key for row in found.seen} & set(found.forget)
        assert len({row.key for row in found.seen}) == len(found.seen)
        self.seen.update((row.key, row) for row in found.seen)
        for key in found.forget:
            del self.seen[key]
        self.window = len(document.entries)
        return found


POOL = [post(n) for n in range(12)]
TWINS = [entry("same", f"http://a.example/twin/{n}", f"Twin {n}", f"twin text {n}") for n in range(4)]
BARE = [entry(title=f"Bare {n}", published=f"day {n}") for n in range(4)]


def titles(entries: Sequence[Entry]) -> list[str | None]:
    return [one.title for one in entries]


def test_f8_on_first_sight_every_entry_is_new_in_the_order_of_the_document() -> None:
    """F8"""
    assert titles(Feed().poll(post(3), post(1), post(2)).new) == ["Post 3", "Post 1", "Post 2"]


def test_f5_the_same_document_is_no_news_and_writes_nothing() -> None:
    """F5"""
    feed = Feed()
    posts = [post(n) for n in range(20)]
    feed.poll(*posts)
    assert feed.poll(*posts) == Diff()
    assert feed.poll(*reversed(posts)) == Diff()


def test_last_seen_moves_once_a_day() -> None:
    feed = Feed()
    feed.poll(post(1))
    assert feed.poll(post(1), after=DAY - 10).seen == ()
    (row,) = feed.poll(post(1), after=20).seen
    assert (row.first_seen, row.last_seen) == (T0 + 3_600, feed.now)


def test_c14_a_clock_set_back_moves_nothing_back() -> None:
    """C14"""
    feed = Feed()
    feed.poll(post(1))
    assert feed.poll(post(1), after=-30 * DAY) == Diff()


def test_f6_a_sliding_window_brings_its_newest_only() -> None:
    """F6"""
    feed = Feed()
    feed.poll(*[post(n) for n in range(10, 0, -1)])
    for newest in range(11, 60):
        found = feed.poll(*[post(n) for n in range(newest, newest - 10, -1)])
        assert titles(found.new) == [f"Post {newest}"]
        assert not found.reissued


def test_f6_an_entry_that_comes_back_is_not_new() -> None:
    """F6"""
    feed = Feed()
    feed.poll(post(1), post(2), post(3))
    feed.poll(post(4), post(5), post(6))
    feed.poll()
    found = feed.poll(post(2), post(4), after=300 * DAY)
    assert (found.new, found.edited) == ((), ())


def test_f6_a_planet_reorders_and_repeats_without_news() -> None:
    """F6"""
    feed = Feed()
    blogs = [post(n, host=f"http://blog{n % 5}.example") for n in range(60)]
    feed.poll(*blogs[:20])
    feed.poll(*blogs[20:40])
    assert titles(feed.poll(*blogs[35:41], *blogs[5:19]).new) == ["Post 40"]
    assert feed.poll(*blogs[0:5], *blogs[38:30:-1]).new == ()


def test_f5_stamps_that_lie_are_no_edit() -> None:
    """F5"""
    feed = Feed()
    feed.poll(*[replace(post(n), published="2024-01-01T00:00:00Z") for n in range(5)])
    assert feed.poll(*[replace(post(n), published="2025-01-01T00:00:00Z") for n in range(5)]) == Diff()


def test_f5_an_edit_is_reported_apart_from_a_new_entry() -> None:
    """F5"""
    feed = Feed()
    feed.poll(post(1), post(2))
    found = feed.poll(post(3), post(1, text="Text 1, mended"), post(2))
    assert titles(found.new) == ["Post 3"]
    assert titles(found.edited) == ["Post 1"]
    assert found.changed
    assert feed.poll(post(3), post(1, text="Text 1, mended"), post(2)) == Diff()


def test_a_fingerprint_of_another_version_is_no_edit() -> None:
    feed = Feed()
    feed.poll(post(1))
    feed.seen = {key: replace(row, fingerprint="0" + row.fingerprint[1:]) for key, row in feed.seen.items()}
    found = feed.poll(post(1))
    assert (found.new, found.edited) == ((), ())
    assert [row.fingerprint[: len(post(1).fingerprint)] for row in found.seen] == [post(1).fingerprint]
    assert feed.poll(post(1)) == Diff()


# --- identity -------------------------------------------------------------------------------------------------


def test_f7_without_an_id_the_link_tells_and_its_scheme_does_not() -> None:
    """F7"""
    feed = Feed()
    feed.poll(entry(link="http://a.example/1", title="One"), entry(link="http://a.example/2", title="Two"))
    found = feed.poll(
        entry(link="https://a.example/1", title="One, edited"), entry(link="https://b.example/3", title="Three")
    )
    assert (titles(found.new), titles(found.edited)) == (["Three"], ["One, edited"])


def test_f7_without_a_link_title_and_date_tell() -> None:
    """F7"""
    feed = Feed()
    feed.poll(entry(title="Build passed", published="10:00", text="x"))
    assert titles(feed.poll(entry(title="Build passed", published="11:00", text="x")).new) == ["Build passed"]
    assert titles(feed.poll(entry(title="Build passed", published="11:00", text="y")).edited) == ["Build passed"]


def test_f7_with_nothing_but_text_the_text_tells() -> None:
    """F7"""
    feed = Feed()
    feed.poll(entry(text="one"))
    assert feed.poll(entry(text="one")) == Diff()
    assert len(feed.poll(entry(text="two"), entry(text="one")).new) == 1


def test_f7_an_id_that_repeats_is_told_apart_by_link() -> None:
    """F7"""
    feed = Feed()
    one, two, three = (entry("same", f"http://a.example/{n}", f"Title {n}") for n in range(3))
    assert len(feed.poll(one, two).new) == 2
    assert titles(feed.poll(three, one, two).new) == ["Title 2"]
    assert not feed.poll(two).changed


def test_f7_an_id_on_all_entries_alike_loses_none() -> None:
    """F7"""
    feed = Feed()
    posts = [entry("http://a.example/", f"http://a.example/{n}", f"Title {n}") for n in range(6)]
    feed.poll(*posts[:3])
    assert titles(feed.poll(*posts[1:4]).new) == ["Title 3"]
    assert titles(feed.poll(posts[4]).new) == ["Title 4"]
    assert titles(feed.poll(posts[5]).new) == ["Title 5"]
    assert feed.poll(posts[0]).new == ()


def test_f7_id_and_link_alike_are_told_apart_by_the_text() -> None:
    """F7"""
    feed = Feed()
    one, two, three = (entry("same", "http://a.example/", f"Title {n}") for n in range(3))
    feed.poll(one, two)
    assert titles(feed.poll(one, two, three).new) == ["Title 2"]
    assert feed.poll(three, two).new == ()


def test_f7_a_twin_that_appears_later_is_the_only_news() -> None:
    """F7"""
    for twin_first in (False, True):
        feed = Feed()
        first, twin = entry("same", "http://a.example/1", "One", "x"), entry("same", "http://a.example/2", "Two", "y")
        feed.poll(first)
        found = feed.poll(twin, first) if twin_first else feed.poll(first, twin)
        assert titles(found.new) == ["Two"]
        assert feed.poll(first).new == ()


def test_f7_the_same_entry_twice_in_one_document_is_one() -> None:
    """F7"""
    assert len(Feed().poll(post(1), post(1), post(2)).new) == 2


def test_f7_ids_that_change_while_links_stay_are_no_flood() -> None:
    """F7"""
    feed = Feed()

    def generation(number: int, *posts: int) -> list[Entry]:
        return [replace(post(n), id=f"{number}-{n}") for n in posts]

    feed.poll(*generation(0, 1, 2, 3, 4, 5))
    said = 0
    for number in range(1, 30):
        found = feed.poll(*generation(number, number + 5, *range(number, number + 5)))
        assert titles(found.new) == [f"Post {number + 5}"]
        said += found.reissued
    assert said == 1


def test_f7_an_id_that_changes_with_an_edit_is_an_edit() -> None:
    """F7: where the date stays; without a date it is new"""
    for date in ("2025-03-01T10:00:00Z", None):
        feed = Feed()
        feed.poll(*[replace(post(n), published=date) for n in range(5)])
        changed = replace(post(2, text="new text"), id="2#edited", published=date)
        found = feed.poll(changed, *[replace(post(n), published=date) for n in (0, 1, 3, 4)])
        expected = ([], ["Post 2"]) if date else (["Post 2"], [])
        assert (titles(found.new), titles(found.edited)) == expected
        assert not found.reissued


def bulletin(day: int, hour: int) -> Entry:
    """A programme: title and link stay, id, date and text do not."""
    return entry(
        f"{day}/{hour}", f"http://a.example/at/{hour}", f"News at {hour}", f"{day}: {hour}", f"{day} {hour}:00"
    )


@pytest.mark.parametrize("hours", [(6, 12), (6, 12, 18), (0, 6, 9, 12, 15, 18, 21)], ids=len)
def test_f7_every_edition_of_a_programme_is_new(hours: tuple[int, ...]) -> None:
    """F7: news bulletins, weather, alerts: new id, date and text under one title and link"""
    feed = Feed()
    feed.poll(*[bulletin(0, hour) for hour in hours])
    for day in range(1, 5):
        found = feed.poll(*[bulletin(day, hour) for hour in hours], after=DAY)
        assert (len(found.new), found.edited, found.reissued) == (len(hours), (), False)
        assert not feed.poll(*[bulletin(day, hour) for hour in hours]).changed


def test_f7_one_edition_after_the_other_is_new_too() -> None:
    """F7"""
    feed = Feed()
    window = [bulletin(0, hour) for hour in (6, 12, 18)]
    feed.poll(*window)
    for number in range(3, 20):
        window = [bulletin(number // 3, 6 * (number % 3 + 1)), *window[:2]]
        assert titles(feed.poll(*window).new) == [window[0].title]


def at_positions(*posts: Entry) -> list[Entry]:
    return [replace(one, id=str(number)) for number, one in enumerate(posts, 1)]


def test_f7_ids_that_are_positions_hide_no_news_and_make_none() -> None:
    """F7: the same id with another link, title and text is another entry"""
    feed = Feed()
    feed.poll(*at_positions(*[post(n) for n in range(5, 0, -1)]))
    for newest in range(6, 30):
        found = feed.poll(*at_positions(*[post(n) for n in range(newest, newest - 5, -1)]))
        assert (titles(found.new), found.edited, found.reissued) == ([f"Post {newest}"], (), False)
    edited = [post(29), post(28, text="mended"), post(27), post(26), post(25)]
    assert titles(feed.poll(*at_positions(*edited)).edited) == ["Post 28"]


def test_f7_an_id_that_is_the_date_of_today_hides_no_news() -> None:
    """F7"""
    feed = Feed()
    told = [titles(feed.poll(replace(post(n), id=f"2025-03-0{n // 3}")).new) for n in range(9)]
    assert told == [[f"Post {n}"] for n in range(9)]


@pytest.mark.parametrize(
    "edited",
    [
        post(1, text="other"),
        replace(post(1), link="http://b.example/moved"),
        entry(post(1).id, post(1).link, "Other", "other"),
        entry(post(1).id, "http://a.example/other", "Other", "Text 1"),
        entry(post(1).id, "http://a.example/other", "Post 1", "other"),
        entry(post(1).id, None, "Other", "other"),
    ],
    ids=["text", "link", "title and text", "title and link", "link and text", "no link"],
)
def test_f7_an_id_whose_entry_keeps_something_is_the_same_entry(edited: Entry) -> None:
    """F7"""
    feed = Feed()
    feed.poll(post(0), post(1), post(2))
    assert feed.poll(post(0), edited, post(2)).new == ()


def test_f7_entries_of_text_alone_are_told_apart_by_date_and_enclosure() -> None:
    """F7"""
    feed = Feed()
    one = entry(text="All services run.", published="Monday")
    feed.poll(one)
    assert len(feed.poll(replace(one, published="Tuesday"), one).new) == 1
    assert len(feed.poll(replace(one, enclosure="http://a.example/2.mp3"), one).new) == 1
    assert not feed.poll(one, replace(one, published="Tuesday")).changed


def test_f7_a_window_of_one_with_one_link_loses_nothing() -> None:
    """F7: a quote of the day; when in doubt an entry is new"""
    feed = Feed()
    for day in range(5):
        assert len(feed.poll(entry(f"quote-{day}", "http://a.example/", "Quote of the day", f"Quote {day}")).new) == 1


def test_f7_a_host_rename_is_said_once() -> None:
    """F7"""
    feed = Feed()
    feed.poll(*[post(n) for n in range(10)])
    found = feed.poll(post(10, host="https://b.example"), *[post(n, host="https://b.example") for n in range(1, 10)])
    assert found.reissued
    assert (titles(found.new), found.edited) == (["Post 10"], ())
    again = feed.poll(*[post(n, host="https://b.example") for n in range(2, 12)])
    assert (titles(again.new), again.reissued) == (["Post 11"], False)
    back = feed.poll(*[post(n) for n in range(2, 10)])
    assert (back.new, back.reissued) == ((), False)


def test_f7_a_rename_that_moves_paths_too_is_known_by_title_and_text() -> None:
    """F7"""
    feed = Feed()
    feed.poll(*[post(n) for n in range(6)])
    moved = [replace(post(n), id=f"urn:{n}", link=f"https://b.example/blog/{n}.html") for n in range(6)]
    found = feed.poll(*moved)
    assert (found.reissued, found.new, found.edited) == (True, (), ())


def test_f7_ids_that_appear_later_are_a_reissue() -> None:
    """F7"""
    feed = Feed()
    feed.poll(*[replace(post(n), id=None) for n in range(6)])
    found = feed.poll(*[post(n) for n in range(6)])
    assert (found.reissued, found.new) == (True, ())


def test_f7_a_window_that_turned_over_is_all_news() -> None:
    """F7"""
    feed = Feed()
    feed.poll(*[post(n) for n in range(10)])
    found = feed.poll(*[post(n) for n in range(50, 60)])
    assert (len(found.new), found.reissued) == (10, False)


def test_f7_titles_that_recur_without_text_are_news() -> None:
    """F7: a programme guide with the same titles every week"""
    feed = Feed()
    for week in range(4):
        shows = [entry(f"{week}/{n}", f"http://a.example/{week}/{n}", f"Show {n}") for n in range(8)]
        assert len(feed.poll(*shows).new) == 8


def test_f7_the_first_owner_of_a_shared_id_is_known_when_it_comes_back() -> None:
    """F7"""
    feed = Feed()
    twins = [entry("same", f"http://a.example/{n}", f"Twin {n}", f"text {n}") for n in range(3)]
    feed.poll(twins[0])
    assert len(feed.poll(twins[1], twins[2]).new) == 2
    assert feed.poll(twins[0]).new == ()
    assert feed.poll(*twins).new == ()


# --- rows of earlier versions -----------------------------------------------------------------------------------


def as_version_1(feed: Feed) -> None:
    """Make the rows what version 1 wrote: without digests of the text alone, of title, link and date."""

    def former(fingerprint: str) -> str:
        mark = "*" if fingerprint.startswith("*") else ""
        trace = fingerprint.removeprefix("*")
        return mark + ("1" + trace[1:14] if trace[:1] == "2" else trace)

    feed.seen = {key: replace(row, fingerprint=former(row.fingerprint)) for key, row in feed.seen.items()}


@given(st.lists(st.sampled_from(range(18)), max_size=12, unique=True), st.booleans())
@settings(max_examples=60, deadline=None)
def test_f7_what_version_1_knew_is_no_news(numbers: list[int], again: bool) -> None:
    """F7"""
    pool = [*[post(n) for n in range(8)], *TWINS, *BARE, entry(text="one"), entry(text="two")]
    feed = Feed()
    feed.poll(*[pool[number] for number in numbers])
    as_version_1(feed)
    if again:
        feed.poll(*[pool[number] for number in numbers[:5]])
    found = feed.poll(*[pool[number] for number in numbers])
    assert (found.new, found.edited, found.reissued) == ((), (), False)
    assert feed.poll(*[pool[number] for number in numbers]) == Diff()


def test_f7_text_with_a_date_that_version_1_knew_is_known_once() -> None:
    """F7"""
    feed = Feed()
    bare = entry(text="All services run.")
    feed.poll(bare)
    as_version_1(feed)
    (row,) = feed.seen.values()
    found = feed.poll(replace(bare, published="Monday"))
    assert (found.new, found.edited, found.forget) == ((), (), (row.key,))
    assert len(feed.poll(replace(bare, published="Tuesday")).new) == 1


def test_f7_ids_that_changed_with_an_edit_are_known_by_the_rows_of_version_1() -> None:
    """F7"""
    feed = Feed()
    feed.poll(*[post(n) for n in range(5)])
    as_version_1(feed)
    found = feed.poll(replace(post(2, text="new text"), id="2#edited"), post(0), post(1), post(3), post(4))
    assert (found.new, found.edited) == ((), ())


# --- memory ---------------------------------------------------------------------------------------------------


def test_memory_is_bounded_and_keeps_what_was_there_last() -> None:
    feed = Feed()
    for start in range(0, 9_000, 100):
        feed.poll(*[entry(f"id{n}") for n in range(start, start + 100)])
    assert len(feed.seen) <= LEAST_LIMIT + 200
    assert feed.poll(*[entry(f"id{n}") for n in range(7_300, 7_400)]).new == ()


def test_memory_lasts_400_days_and_ten_windows_for_ever() -> None:
    feed = Feed()
    feed.poll(*[post(n) for n in range(60)])
    feed.poll(post(100), post(101), post(102), post(103))
    feed.poll(post(104), after=399 * DAY)
    assert feed.poll(*[post(n) for n in range(3)]).new == ()
    feed.poll(post(105), after=500 * DAY)
    feed.poll(post(105))
    assert len([key for key in feed.seen if key[0] not in "@!"]) <= 10
    assert feed.poll(post(105), post(104)).new == ()


def test_a_present_entry_is_never_forgotten() -> None:
    feed = Feed()
    feed.poll(*[post(n) for n in range(50)])
    found = feed.poll(*[post(n) for n in range(50)], after=2_000 * DAY)
    assert (found.new, found.forget) == ((), ())


# --- properties -----------------------------------------------------------------------------------------------

histories = st.lists(st.lists(st.sampled_from([*POOL, *TWINS, *BARE]), max_size=12), max_size=12)


@given(histories)
@settings(max_examples=80, deadline=None)
def test_every_entry_of_every_document_is_reported_exactly_once(history: list[list[Entry]]) -> None:
    """F6, F7"""
    feed = Feed()
    told: list[str | None] = []
    # Under one id alone nobody can tell a twin from an edit: the first two are seen together.
    history = [TWINS[:2], *history]
    for document in history:
        found = feed.poll(*document)
        told += titles(found.new)
        assert not found.edited
    assert sorted(map(str, told)) == sorted({str(one.title) for document in history for one in document})


@given(st.permutations([*POOL, *TWINS, *BARE]))
@settings(max_examples=50, deadline=None)
def test_f5_reordering_is_never_news(order: list[Entry]) -> None:
    """F5"""
    feed = Feed()
    feed.poll(*POOL, *TWINS, *BARE)
    assert feed.poll(*order) == Diff()


@given(st.text(alphabet=" \t\n\r\u00a0\u2003"), st.lists(st.text(alphabet="abc&é<", min_size=1), min_size=1))
@settings(max_examples=100, deadline=None)
def test_f5_white_space_is_never_news(space: str, words: list[str]) -> None:
    """F5"""
    assert fingerprint("t", [(" " + space).join(words)]) == fingerprint("t", [space + " ".join(words)])


@given(histories, st.lists(st.text(max_size=3), min_size=12, max_size=12))
@settings(max_examples=100, deadline=None)
def test_an_edited_entry_is_never_new_again(history: list[list[Entry]], texts: list[str]) -> None:
    """F5"""
    feed = Feed()
    told: list[str | None] = []
    for document, text in zip(history, texts, strict=False):
        posts = [replace(one, fingerprint=fingerprint(one.title, [text])) for one in document if one in POOL]
        told += titles(feed.poll(*posts).new)
    assert len(told) == len(set(told))


def test_f2_an_entry_is_cut_where_it_is_longer_than_any_real_one() -> None:
    """F2: each feed costs bounded memory; what is usual stays as it is."""
    usual = replace(post(1), author="A", categories=("a", "b"), content="x" * LONGEST_CONTENT)
    endless = "x" * (LONGEST_CONTENT + 1)
    names = tuple(map(str, range(MOST_CATEGORIES + 1)))
    giant = replace(post(2), id=endless, title=endless, link=endless, author=endless, content=endless, categories=names)
    first, second = identify([usual, giant])
    assert first == replace(usual, key=first.key)
    assert (second.id, second.title, second.link, second.author) == ("x" * LONGEST_TEXT,) * 4
    assert second.content == "x" * LONGEST_CONTENT
    assert second.categories == names[:MOST_CATEGORIES]
