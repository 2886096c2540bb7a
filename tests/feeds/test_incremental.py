"""Reading only what is new gives what reading all gives: the same news, the same memory, the same words."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from condget.feeds import incremental
from condget.feeds.documents import parse, unread
from condget.feeds.durations import DAY
from condget.feeds.entries import Diff, diff
from condget.feeds.incremental import cut, digests, recalled, remembered
from condget.feeds.values import Document, Hints, SeenEntry

HERE = "https://example.org/feeds/main"
NAMESPACES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/DTDs/PodCast-1.0.dtd" '
    'xmlns:atom="http://www.w3.org/2005/Atom" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"'
)


def rss(items: str, channel: str = "", tail: str = "", root: str = "", title: str = "Posts") -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0" {NAMESPACES}{root}>\n<channel>'
        f"<title>{title}</title><link>/</link>{channel}\n{items}{tail}</channel></rss>"
    )


def atom(items: str, channel: str = "", tail: str = "", root: str = "", title: str = "Posts") -> str:
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom" {NAMESPACES}{root}><title>{title}</title><id>feed</id>'
        f'<link href="/"/>{channel}\n{items}{tail}</feed>'
    )


def rdf(items: str, channel: str = "", tail: str = "", root: str = "", title: str = "Posts") -> str:
    return (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        f'{NAMESPACES}{root}><channel rdf:about="x"><title>{title}</title><link>/</link>{channel}</channel>'
        f"\n{items}{tail}</rdf:RDF>"
    )


def post(number: int, more: str = "") -> str:
    return (
        f"<item><title>Post {number}</title><guid>g{number}</guid><link>/p/{number}</link>"
        f"<description>Text {number}</description>{more}</item>"
    )


def posts(*numbers: int, between: str = "\n") -> str:
    return between.join(map(post, numbers))


@dataclass
class Poller:
    """What is remembered of one feed, by one who reads all or by one who reads what is new."""

    cuts: bool
    seen: dict[str, SeenEntry] = field(default_factory=dict)
    window: int = 0
    items: str = ""
    title: str | None = None
    hints: Hints = field(default_factory=Hints)
    document: Document | None = None

    def poll(self, text: str, now: float, location: str = HERE) -> Diff | str:
        """Return the news, or what went wrong."""
        content, items = text.encode(), self.items if self.cuts else ""
        try:
            document = (items and unread(content, None, location, items)) or parse(content, None, location, items)
        except Exception as error:  # noqa: BLE001 - to be compared
            return str(error)
        found = diff(document, self.seen, self.window, now)
        for row in found.seen:
            self.seen[row.key] = row
        for key in found.forget:
            del self.seen[key]
        self.window, self.document = document.window, document
        self.items = document.items if found.plain else ""
        self.title = document.title or self.title
        self.hints = self.hints if document.unread else document.hints
        return found


def read_both_ways(texts: list[str], gap: float = 3_600, location: Callable[[int], str] = lambda _: HERE) -> int:
    """Poll with both pollers, compare after each document, and return how many entries were not read."""
    whole, cutter = Poller(False), Poller(True)
    spared = 0
    for number, text in enumerate(texts):
        now = 1_700_000_000 + gap * number
        one, other = whole.poll(text, now, location(number)), cutter.poll(text, now, location(number))
        if isinstance(one, str) or isinstance(other, str):
            assert one == other
            continue
        assert other.new == one.new
        assert (other.edited, other.reissued, other.plain) == (one.edited, one.reissued, one.plain)
        assert set(other.seen) == set(one.seen)
        assert sorted(other.forget) == sorted(one.forget)
        assert cutter.seen == whole.seen
        assert (cutter.title, cutter.hints, cutter.window) == (whole.title, whole.hints, whole.window)
        assert cutter.items == whole.items
        assert whole.document is not None
        assert cutter.document is not None
        if not cutter.document.unread:
            assert replace(cutter.document, entries=(), kept=()) == replace(whole.document, entries=())
            entries = {entry.key: entry for entry in whole.document.entries}
            assert all(entries[entry.key] == entry for entry in cutter.document.entries)
            assert entries.keys() == {entry.key for entry in cutter.document.entries} | set(cutter.document.kept)
        spared += len(cutter.document.kept)
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
        again = unread(make(posts(*order, between=" <!-- - -->\n"), after).encode(), None, HERE, first.items)
        assert again is not None
        assert again.kept == tuple(first.entries[number - 1].key for number in order)
        assert (again.unread, again.entries) == (True, ())


@pytest.mark.parametrize("make", [rss, rdf])
def test_only_what_is_new_is_read(make: Callable[..., str]) -> None:
    first = parse(make(posts(1, 2, 3)).encode(), None, HERE)
    text = make(posts(4, 3, 2, 1)).encode()
    second = parse(text, None, HERE, first.items)
    assert unread(text, None, HERE, first.items) is None
    assert [entry.title for entry in second.entries] == ["Post 4"]
    assert (len(second.kept), second.window, second.unread) == (3, 4, False)
    assert second.items == parse(text, None, HERE).items


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
    assert unread(text, None, HERE, first.items) is None
    second, whole = parse(text, None, HERE, first.items), parse(text, None, HERE)
    assert len(second.kept) == 3
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
        rss(posts(1, 2, 3) + post(4, "<image><title>x</title></image>")),
        "<!DOCTYPE rss [<!ENTITY a 'b'>]>" + rss(posts(1, 2, 3)).partition("?>")[2],
    ],
    ids=[
        "base", "namespace", "version", "channel base", "namespace of another element", "item twice", "id twice",
        "mostly new", "not well-formed", "HTML entity", "stray ampersand", "image in an item", "declared entity",
    ],
)  # fmt: skip
def test_what_could_change_how_an_item_is_read_is_read_whole(again: str) -> None:
    first = parse(rss(posts(1, 2, 3)).encode(), None, HERE)
    assert first.items
    assert unread(again.encode(), None, HERE, first.items) is None
    assert parse(again.encode(), None, HERE, first.items) == parse(again.encode(), None, HERE)


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
    assert parse(inside.encode(), None, HERE).items
    assert read_both_ways([inside, inside + "<!-- x -->", outside]) == 3


def test_an_item_twice_beside_a_new_one_is_read_whole() -> None:
    assert read_both_ways([rss(posts(1, 2, 3)), rss(posts(1, 2, 3, 3, 4))]) == 0


def test_f7_what_is_kept_has_not_vanished() -> None:
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
    assert unread(text, None, elsewhere, first.items) is None
    assert parse(text, None, elsewhere, first.items) == parse(text, None, elsewhere)


def test_the_charset_is_that_of_the_whole_document() -> None:
    first = parse(rss(post(1) + post(2) + post(3, "<author>Zoë</author>")).encode(), None, HERE)
    broken = rss(post(1) + post(2) + post(3, "<author>Zoë</author>") + "@").encode().replace(b"@", b"<!-- \xff -->")
    assert unread(broken, None, HERE, first.items) is None
    assert parse(broken, None, HERE, first.items).entries == parse(broken, None, HERE).entries[2:]


UNCERTAIN = {
    "no item": rss(""),
    "nested": rss("<item><item></item></item>"),
    "another's item": rss("<item><media:item></media:item></item>"),
    "two names": rss("<item></item><entry></entry>"),
    "another case": rss("<item></item><Item></Item>"),
    "empty element": rss("<item/>"),
    "empty element with attributes": rss('<item a="b"/>'),
    "namespace of an item": rss('<item xmlns:x="y"></item>'),
    "text between": rss("<item></item>x<item></item>"),
    "element between": rss("<item></item><ttl>5</ttl><item></item>"),
    "CDATA between": rss("<item></item><![CDATA[ ]]><item></item>"),
    "instruction between": rss("<item></item><?x y?><item></item>"),
    "comment that is none": rss("<item></item><!-- -- --><item></item>"),
    "control character in a comment": rss("<item></item><!-- \x01 --><item></item>"),
    "unclosed": rss("<item>"),
    "unopened": rss("</item>"),
    "in another element": rss("<items><item></item></items>"),
    "deeper": rss("<a><b><item></item></b></a>"),
    "behind the root": rss("") + "<item></item>",
    "no root": "<item></item>",
    "frame that does not fit": rss("<item></item>", tail="</a>"),
    "frame that breaks off": "<rss><channel><item></item></channel>",
    "CDATA without an end": rss("<item></item>", tail="<![CDATA["),
    "comment without an end": "<!-- " + rss("<item></item>"),
    "attribute without an end": '<rss a="><channel><item></item></channel></rss>',
}


@pytest.mark.parametrize("text", UNCERTAIN.values(), ids=UNCERTAIN)
def test_a_cut_that_is_not_certain_is_none(text: str) -> None:
    assert cut(text.partition("?>")[2] if text.startswith("<?xml") else text) is None


def test_what_only_looks_like_an_item_is_none() -> None:
    fakes = "<![CDATA[ <item></item> ]]><!-- <item> </item> --><?x <item> ?>"
    items = (f'<item a="&gt; > /">{fakes}</item >', "<item><items/><itemx></itemx></item>")
    text = f"<rss><channel><title>{fakes}</title>{items[0]}\n{items[1]}\n<x>{fakes}</x></channel></rss>"
    made = cut(text)
    assert made is not None
    assert made.items == items
    assert made.around([items[1]]) == text.replace(items[0] + "\n" + items[1], "<item></item>" + items[1])


def test_a_prefix_of_the_items_is_kept() -> None:
    entries = [f"<a:entry><a:id>{n}</a:id><a:link href='/{n}'/><a:title>{n}</a:title></a:entry>" for n in range(5)]
    texts = [
        f'<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:title>T</a:title>{"".join(entries[:n])}</a:feed>'
        for n in (3, 4, 5)
    ]
    assert read_both_ways(texts) == 7


def test_what_is_remembered_is_short_and_what_is_not_its_own_is_ignored() -> None:
    keys = dict.fromkeys(digests(["a", "b"]), "k" * 12)
    text = remembered("f" * 12, "c" * 12, keys)
    memory = recalled(text)
    assert memory is not None
    assert (memory.frame, memory.context, memory.keys) == ("f" * 12, "c" * 12, keys)
    assert len(text) == 64
    for damaged in ("", "x", text[:24], text[:-1]):
        assert recalled(damaged) is None
        assert parse(rss(posts(1, 2)).encode(), None, HERE, damaged) == parse(rss(posts(1, 2)).encode(), None, HERE)


def test_too_many_items_are_not_remembered() -> None:
    keys = dict.fromkeys(digests([str(number) for number in range(1_001)]), "k" * 12)
    assert remembered("f" * 12, "c" * 12, keys) == ""


# --- items have no influence on each other --------------------------------------------------------------------

#: What leaves something behind in feedparser: in its stacks, counters and namespaces.
LEAVINGS = [
    '<content xml:base="http://b.example/" type="text">a</content>',
    '<atom:content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><svg><title>x</title></svg></div></atom:content>',
    '<atom:content type="html">&lt;p&gt;x<div>y</div></atom:content>',
    '<x:title xmlns:x="http://purl.org/dc/elements/1.1/">dc</x:title>',
    '<x:title xmlns:x="urn:other">own</x:title>',
    '<source url="http://s.example/">S</source>',
    "<atom:source><atom:title>S</atom:title><atom:link href='s'/></atom:source>",
    "<media:title>M</media:title><media:group><media:description>D</media:description></media:group>",
    "<dc:language>de</dc:language><itunes:image href='x'/><itunes:summary>s</itunes:summary>",
    "<enclosure url='u' type='a/b'/><category domain='d'>c</category><author>a (b)</author>",
    "<content:encoded><![CDATA[<item>no</item>]]></content:encoded>",
    "<description>two</description><atom:summary>three</atom:summary>",
    '<xhtml:body xmlns:xhtml="http://www.w3.org/1999/xhtml"><xhtml:p>x</xhtml:p></xhtml:body>',
    "<unknown a='b'>x</unknown><unknown>y</unknown><textInput/>",
    "<image><url>u</url><title>I</title><link>l</link></image>",
    "<textinput><title>I</title></textinput>",
    "<title>again</title><guid isPermaLink='false'>other</guid>",
    "<atom:content type='application/xhtml+xml'><feed><channel/></feed></atom:content>",
    "<media:content url='x'><media:thumbnail url='t'/></media:content><comments>c</comments>",
    "<!-- <item> --><pubDate>x</pubDate><?php echo ?>",
    "<atom:content type='xhtml'><div><image>x</image><rss/></div></atom:content>",
    "<description>Zoë &amp;amp; &#8230; ]]&gt;</description>",
    '<x:description xmlns:x="http://purl.org/dc/elements/1.1/">dc</x:description>',
    '<x:description xmlns:x="urn:other">own</x:description>',
]


@pytest.mark.parametrize("leaving", LEAVINGS)
@pytest.mark.parametrize("make", [rss, atom, rdf])
def test_f7_an_entry_is_the_same_whatever_stands_before_it(make: Callable[..., str], leaving: str) -> None:
    """F7"""
    for other in LEAVINGS if make is rss else [""]:
        parts = post(1, leaving), post(2, other), post(3)
        before, after = (parse(make("".join(order)).encode(), None, HERE) for order in (parts, parts[::-1]))
        assert {entry.key: entry for entry in before.entries} == {entry.key: entry for entry in after.entries}
        assert (before.title, before.link, before.version) == (after.title, after.link, after.version)


def test_a_base_does_not_outlive_its_element() -> None:
    first = '<entry xml:base="http://b.example/"><id>1</id><link href="p"/></entry>'
    second = '<entry><content xml:base="http://b.example/">x</content><id>2</id><link href="p"/></entry>'
    links = [entry.link for entry in parse(atom(first + second).encode(), None, HERE).entries]
    assert links == ["http://b.example/p", "https://example.org/feeds/p"]
    content = '<content type="html">x<div>y</div></content>'  # a div that feedparser does not close
    first = first.replace("</id>", f"</id>{content}")
    assert parse(atom(first + second).encode(), None, HERE).entries[1].link == "https://example.org/feeds/p"


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


@pytest.mark.parametrize(
    "piece",
    ["<", "<item", "<item></item>", "<![CDATA[", "<![CDATA[]", "<!--", "<!-- -", "<?", "<a ", "<a '", "<updated>"],
)
def test_f3_hostile_markup_is_cut_in_linear_time(piece: str) -> None:
    """F3"""
    start = time.process_time()
    for text in (piece * 20_000, rss(posts(1, 2), piece * 20_000), rss(posts(1) + piece * 20_000 + posts(2))):
        cut(text)
    assert time.process_time() - start < 3


def test_what_is_known_costs_a_fraction() -> None:
    body = "<![CDATA[" + "<p>lorem ipsum dolor</p> " * 50 + "]]>"
    many = [post(n, f"<content:encoded>{body} {n}</content:encoded>") for n in range(51)]
    before, stamped, newer = (
        text.encode() for text in (rss("".join(many[:50])), rss("".join(many[:50]), "<!-- x -->"), rss("".join(many)))
    )
    remembered_items = parse(before, None, HERE).items

    def cost(read: Callable[[], object]) -> float:
        times = []
        for _ in range(7):
            start = time.process_time()
            assert read()
            times.append(time.process_time() - start)
        return min(times)

    whole = cost(lambda: parse(newer, None, HERE))
    assert cost(lambda: unread(stamped, None, HERE, remembered_items)) < whole / 8
    assert cost(lambda: parse(newer, None, HERE, remembered_items)) < whole / 4


def test_the_module_needs_no_parser() -> None:
    assert not {"feedparser", "xml"} & vars(incremental).keys()
