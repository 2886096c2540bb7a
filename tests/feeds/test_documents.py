"""Documents: every kind of feed; pages that are not feeds; broken and hostile documents."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from pathlib import Path

import pytest

from condget.errors import DocumentError
from condget.feeds import feedparser_driver, jsonfeed
from condget.feeds.documents import parse
from condget.feeds.values import Document, Entry, Hints

HERE = "https://example.org/feeds/main"


def read(content: str | bytes, content_type: str | None = "application/xml", location: str = HERE) -> Document:
    return parse(content.encode() if isinstance(content, str) else content, content_type, location)


def rss(items: str, channel: str = "", head: str = "") -> str:
    return (
        f'{head}<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:slash="http://purl.org/rss/1.0/modules/slash/">'
        f"<channel><title>Posts</title><link>/</link>{channel}{items}</channel></rss>"
    )


def item(title: str = "One", guid: str = "g1", more: str = "") -> str:
    return f"<item><title>{title}</title><guid>{guid}</guid><link>/one</link>{more}</item>"


def only(document: Document) -> Entry:
    assert len(document.entries) == 1
    return document.entries[0]


KINDS = {
    "rss20": rss(item()),
    "rss092": rss(item()).replace('version="2.0"', 'version="0.92"'),
    "rss091u": rss(item()).replace('version="2.0"', 'version="0.91"'),
    "rss10": '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
    '<channel rdf:about="x"><title>Posts</title><link>/</link></channel>'
    '<item rdf:about="g1"><title>One</title><link>/one</link></item></rdf:RDF>',
    "rss090": '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns="http://my.netscape.com/rdf/simple/0.9/"><channel><title>Posts</title><link>/</link></channel>'
    "<item><title>One</title><link>/one</link></item></rdf:RDF>",
    "atom10": '<feed xmlns="http://www.w3.org/2005/Atom"><title>Posts</title><id>f</id><link href="/"/>'
    '<entry><id>g1</id><title>One</title><link href="/one"/></entry></feed>',
    "atom03": '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>Posts</title>'
    '<link href="/" rel="alternate"/>'
    '<entry><id>g1</id><title>One</title><link rel="alternate" type="text/html" href="/one"/></entry></feed>',
    "cdf": '<CHANNEL HREF="/"><TITLE>Posts</TITLE><ITEM HREF="/one"><TITLE>One</TITLE></ITEM></CHANNEL>',
    "json11": json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": "Posts",
            "home_page_url": "/",
            "items": [{"id": "g1", "title": "One", "url": "/one"}],
        }
    ),
}


@pytest.mark.parametrize(("version", "text"), KINDS.items(), ids=KINDS)
def test_every_kind_of_feed_is_read(version: str, text: str) -> None:
    document = read(text)
    assert (document.title, document.version) == ("Posts", version)
    assert document.defect is None
    entry = only(document)
    assert (entry.title, entry.link) == ("One", "https://example.org/one")
    assert entry.id == (None if version in ("cdf", "rss090") else "g1")


@pytest.mark.parametrize("text", [rss(""), '<feed xmlns="http://www.w3.org/2005/Atom"/>', "<rss/>"])
def test_a_feed_without_entries_is_a_feed(text: str) -> None:
    assert read(text).entries == ()


@pytest.mark.parametrize(
    ("content", "instead"),
    [
        (b"", "an empty answer"),
        (b" \r\n\0", "an empty answer"),
        (b"\xef\xbb\xbf", "an empty answer"),
        (b"<!DOCTYPE html><html><head><TITLE>\nLog &amp; in</TITLE>", 'an HTML page titled "Log & in"'),
        (b"<html><body>no", "an HTML page"),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "x" "y"><html xmlns="z"><title>T</title></html>', 'titled "T"'),
        (b"<div><p>Down</p></div>", "an HTML page"),
        (b"Service unavailable", 'text that begins "Service unavailable"'),
        (b"/etc/passwd", 'text that begins "/etc/passwd"'),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "binary data (application/rss+xml)"),
        (b"<urlset><url/></urlset>", "a sitemap"),
        (b"<opml/>", "OPML"),
        (b"<svg:svg xmlns:svg='x'/>", "root element <svg:svg>"),
        (b'{"error": "no"}', "not a JSON Feed"),
        (b"[1, 2]", "not a JSON Feed"),
        (b'{"version": ', "JSON that cannot be read"),
        (b"[" * 100_000, "nests too deeply"),
    ],
)
def test_b5_what_is_no_feed_is_said(content: bytes, instead: str) -> None:
    """B5"""
    with pytest.raises(DocumentError) as caught:
        read(content, "application/rss+xml")
    assert instead in str(caught.value)


@pytest.mark.parametrize("content_type", [None, "text/html", "text/plain; charset=utf-8", "application/octet-stream"])
def test_a_feed_is_a_feed_whatever_its_type(content_type: str | None) -> None:
    document = read(rss(item("Zoë")), content_type)
    assert (only(document).title, document.defect) == ("Zoë", None)


def test_the_charset_of_the_response_counts() -> None:
    assert only(read(rss(item("Zoë")).encode("latin-1"), 'text/xml; charset="ISO-8859-1"')).title == "Zoë"
    declared = rss(item("Zoë"), head='<?xml version="1.0" encoding="iso-8859-1"?>').encode("latin-1")
    assert only(read(declared, "application/rss+xml")).title == "Zoë"
    assert only(read(rss(item("Zoë")).encode("utf-16"), "text/xml")).title == "Zoë"


# --- identity -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "guid",
    ["a/b", "/x", "?p=1", "http:////x", "HTTP://Example.org:80/a/../b", "//x/y", "#1", "tag:x,2020:1", "http://[bad"],
)
@pytest.mark.parametrize("location", [HERE, "http://other.example/"])
def test_f7_an_id_is_raw_wherever_the_document_came_from(guid: str, location: str) -> None:
    """F7"""
    permalink = only(read(rss(item(guid=guid)), location=location))
    atom = only(
        read(
            f'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://base.example/"><entry xml:base="/e/">'
            f"<id>{guid}</id></entry></feed>",
            location=location,
        )
    )
    assert permalink.id == guid == atom.id


def test_f7_an_atom_id_does_not_depend_on_the_location() -> None:
    """F7"""
    keys = {only(read(KINDS["atom10"], location=where)).key for where in (HERE, "http://other.example/")}
    assert len(keys) == 1


BROKEN = [
    ("stray ampersand", "Q & A", "Q &amp; A"),
    ("HTML entity", "Q&nbsp;A", "Q\xa0A"),
    ("control character", "Q\x08 A", "Q A"),
    ("unknown entity", "Q &none; A", "Q &amp;none; A"),
    ("forbidden reference", "Q&#11; A", "Q A"),
]


@pytest.mark.parametrize(("broken", "mended"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_f7_nothing_changes_when_a_feed_is_mended(broken: str, mended: str) -> None:
    """F7"""
    more = "<description>&lt;p&gt;Fish &amp;amp; chips&lt;/p&gt;</description>"
    guid = "http://e/?p=1&amp;x=2"
    before = read(rss(item(broken, guid, more) + item("Two", guid="<![CDATA[a&b]]>")))
    after = read(rss(item(mended, guid, more) + item("Two", guid="<![CDATA[a&b]]>")))
    assert before.defect
    assert after.defect is None
    assert before.entries == after.entries
    assert [entry.id for entry in after.entries] == ["http://e/?p=1&x=2", "a&b"]


def test_f7_an_id_with_a_stray_ampersand_is_the_mended_one() -> None:
    """F7"""
    assert only(read(rss(item(guid="http://e/?p=1&x=2")))).id == "http://e/?p=1&x=2"


@pytest.mark.parametrize("crack", ["<b>", "<x:y/>", "</nothing>"], ids=["unclosed", "undeclared prefix", "unopened"])
def test_f7_identity_holds_in_the_loose_parser(crack: str) -> None:
    """F7"""
    items = item("Q &amp; A", "http://e/?p=1&amp;x=2", "<description>Fish</description>")
    items += item("Two", "<![CDATA[a&b]]>")
    before, after = read(rss(items, channel=crack)), read(rss(items))
    assert before.defect
    assert [(entry.key, entry.id, entry.title) for entry in before.entries] == [
        (entry.key, entry.id, entry.title) for entry in after.entries
    ]


@pytest.mark.parametrize(
    "wrap",
    [
        "\n\n{}",
        "<br />\n<b>Warning</b>: x in <b>y.php</b>\n{}",
        "{}<!-- cached -->",
        "{}<script>x</script>",
        "\ufeff\ufeff{}",
    ],
)
def test_what_stands_around_a_feed_is_looked_past(wrap: str) -> None:
    text = rss(item(), head='<?xml version="1.0" encoding="utf-8"?>')
    assert read(wrap.format(text)).entries == read(text).entries


WRAPPERS = {
    "head and body": "<html><head><title>Feed</title></head><body>{}</body></html>",
    "bare": "<html>{}",
    "document type": "<!DOCTYPE html>\n<html><body><p>Hosted by x<br>{}<script>x < 1</script></body></html>",
}


@pytest.mark.parametrize("wrapper", WRAPPERS.values(), ids=WRAPPERS)
@pytest.mark.parametrize("kind", ["rss20", "rss10", "atom10"])
def test_a_feed_in_an_html_page_is_read(wrapper: str, kind: str) -> None:
    document = read(wrapper.format(KINDS[kind]))
    assert document.entries == read(KINDS[kind]).entries
    assert document.defect == "it stands in an HTML page"


@pytest.mark.parametrize(
    "body",
    [
        "<pre>&lt;rss>&lt;item></pre>",
        "<script>var empty = '<rss><channel></channel></rss>'</script>",
        "<p>Write <rss> first and </rss> last</p>",
        "<feed-list><entry></entry></feed-list>",
    ],
)
def test_b5_a_page_about_feeds_is_no_feed(body: str) -> None:
    """B5"""
    with pytest.raises(DocumentError, match="an HTML page"):
        read(f"<html><head><title>T</title></head><body>{body}</body></html>")


def test_an_atom_document_may_be_one_entry() -> None:
    text = (
        '<?xml version="1.0"?><entry xmlns="http://www.w3.org/2005/Atom"><id>g1</id><title>One</title>'
        '<link href="/one"/><content type="html">&lt;p>x</content></entry>'
    )
    document = read(text)
    assert (only(document).id, only(document).title, document.version) == ("g1", "One", "atom10")
    assert document.defect is None
    with pytest.raises(DocumentError, match="root element <entry>"):
        read("<entry><word>tea</word></entry>")


@pytest.mark.parametrize("kind", ["rss20", "rss10", "atom10"])
def test_f5_items_behind_the_end_of_the_root_are_read(kind: str) -> None:
    """F5: a complete new item is never taken for nothing"""
    text = KINDS[kind]
    tag = "entry" if kind == "atom10" else "item"
    start = text.index(f"<{tag}")
    one = text[start : text.index(f"</{tag}>") + len(tag) + 3]
    late = one.replace("g1", "g2").replace("One", "Two").replace("/one", "/two")
    document = read(f"{text}\n{late}\n{late.replace('g2', 'g3')}<!-- end -->")
    assert [entry.id for entry in document.entries] == ["g1", "g2", "g3"]
    assert document.entries[0] == read(text).entries[0]
    assert document.defect


@pytest.mark.parametrize("bad", [b"\xff", b"\xe2\x80"])
def test_f7_one_bad_byte_is_no_news(bad: bytes) -> None:
    """F7: entries without an ASCII id stay who they are, and the document says what is wrong"""
    items = "".join(f"<item><title>Łódź {n}</title><description>“Tea” {n}</description></item>" for n in range(5))
    whole = read(rss(items))
    spoiled = read(rss(items).encode().replace(b"3</d", b"3" + bad + b"</d"))
    assert [entry.key for entry in spoiled.entries] == [entry.key for entry in whole.entries]
    edited = [entry.id for entry, other in zip(spoiled.entries, whole.entries, strict=True) if entry != other]
    assert len(edited) == 1
    assert spoiled.defect == "1 byte is not UTF-8, in which the rest is written"


def test_an_entry_that_breaks_off_is_left_for_the_next_poll() -> None:
    whole = rss(item() + item("Two", "g2"))
    document = read(whole[: whole.index("g2") + 1])
    assert [entry.id for entry in document.entries] == ["g1"]
    assert document.defect
    assert document.cut_off


ATOM = KINDS["atom10"]


@pytest.mark.parametrize(
    "text",
    [
        rss(item()).removesuffix("</channel></rss>"),
        rss(item()).removesuffix("</rss>"),
        rss(item()).removesuffix(">"),
        rss(item()).removesuffix("</rss>") + "\n<!-- </rss> -->",
        rss(item() + "<item><description><![CDATA[it ends with </rss> as always"),
        rss(item("&nbsp;")).removesuffix("</channel></rss>"),
        rss(item("a & b <b>")).removesuffix("</channel></rss>"),
        ATOM.removesuffix("</feed>"),
        ATOM.removesuffix("</feed>") + "<div>Hosted by x</div>",
        KINDS["rss10"].removesuffix("</rdf:RDF>"),
    ],
)
def test_b5_a_document_whose_root_does_not_end_is_cut_off(text: str) -> None:
    """B5: it is read as far as it goes, and said to be cut off."""
    document = read(text)
    assert document.cut_off
    assert document.recall == ""
    assert [entry.link for entry in document.entries][:1] == ["https://example.org/one"]


@pytest.mark.parametrize("text", [rss(item()), rss(item("a & b &nbsp; <b>")), ATOM, KINDS["rss10"], KINDS["cdf"]])
@pytest.mark.parametrize(
    "end",
    ["", " \n", "<!-- cached -->", "<!-- 1 -- 2 -->", "\0", "<div><p>Hosted<br></div>", "</html>", "<rss>", "<!--"],
)
def test_b5_whatever_follows_the_end_of_the_root_a_document_is_whole(text: str, end: str) -> None:
    """B5: so is an ill-formed one, and one whose end tag is written otherwise."""
    assert not read(text + end).cut_off
    assert not read(text[:-1] + "\n>" + end).cut_off


# --- what people see ------------------------------------------------------------------------------------------


def test_links_are_resolved_against_the_base_in_force() -> None:
    text = """<feed xmlns="http://www.w3.org/2005/Atom" xml:base="/b/"><link href="home"/>
    <entry><id>1</id><link href="p"/></entry>
    <entry xml:base="http://x.example/y/"><id>2</id><link rel="enclosure" href="z"/><link href="p"/></entry>
    <entry><id>3</id><link href="javascript:alert(1)"/></entry></feed>"""
    assert [entry.link for entry in read(text).entries] == ["https://example.org/b/p", "http://x.example/y/p", None]


def test_a_permalink_is_a_link_and_another_guid_is_none() -> None:
    links = [
        only(read(rss(f"<item><title>t</title><guid{kind}>{guid}</guid></item>"))).link
        for kind, guid in [("", "http://e/1"), ("", "12345"), (' isPermaLink="false"', "http://e/1"), ("", "/1")]
    ]
    assert links == ["http://e/1", None, None, "https://example.org/1"]


def test_titles_are_one_line_of_plain_text() -> None:
    titles = [
        only(read(rss(item(title)))).title
        for title in ("a\n  b", "&lt;b&gt;Fish&lt;/b&gt; &amp;amp; chips", "<![CDATA[1 < 2]]>", "\x9b31mred", "")
    ]
    assert titles == ["a b", "Fish & chips", "1 < 2", "›31mred", None]


@pytest.mark.parametrize(
    ("stamp", "published"),
    [
        ("<pubDate>Mon, 01 Jan 2024 00:30:00 +0100</pubDate>", "2023-12-31T23:30:00Z"),
        ("<dc:date>2024-01-01</dc:date>", "2024-01-01T00:00:00Z"),
        ("<pubDate>  last\nTuesday </pubDate>", "last Tuesday"),
        ("", None),
    ],
)
def test_published_is_utc_or_as_written(stamp: str, published: str | None) -> None:
    assert only(read(rss(item(more=stamp)))).published == published


def test_c9_hints_are_read() -> None:
    """C9"""
    hints = read(
        rss(
            "",
            "<ttl>90</ttl><skipHours><hour>24</hour><hour> 5 </hour><hour>5</hour><hour>x</hour></skipHours>"
            "<skipDays><day>sunday</day><day>Monday</day><day>Caturday</day></skipDays>"
            "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>",
        )
    ).hints
    assert hints == Hints(ttl=5_400, skip_hours=(0, 5), skip_days=("Monday", "Sunday"), update_period=1_800)


@pytest.mark.parametrize("ttl", ["", "0", "-5", "soon", "99999999999999", "nan", "1e5"])
def test_c4_hints_that_make_no_sense_are_none(ttl: str) -> None:
    """C4"""
    channel = f"<ttl>{ttl}</ttl><skipHours><hour>{ttl}</hour></skipHours><sy:updatePeriod>{ttl}</sy:updatePeriod>"
    hints = read(rss("", channel)).hints
    assert (hints.ttl, hints.update_period) == (None, None)


# --- fingerprints ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "again",
    [
        item(more="<description>  Hello\n world</description>"),
        item(more="<description><![CDATA[<p>Hello <b>world</b></p>]]></description>"),
        item(more="<!-- x --><description>Hello world</description><pubDate>Mon, 01 Jan 2024 00:00:00 GMT</pubDate>"),
        item(more="<slash:comments>7</slash:comments><description>Hello world</description><dc:date>2020</dc:date>"),
        item(more='<description>Hello world</description><enclosure url="http://cdn/x?sig=2" length="1" type="a/b"/>'),
        item(
            more="<description>&lt;script nonce='7'>f(7)&lt;/script>Hello&lt;style>a{b}&lt;/style> world</description>"
        ),
    ],
    ids=["white space", "markup", "stamp", "comment count", "signed enclosure", "nonce"],
)
def test_f5_what_a_reader_does_not_see_is_no_edit(again: str) -> None:
    """F5"""
    first = only(read(rss(item(more="<description>Hello world</description>"))))
    assert only(read(rss(again, "<lastBuildDate>x</lastBuildDate>"))).fingerprint == first.fingerprint


@pytest.mark.parametrize(
    "again",
    [
        item("Two", more="<description>Hello world</description>"),
        item(more="<description>Hello, world</description>"),
        item(more="<description>Hello world</description><content:encoded>Hello all the world</content:encoded>"),
        item(),
    ],
)
def test_f5_another_title_or_text_is_an_edit(again: str) -> None:
    """F5"""
    first = only(read(rss(item(more="<description>Hello world</description>"))))
    assert only(read(rss(again))).fingerprint != first.fingerprint


# --- hostile documents ----------------------------------------------------------------------------------------


def test_f3_a_body_that_is_the_name_of_a_file_opens_no_file(tmp_path: Path) -> None:
    """F3"""
    secret = tmp_path / "feed.xml"
    secret.write_text(rss(item("secret")))
    for name in (str(secret), f"file://{secret}"):
        with pytest.raises(DocumentError, match="text that begins"):
            read(name, "application/rss+xml")


def test_f3_external_entities_read_no_file_and_make_no_request(tmp_path: Path) -> None:
    """F3"""
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        reached = threading.Event()

        def accept() -> None:
            try:
                listener.accept()[0].close()
                reached.set()
            except TimeoutError:
                return

        thread = threading.Thread(target=accept)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        for subset in (
            f'<!ENTITY f SYSTEM "{secret.as_uri()}"><!ENTITY r SYSTEM "{url}">',
            f'<!ENTITY % f SYSTEM "{secret.as_uri()}"><!ENTITY % r SYSTEM "{url}"> %f; %r;',
        ):
            document = read(rss(item("&f;&r;"), head=f'<!DOCTYPE rss SYSTEM "{url}" [{subset}]>'))
            assert only(document).title == "&f;&r;"
            assert document.defect
        thread.join()
    assert not reached.is_set()


@pytest.mark.parametrize("form", ["strict", "loose", "json"])
def test_f3_the_entries_of_one_document_are_bounded(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """F3"""
    for module in (feedparser_driver, jsonfeed):
        monkeypatch.setattr(module, "MOST_ENTRIES", 10)
    for number in (10, 11, 30):
        items = "".join(item(str(n), f"g{n}") for n in range(number))
        feed = {"title": "T", "items": [{"id": f"g{n}", "url": "/"} for n in range(number)]}
        text = json.dumps(feed) if form == "json" else rss(items, "<b>" if form == "loose" else "")
        document = read(text)
        assert [entry.id for entry in document.entries] == [f"g{n}" for n in range(10)]
        if form != "loose":
            assert (document.defect is not None and "more than" in document.defect) == (number > 10)


def test_f3_a_large_feed_is_read() -> None:
    """F3: 20,000 entries, in time that grows with their number"""
    start = time.process_time()
    document = read(rss("".join(item(str(n), f"g{n}") for n in range(20_000))))
    assert len(document.entries) == 20_000
    assert time.process_time() - start < 20


@pytest.mark.parametrize("breakage", ["", "<b>"], ids=["strict", "loose"])
def test_f3_a_billion_laughs_are_not_laughed(breakage: str) -> None:
    """F3"""
    entities = '<!ENTITY l0 "lol">' + "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
    start = time.process_time()
    document = read(rss(item("&l11;&l0;"), breakage, f"<!DOCTYPE rss [{entities}]>"))
    assert time.process_time() - start < 2
    assert only(document).title == "&l11;lol"


def test_f3_a_quadratic_blow_up_is_refused() -> None:
    """F3"""
    head = f'<!DOCTYPE rss [<!ENTITY a "{"x" * 190}">]>'
    with pytest.raises(DocumentError, match="expand beyond all measure"):
        read(rss(item("&a;" * 20_000), head=head))


def test_the_entities_of_the_old_netscape_document_type_are_known() -> None:
    head = '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd">'
    document = read(rss(item("caf&eacute;"), head=head))
    assert only(document).title == "café"


@pytest.mark.parametrize(
    "text",
    [
        "<rss>" + "<a>" * 20_000,
        "<rss><channel>" + "<item>" * 5_000,
        "<rss><channel><item><title>&#99999999999999999999;&#xFFFFFFFF;</title></item>",
        "<rss " + "a='" * 2_000,
        "<feed>" + "<![CDATA[" * 2_000,
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><content type="xhtml">' + "<div>" * 2_000,
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><content mode="base64" type="x">%%%</content></entry>',
        "<rss><channel><item><pubDate>" + "9" * 5_000 + "</pubDate></item></channel></rss>",
        '{"version": "https://jsonfeed.org/version/1", "items": [1, null, {"id": 7, "title": ["x"]}]}',
        '{"version": "https://jsonfeed.org/version/1", "items": [{"id": "\\ud800", "title": "\\ud800"}]}',
    ],
)
def test_f4_no_document_brings_the_parser_down(text: str) -> None:
    """F4"""
    start = time.process_time()
    with contextlib.suppress(DocumentError):
        read(text)
    assert time.process_time() - start < 3


def test_a_json_id_may_be_a_number() -> None:
    items = '[{"id": 7, "content_html": "<p>x", "date_published": "2024-01-01T01:00:00+01:00"}]'
    document = read(f'{{"version": "https://jsonfeed.org/version/1", "items": {items}}}')
    assert (only(document).id, only(document).published, document.version) == ("7", "2024-01-01T00:00:00Z", "json1")


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ('{"title": "T", "items": [{"id": "1", "title": "One", "url": "/1"}]}', ["One"]),
        ('{"title": "T", "version": "1.0", "items": [{"id": "1", "title": "One", "content_text": "x"}]}', ["One"]),
        ('{"title": "T", "items": []}', []),
    ],
)
def test_a_json_feed_without_a_version_is_read(text: str, titles: list[str]) -> None:
    document = read(text)
    assert (document.title, [entry.title for entry in document.entries]) == ("T", titles)


@pytest.mark.parametrize(
    "text", ['{"items": []}', '{"title": "T"}', '{"title": "T", "items": [1]}', '{"title": "T", "items": [{"id": 1}]}']
)
def test_b5_other_json_is_no_feed(text: str) -> None:
    """B5"""
    with pytest.raises(DocumentError, match="not a JSON Feed"):
        read(text)


@pytest.mark.parametrize("stamp", ["<pubDate>Fri, 01 Jan 0999 00:00:00 GMT</pubDate>", "<dc:date>0999-01-01</dc:date>"])
def test_a_year_has_four_digits(stamp: str) -> None:
    assert str(only(read(rss(item(more=stamp)))).published).startswith("0999-01-01T")
    dated = '{"title": "T", "items": [{"url": "/", "date_published": "0999-01-01T00:00:00Z"}]}'
    assert only(read(dated)).published == "0999-01-01T00:00:00Z"


CONTENT = "<content:encoded><![CDATA[<p>The <b>whole</b> text.</p>]]></content:encoded>"
TEXTS = {
    "rss summary": (
        rss(item(more="<description>Tea &lt;b&gt;now&lt;/b&gt;</description><dc:creator>Ann</dc:creator>")),
        ("Tea now", "Ann", (), "Tea <b>now</b>", "text/html"),
    ),
    "rss summary and content": (
        rss(item(more=f"<description>Short.</description>{CONTENT}<category>a</category><category>b</category>")),
        ("Short.", None, ("a", "b"), "<p>The <b>whole</b> text.</p>", "text/html"),
    ),
    "an image, then content": (
        rss(item(more=f"<description>&lt;img src='x'&gt;</description>{CONTENT}")),
        ("The whole text.", None, (), "<p>The <b>whole</b> text.</p>", "text/html"),
    ),
    "atom": (
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><author><name>Ann</name></author>'
        '<author><name>Bob</name></author><category term="t" label="Tea"/><category term="c"/>'
        '<summary>1 &lt; 2</summary><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Longer than'
        " that</p></div></content></entry></feed>",
        ("1 < 2", "Ann, Bob", ("Tea", "c"), "<p>Longer than that</p>", "application/xhtml+xml"),
    ),
    "json": (
        '{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "content_html": "<p>Tea", '
        '"authors": [{"name": "Ann"}, 7, {"name": "Bob"}], "tags": ["t", 1, "t"]}]}',
        ("Tea", "Ann, Bob", ("t",), "<p>Tea", "text/html"),
    ),
    "json 1.0": (
        '{"version": "https://jsonfeed.org/version/1", "items": [{"id": "1", "content_text": "a <b>", "author": '
        '{"name": "Ann"}}]}',
        ("a", "Ann", (), "a <b>", "text/plain"),
    ),
    "nothing": (rss(item()), (None, None, (), None, None)),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_texts_author_and_categories_of_an_entry_are_for_reports(text: str, expected: tuple[object, ...]) -> None:
    entry = only(read(text))
    assert (entry.summary, entry.author, entry.categories, entry.content, entry.content_type) == expected


@pytest.mark.parametrize("end", ["", "<a href='", "&am"])
def test_a_summary_is_the_beginning_of_a_long_text_without_a_tag_that_is_cut_off(end: str) -> None:
    markup = ("<i title='as long as titles are'>tea</i> " * 97).ljust(4_000 - len(end)) + end + "x" * 9_000
    summary = only(read(rss(item(more=f"<description><![CDATA[{markup}]]></description>")))).summary
    assert summary == " ".join(["tea"] * 97)


def test_a_summary_has_at_most_500_characters() -> None:
    summary = only(read(rss(item(more=f"<description>{'tea ' * 300}</description>")))).summary
    assert summary == "tea " * 124 + "tea…"
