"""Reading only what is new gives what reading all gives: the same news, the same memory, the same words."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from condget.feeds.documents import parse, unread
from condget.feeds.durations import DAY
from condget.feeds.values import Recall
from tests.feeds.by_hand import Poller
from tests.feeds.markup_of_feeds import HERE, LEAVINGS, atom, post, posts, rdf, rss


def read_both_ways(texts: list[str], gap: float = 3_600, location: Callable[[int], str] = lambda _: HERE) -> int:
    """Poll with both pollers, compare after each document, and return how many entries were not read."""
    whole, sparing = Poller(False), Poller(True)
    spared = 0
    for number, text in enumerate(texts):
        now = 1_700_000_000 + gap * number
        one, other = whole.poll(text, now, location(number)), sparing.poll(text, now, location(number))
        if isinstance(one, str) or isinstance(other, str):
            assert one == other
            continue
        assert other.new == one.new
        assert (other.edited, other.reissued) == (one.edited, one.reissued)
        assert set(other.seen) == set(one.seen)
        assert sorted(other.forget) == sorted(one.forget)
        assert sparing.seen == whole.seen
        assert (sparing.title, sparing.hints, sparing.window) == (whole.title, whole.hints, whole.window)
        assert sparing.recall == whole.recall
        assert whole.document is not None
        assert sparing.document is not None
        if sparing.document.hints is not None:
            assert replace(sparing.document, entries=(), known=()) == replace(whole.document, entries=())
            entries = {entry.key: entry for entry in whole.document.entries}
            assert all(entries[entry.key] == entry for entry in sparing.document.entries)
            assert entries.keys() == {entry.key for entry in sparing.document.entries} | set(sparing.document.known)
        spared += len(sparing.document.known)
    return spared


# --- what is spared -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<lastBuildDate>Mon, 01 Jan 2024 00:30:00 +0100</lastBuildDate>", "<lastBuildDate>now</lastBuildDate>"),
        ("<dc:date>2024-01-01T00:00:00Z</dc:date>", "<dc:date></dc:date>"),
        ("", "<!-- made in 0.3 s -->"),
        ("", "\n\n\t"),
    ],
    ids=["stamp", "prefixed stamp", "comment", "white space"],
)
@pytest.mark.parametrize("make", [rss, rdf])
def test_f5_a_frame_that_says_nothing_new_is_not_parsed(make: Callable[..., str], before: str, after: str) -> None:
    """F5"""
    first = parse(make(posts(1, 2, 3), before).encode(), None, HERE)
    for order in ((1, 2, 3), (3, 1, 2), (2, 3)):
        again = unread(make(posts(*order, between=" <!-- - -->\n"), after).encode(), None, HERE, first.recall)
        assert again is not None
        assert again.known == tuple(first.entries[number - 1].key for number in order)
        assert (again.hints, again.entries) == (None, ())


@pytest.mark.parametrize("make", [rss, rdf])
def test_only_what_is_new_is_read(make: Callable[..., str]) -> None:
    first = parse(make(posts(1, 2, 3)).encode(), None, HERE)
    text = make(posts(4, 3, 2, 1)).encode()
    second = parse(text, None, HERE, first.recall)
    assert unread(text, None, HERE, first.recall) is None
    assert [entry.title for entry in second.entries] == ["Post 4"]
    assert (len(second.known), second.window) == (3, 4)
    assert second.recall == parse(text, None, HERE).recall


def test_atom_with_all_that_blogger_writes_is_cut() -> None:
    entries = [
        f'<entry gd:etag="W/&quot;{n}&quot;"><id>tag:b,1999:{n}</id><updated>2024-01-01T00:00:00Z</updated>'
        f'<title type="text">Post {n}</title><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">'
        f'<p>Text {n} &gt; <b>b</b></p></div></content><link rel="alternate" type="text/html" href="/{n}"/>'
        f"<author><name>A</name></author></entry>"
        for n in range(8)
    ]
    root = ' xmlns:gd="http://schemas.google.com/g/2005"'
    stamps = [f"<updated>2024-01-0{day}T00:00:00Z</updated>" for day in range(1, 8)]
    texts = [atom("\n".join(entries[7 - day :]), stamps[day - 1], root=root) for day in range(1, 7)]
    assert read_both_ways(texts) >= 2 + 3 + 4 + 5 + 6


@pytest.mark.parametrize(
    ("channel", "title"),
    [("", "Renamed"), ("<ttl>90</ttl>", "Posts"), ("<skipHours><hour>3</hour></skipHours>", "Posts")],
)
def test_c9_a_new_title_or_hint_is_noticed_though_no_item_is_new(channel: str, title: str) -> None:
    """C9"""
    first = parse(rss(posts(1, 2, 3)).encode(), None, HERE)
    text = rss(posts(1, 2, 3), channel, title=title).encode()
    assert unread(text, None, HERE, first.recall) is None
    second, whole = parse(text, None, HERE, first.recall), parse(text, None, HERE)
    assert len(second.known) == 3
    assert (second.title, second.hints) == (whole.title, whole.hints) != (first.title, first.hints)


def test_last_seen_moves_for_what_is_not_read() -> None:
    stamps = [f"<lastBuildDate>{day}</lastBuildDate>" for day in range(5)]
    assert read_both_ways([rss(posts(1, 2, 3), stamp) for stamp in stamps], gap=DAY + 1) == 12


# --- what is read whole ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "again",
    [
        rss(posts(1, 2, 3), root=' xml:base="http://other.example/"'),
        rss(posts(1, 2, 3), root=' xmlns:x="urn:x"'),
        rss(posts(1, 2, 3)).replace("2.0", "0.92"),
        rss(posts(1, 2, 3)).replace("<channel>", '<channel xml:base="/b/">'),
        rss(posts(1, 2, 3), '<x:y xmlns:x="http://purl.org/dc/elements/1.1/">z</x:y>'),
        rss(posts(1, 2, 3) + post(1)),
        rss(posts(1, 2, 3) + post(1, "<pubDate>x</pubDate>")),
        rss(posts(1, 2, 4, 5, 6)),
        rss(posts(1, 2, 3, 4) + "<b>"),
        rss(posts(1, 2, 3) + post(4, "&nbsp;")),
        rss(posts(1, 2, 3), "Q & A"),
        rss(posts(1, 2, 3) + post(4, "<channel><title>x</title></channel>")),
        "<!DOCTYPE rss [<!ENTITY a 'b'>]>" + rss(posts(1, 2, 3)).partition("?>")[2],
    ],
    ids=[
        "base", "namespace", "version", "channel base", "namespace of another element", "item twice", "id twice",
        "mostly new", "not well-formed", "HTML entity", "stray ampersand", "channel in an item", "declared entity",
    ],
)  # fmt: skip
def test_what_could_change_how_an_item_is_read_is_read_whole(again: str) -> None:
    first = parse(rss(posts(1, 2, 3)).encode(), None, HERE)
    assert first.recall
    assert unread(again.encode(), None, HERE, first.recall) is None
    assert parse(again.encode(), None, HERE, first.recall) == parse(again.encode(), None, HERE)


def test_a_moment_within_a_title_is_a_title() -> None:
    entries = "".join(f"<entry><id>{n}</id><link href='/{n}'/></entry>" for n in range(3))
    titles = [f'<title type="xhtml"><div><updated>{day}</updated> T</div></title>' for day in (1, 2)]
    feeds = [f'<feed xmlns="http://www.w3.org/2005/Atom">{title}{entries}</feed>' for title in titles]
    assert read_both_ways(feeds) == 3
    assert parse(feeds[1].encode(), None, HERE).title == "2 T"


def test_a_prefix_that_is_no_longer_declared_around_an_item_is_noticed() -> None:
    more = "<q:x>y</q:x>"
    items = post(1, more) + post(2, more) + post(3, more)
    inside = rss(items, '<z xmlns:q="urn:q"/>', root=' xmlns:q="urn:q"')
    outside = rss(items, '<z xmlns:q="urn:q"/>')
    assert parse(inside.encode(), None, HERE).recall
    assert read_both_ways([inside, inside + "<!-- x -->", outside]) == 3


def test_an_item_twice_beside_a_new_one_is_read_whole() -> None:
    assert read_both_ways([rss(posts(1, 2, 3)), rss(posts(1, 2, 3, 3, 4))]) == 0


def test_f7_an_entry_that_was_not_read_has_not_vanished() -> None:
    """F7"""

    def thread(number: int, text: str) -> str:
        return f"<item><title>{text}</title><link>/{number}</link><description>{text}</description></item>"

    six = "".join(thread(number, f"Topic {number}") for number in range(6))
    again = "".join(thread(number + 6, f"Topic {number}") for number in range(3))
    assert read_both_ways([rss(six), rss(again + six)]) == 6


def test_another_location_is_read_whole_because_links_differ() -> None:
    text = rss(posts(1, 2, 3)).encode()
    first = parse(text, None, HERE)
    elsewhere = "https://other.example/"
    assert unread(text, None, elsewhere, first.recall) is None
    assert parse(text, None, elsewhere, first.recall) == parse(text, None, elsewhere)


def test_the_charset_is_that_of_the_whole_document() -> None:
    first = parse(rss(post(1) + post(2) + post(3, "<author>Zoë</author>")).encode(), None, HERE)
    broken = rss(post(1) + post(2) + post(3, "<author>Zoë</author>") + "@").encode().replace(b"@", b"<!-- \xff -->")
    assert unread(broken, None, HERE, first.recall) is None
    assert parse(broken, None, HERE, first.recall).entries == parse(broken, None, HERE).entries[2:]


def test_a_prefix_of_the_items_is_kept() -> None:
    entries = [f"<a:entry><a:id>{n}</a:id><a:link href='/{n}'/><a:title>{n}</a:title></a:entry>" for n in range(5)]
    texts = [
        f'<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:title>T</a:title>{"".join(entries[:n])}</a:feed>'
        for n in (3, 4, 5)
    ]
    assert read_both_ways(texts) == 7


def test_a_recall_is_short_and_a_damaged_one_is_ignored() -> None:
    text = rss(posts(1, 2)).encode()
    recall = parse(text, None, HERE).recall
    assert len(recall) == 64
    for damaged in ("", "x", recall[:24], recall[:-1]):
        assert unread(text, None, HERE, Recall(damaged)) is None
        assert parse(text, None, HERE, Recall(damaged)) == parse(text, None, HERE)


def test_the_recall_of_more_than_a_thousand_items_is_empty() -> None:
    thousand = "".join(f"<item><guid>{number}</guid></item>" for number in range(1_000))
    assert parse(rss(thousand).encode(), None, HERE).recall
    assert not parse(rss(thousand + "<item><guid>x</guid></item>").encode(), None, HERE).recall


def test_an_item_that_says_what_version_the_feed_is_keeps_it_whole() -> None:
    telling = post(1, '<a:b xmlns:a="http://www.w3.org/2005/Atom"/>')
    feeds = [
        f'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><channel/>{items}</rdf:RDF>'
        for items in (telling + posts(2, 3), telling + posts(2, 3, 4), posts(2, 3, 4))
    ]
    assert read_both_ways(feeds) == 0


# --- both ways over sequences of documents --------------------------------------------------------------------

numbers = st.integers(0, 11)
leavings = st.lists(st.sampled_from(LEAVINGS), max_size=2).map("".join)
gaps = st.sampled_from(["", "\n", "  \n\t", "<!-- x -->", "\n<!-- - > <item> -->\n", "<ttl>7</ttl>", "x", "<?p i?>"])


@st.composite
def items(draw: st.DrawFn) -> tuple[str, str]:
    """Return the content of an item in the words of RSS and of Atom."""
    number = draw(numbers)
    # Ids and links that are shared, missing or changed now and then.
    odd = draw(st.sampled_from([0] * 12 + [1, 2, 3, 4]))
    guid = {1: "same", 2: ""}.get(odd, f"g{number}")
    link = {2: "", 3: "/p/same"}.get(odd, f"/p/{number}")
    title = {4: ""}.get(odd, f"Post {number}")
    text = draw(st.sampled_from(["Text", "Text", "Text", "Edited text", "<![CDATA[<p>Text</p>]]>"]))
    more = draw(leavings) if draw(st.integers(0, 4)) == 0 else ""
    stamp = draw(st.sampled_from(["", "", "<slash:comments>1</slash:comments>", "<slash:comments>2</slash:comments>"]))
    parts = [f"<title>{title}</title>", f"<guid>{guid}</guid>" if guid else "", f"<link>{link}</link>" if link else ""]
    if draw(st.integers(0, 9)) == 0:
        parts.reverse()
    body = "".join(parts) + f"<description>{text} {number}</description>{stamp}{more}"
    atoms = body.replace("guid>", "id>").replace(f"<link>{link}</link>", f'<link href="{link}"/>')
    return body, atoms.replace("description>", "summary>")


frames = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["Posts", "Posts", "Other &amp; more", "<![CDATA[<item>]]>"]),
        "channel": st.sampled_from(
            [
                "<lastBuildDate>1</lastBuildDate>",
                "<lastBuildDate>2</lastBuildDate>",
                "<updated>2024-01-01T00:00:00Z</updated><ttl>60</ttl>",
                "<!-- generated --><ttl>60</ttl><ttl>90</ttl>",
                "<image><url>u</url><title>I</title><link>l</link></image>",
                "<itunes:image href='x'/><itunes:owner><itunes:name>n</itunes:name></itunes:owner>",
                "<textInput><title>t</title></textInput><unknown>x",
                '<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">T <updated>3</updated></div></title>',
                '<q:x xmlns:q="http://purl.org/dc/elements/1.1/">z</q:x>',
                "<language>en</language><skipDays><day>Monday</day></skipDays>",
            ]
        ),
        "tail": st.sampled_from(
            ["<lastBuildDate>3</lastBuildDate>", "<ttl>5</ttl>", "<title>Late</title>", "<!-- 1 -->", "<link>t</link>"]
        ),
        "root": st.sampled_from([' xml:base="/b/"', ' xml:lang="de"', ' xmlns:q="urn:q"']),
    },
)


@st.composite
def histories(draw: st.DrawFn) -> list[str]:
    """Documents of one feed, each made of the one before by edits."""
    make = draw(st.sampled_from([rss, atom, rdf]))
    tag, member = ("entry", 1) if make is atom else ("item", 0)
    window = draw(st.lists(items(), min_size=2, max_size=8, unique_by=lambda pair: pair[0].partition("</title>")[0]))
    frame = draw(frames)
    texts = []
    for _ in range(draw(st.integers(2, 6))):
        kind = draw(st.sampled_from(["new", "new", "new", "frame", "order", "vanish", "replace", "same"]))
        if kind == "new":
            window = [draw(items()), *window][:9]
        elif kind == "frame":
            frame = draw(frames)
        elif kind == "order":
            window = draw(st.permutations(window))
        elif kind == "vanish":
            window = window[draw(st.integers(0, 2)) :]
        elif kind == "replace" and window:
            window = [*window[:-1], draw(items())]
        between = draw(gaps) if draw(st.integers(0, 3)) == 0 else "\n"
        text = make(between.join(f"<{tag}>{pair[member]}</{tag}>" for pair in window), **frame)
        if draw(st.integers(0, 11)) == 0:
            text = draw(st.sampled_from([text + "<!-- x -->", text + "x", text.replace("Text", "T & t", 1), text[:-9]]))
        texts.append(text)
    return texts


@settings(max_examples=75, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories(), st.sampled_from([3_600, DAY + 1, 200 * DAY]))
def test_f5_f6_f7_both_ways_of_reading_find_the_same(texts: list[str], gap: float) -> None:
    """F5, F6, F7"""
    read_both_ways(texts, gap)


def test_a_blog_over_many_days_is_hardly_read() -> None:
    texts = [
        rss(posts(*range(day + 30, day, -1)), f"<lastBuildDate>{day}-{edition}</lastBuildDate>")
        for day in range(8)
        for edition in range(3)
    ]
    assert read_both_ways(texts) == 23 * 30 - 7


def test_f7_a_host_that_is_renamed_is_said_once_either_way() -> None:
    """F7"""

    def on(host: str, *numbers: int) -> str:
        return rss(
            "".join(
                f"<item><title>Post {n}</title><guid>{host}{n}</guid><link>{host}{n}</link>"
                f"<description>Text {n}</description></item>"
                for n in numbers
            )
        )

    old, new = "http://old.example/", "https://new.example/x/"
    texts = [on(old, 3, 2, 1), on(old, 4, 3, 2, 1), on(new, 4, 3, 2, 1), on(new, 5, 4, 3, 2, 1), on(old, 5, 4, 3, 2)]
    assert read_both_ways(texts) >= 3 + 4


def test_where_a_feed_is_asked_changes_both_ways_alike() -> None:
    texts = [rss(posts(*range(number, number + 5))) for number in (0, 1, 1, 2, 2)]
    assert read_both_ways(texts, location=lambda number: f"https://h{number // 3}.example/") > 0


# --- time -----------------------------------------------------------------------------------------------------


def test_what_is_known_costs_a_fraction() -> None:
    body = "<![CDATA[" + "<p>lorem ipsum dolor</p> " * 50 + "]]>"
    many = [post(n, f"<content:encoded>{body} {n}</content:encoded>") for n in range(51)]
    before, stamped, newer = (
        text.encode() for text in (rss("".join(many[:50])), rss("".join(many[:50]), "<!-- x -->"), rss("".join(many)))
    )
    recall = parse(before, None, HERE).recall

    def cost(read: Callable[[], object]) -> float:
        times = []
        for _ in range(7):
            start = time.process_time()
            assert read()
            times.append(time.process_time() - start)
        return min(times)

    whole = cost(lambda: parse(newer, None, HERE))
    assert cost(lambda: unread(stamped, None, HERE, recall)) < whole / 8
    assert cost(lambda: parse(newer, None, HERE, recall)) < whole / 4
