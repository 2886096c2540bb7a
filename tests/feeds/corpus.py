"""Feeds in the shapes that publishing systems give them: a frame and an item of each, with texts of our own.

`SHAPES` holds the well-formed shapes; a document of a shape is made of any numbers of items. `WRITINGS` are other ways
to write a document that says the same. `ODD` holds documents as they should not be, and are.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape

TEXT = """the river was low in “dry” years and nobody’s boat could pass – except Zoë’s, which drew 10 cm; so she carried
flour, salt & letters past the mill at Łódź every Tuesday, 5 < 6 times a month, for a naïve price of 3 € a trip"""
WORDS = TEXT.split()


def words(seed: object, count: int) -> str:
    """Return as many words, the same for a seed; some are not ASCII, some hold characters that markup escapes."""
    return " ".join(random.Random(str(seed)).choices(WORDS, k=count))


def paragraphs(number: int, count: int = 3) -> str:
    """Return an article as HTML."""
    return "".join(
        f'<p class="c{n}">{escape(words((number, n), 40), quote=False)} <a href="/a/{number}/{n}">more</a>, '
        f'<em>really</em>.</p>\n<img src="https://img.example/{number}/{n}.jpg?w=640&amp;h=480" alt=""/>\n'
        for n in range(count)
    )


def cdata(text: str) -> str:
    return f"<![CDATA[{text}]]>"


def rfc822(number: int) -> str:
    return f"{1 + number % 28:02} Mar 2025 {number % 24:02}:10:00 GMT"


def rfc3339(number: int) -> str:
    return f"2025-03-{1 + number % 28:02}T{number % 24:02}:10:00Z"


@dataclass(frozen=True, slots=True)
class Shape:
    frame: str
    item: Callable[[int], str]

    def document(self, numbers: Iterable[int]) -> str:
        return self.frame.replace("{items}", "\n".join(map(self.item, numbers)))


def _title(number: int) -> str:
    return escape(f"No. {number}: {words(number, 5)}", quote=False)


def _wordpress(n: int) -> str:
    return f"""<item>
    <title>{_title(n)}</title>
    <link>https://blog.example/2025/{n}/</link>
    <comments>https://blog.example/2025/{n}/#comments</comments>
    <dc:creator><![CDATA[Zoë B.]]></dc:creator>
    <pubDate>{rfc822(n)}</pubDate>
    <category><![CDATA[Rivers]]></category><category><![CDATA[Boats & more]]></category>
    <guid isPermaLink="false">https://blog.example/?p={n}</guid>
    <description>{cdata("<p>" + escape(words((n, "s"), 30), quote=False) + " [&#8230;]</p>")}</description>
    <content:encoded>{cdata(paragraphs(n, 6))}</content:encoded>
    <wfw:commentRss>https://blog.example/2025/{n}/feed/</wfw:commentRss>
    <slash:comments>{n % 7}</slash:comments>
    <media:content url="https://img.example/{n}.jpg" medium="image">
      <media:title type="html">pic</media:title></media:content>
  </item>"""


def _podcast(n: int) -> str:
    return f"""<item><title>{_title(n)}</title><itunes:title>Episode {n}</itunes:title>
    <description>{escape(paragraphs(n, 1))}</description>
    <itunes:summary>{escape(words((n, "i"), 30))}</itunes:summary><itunes:author>Zoë</itunes:author>
    <itunes:duration>00:{n % 60:02}:00</itunes:duration><itunes:explicit>no</itunes:explicit>
    <itunes:image href="https://img.example/{n}.png"/><itunes:keywords>river,boat</itunes:keywords>
    <guid isPermaLink="false">urn:uuid:episode-{n}</guid><pubDate>{rfc822(n)}</pubDate>
    <enclosure url="https://cdn.example/{n}.mp3?sig={n}" length="{n}000" type="audio/mpeg"/>
    <podcast:transcript url="https://cdn.example/{n}.vtt" type="text/vtt"/></item>"""


def _youtube(n: int) -> str:
    return f"""<entry><id>yt:video:vid{n}</id><yt:videoId>vid{n}</yt:videoId><yt:channelId>ch</yt:channelId>
    <title>{_title(n)}</title><link rel="alternate" href="https://video.example/watch?v=vid{n}"/>
    <author><name>Zoë</name><uri>https://video.example/ch</uri></author>
    <published>{rfc3339(n)}</published><updated>{rfc3339(n + 1)}</updated>
    <media:group><media:title>{_title(n)}</media:title>
     <media:content url="https://video.example/v/vid{n}" type="application/x-shockwave-flash" width="640" height="390"/>
     <media:thumbnail url="https://img.example/vid{n}.jpg" width="480" height="360"/>
     <media:description>{escape(words((n, "d"), 50))}</media:description>
     <media:community><media:starRating count="{n}" average="5.00" min="1" max="5"/>
      <media:statistics views="{n * 7}"/></media:community></media:group></entry>"""


def _blogger(n: int) -> str:
    return f"""<entry gd:etag='W/"{n}"'><id>tag:blogger.example,1999:blog-1.post-{n}</id>
    <published>{rfc3339(n)}</published><updated>{rfc3339(n + 2)}</updated><category scheme="x" term="Rivers"/>
    <title type="text">{_title(n)}</title><content type="html">{escape(paragraphs(n, 2))}</content>
    <link rel="replies" type="application/atom+xml" href="https://b.example/{n}/comments"/>
    <link rel="edit" type="application/atom+xml" href="https://b.example/edit/{n}"/>
    <link rel="alternate" type="text/html" href="https://b.example/{n}.html" title="{_title(n)}"/>
    <author><name>Zoë</name><email>zoe@b.example</email><gd:image rel="x" src="i.png"/></author>
    <thr:total>{n % 5}</thr:total></entry>"""


def _xhtml(n: int) -> str:
    body = re.sub(r"<img ([^>]*)/>", r"<img \1/>", paragraphs(n, 2))
    return f"""<entry><id>urn:x:{n}</id><title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">{_title(n)}</div></title>
    <link href="posts/{n}"/><updated>{rfc3339(n)}</updated>
    <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">{body}</div></content></entry>"""


def _planet(n: int) -> str:
    return f"""<entry xml:base="https://blog{n % 3}.example/" xml:lang="en"><id>https://blog{n % 3}.example/{n}</id>
    <title type="html">{escape(_title(n))}</title><link href="{n}"/><updated>{rfc3339(n)}</updated>
    <content type="html">{escape(paragraphs(n, 1))}</content>
    <source><id>https://blog{n % 3}.example/atom</id><title>Blog {n % 3}</title><link href="/"/>
      <updated>{rfc3339(n)}</updated></source></entry>"""


def _rdf(n: int) -> str:
    return f"""<item rdf:about="https://news.example/story/{n}"><title>{_title(n)}</title>
    <link>https://news.example/story/{n}?from=rss&amp;x=1</link>
    <description>{escape(words((n, "d"), 40))}</description><dc:creator>zoë</dc:creator><dc:date>{rfc3339(n)}</dc:date>
    <dc:subject>rivers</dc:subject><slash:section>river</slash:section><slash:comments>{n}</slash:comments></item>"""


def _quakes(n: int) -> str:
    return f"""<entry><id>urn:quake:{n}</id><title>M {n % 8}.{n % 10} - {_title(n)}</title>
    <updated>{rfc3339(n)}</updated>
    <link rel="alternate" type="text/html" href="https://quake.example/{n}"/>
    <summary type="html">{cdata(f"<dl><dt>Depth</dt><dd>{n} km</dd></dl>")}</summary>
    <georss:point>{n % 80}.5 -{n % 170}.25</georss:point><georss:elev>-{n}</georss:elev>
    <geo:lat>{n % 80}.5</geo:lat><category label="Age" term="Past Hour"/></entry>"""


def _microblog(n: int) -> str:
    return f"""<item><guid isPermaLink="true">https://social.example/@zoe/{n}</guid>
    <link>https://social.example/@zoe/{n}</link>
    <pubDate>{rfc822(n)}</pubDate><description>{escape("<p>" + escape(words((n, "d"), 20)) + "</p>")}</description>
    <media:content url="https://img.example/{n}.png" type="image/png">
      <media:rating scheme="urn:simple">nonadult</media:rating></media:content><category>boats</category></item>"""


def _bare(n: int) -> str:
    return f"""<item><title>{_title(n)}</title><description>{escape(words((n, "d"), 12))}</description>
    <pubDate>{rfc822(n)}</pubDate></item>"""


def _forum(n: int) -> str:
    return f"""<item><title>{_title(n)}</title><dc:creator>{cdata("@zoe")}</dc:creator>
    <description>{cdata(paragraphs(n, 2))}</description><link>https://forum.example/t/{n}</link>
    <discourse:topicPinned>No</discourse:topicPinned><pubDate>{rfc822(n)}</pubDate>
    <guid isPermaLink="false">forum.example-topic-{n}</guid><source url="https://forum.example/t/{n}.rss">{_title(n)}</source></item>"""


_RSS = '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"{ns}>\n<channel>{head}\n{items}\n</channel>\n</rss>\n'
_ATOM = (
    '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom"{ns}>{head}\n{items}\n</feed>\n'
)
_NAMESPACES = {
    "content": "http://purl.org/rss/1.0/modules/content/",
    "wfw": "http://wellformedweb.org/CommentAPI/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "atom": "http://www.w3.org/2005/Atom",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "media": "http://search.yahoo.com/mrss/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "yt": "http://www.youtube.com/xml/schemas/2015",
    "gd": "http://schemas.google.com/g/2005",
    "thr": "http://purl.org/syndication/thread/1.0",
    "georss": "http://www.georss.org/georss",
    "geo": "http://www.w3.org/2003/01/geo/wgs84_pos#",
    "discourse": "http://www.discourse.org/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "gml": "http://www.opengis.net/gml",
}


def namespaces(*prefixes: str) -> str:
    return "".join(f' xmlns:{prefix}="{_NAMESPACES[prefix]}"' for prefix in prefixes)


def rss(item: Callable[[int], str], *prefixes: str, head: str = "") -> Shape:
    head = f"<title>Rivers &amp; boats</title><link>https://blog.example/</link><description>By Zoë</description>{head}"
    return Shape(_RSS.replace("{ns}", namespaces(*prefixes)).replace("{head}", head), item)


def atom(item: Callable[[int], str], *prefixes: str, head: str = "") -> Shape:
    head = f"<id>urn:feed</id><title>Rivers &amp; boats</title><link href='/'/><updated>{rfc3339(27)}</updated>{head}"
    return Shape(_ATOM.replace("{ns}", namespaces(*prefixes)).replace("{head}", head), item)


SHAPES = {
    "wordpress": rss(
        _wordpress, "content", "wfw", "dc", "atom", "sy", "slash", "media",
        head='<atom:link href="https://blog.example/feed/" rel="self" type="application/rss+xml"/>'
        "<lastBuildDate>Fri, 28 Mar 2025 00:00:00 +0000</lastBuildDate><language>en-GB</language>"
        "<sy:updatePeriod> hourly </sy:updatePeriod><sy:updateFrequency> 1 </sy:updateFrequency>"
        "<image><url>https://blog.example/i.png</url><title>Icon</title><link>https://blog.example/</link></image>",
    ),
    "podcast": rss(
        _podcast, "itunes", "podcast", "atom",
        head="<ttl>90</ttl><itunes:owner><itunes:name>Zoë</itunes:name></itunes:owner>"
        '<itunes:image href="i.png"/><itunes:category text="Places"><itunes:category text="Rivers"/></itunes:category>',
    ),
    "youtube": atom(_youtube, "yt", "media", head="<yt:channelId>ch</yt:channelId>"),
    "blogger": atom(_blogger, "gd", "thr", head="<generator version='7'>B</generator>"),
    "xhtml": atom(_xhtml),
    "planet": atom(_planet),
    "rdf": Shape(
        '<?xml version="1.0"?>\n<rdf:RDF xmlns="http://purl.org/rss/1.0/"'
        + namespaces("rdf", "dc", "slash", "sy")
        + '><channel rdf:about="https://news.example/"><title>Rivers &amp; boats</title><link>https://news.example/</link>'
        "<sy:updatePeriod>hourly</sy:updatePeriod></channel>\n{items}\n</rdf:RDF>",
        _rdf,
    ),
    "quakes": atom(_quakes, "georss", "geo"),
    "microblog": rss(_microblog, "media"),
    "bare": rss(_bare, head="<skipHours><hour>3</hour></skipHours>"),
    "forum": rss(_forum, "dc", "discourse"),
}  # fmt: skip


def _escaped(text: str) -> str:
    return re.sub(r"<!\[CDATA\[(.*?)\]\]>", lambda match: escape(match[1], quote=False), text, flags=re.DOTALL)


def _renamed(text: str) -> str:
    for number, prefix in enumerate(_NAMESPACES):
        text = re.sub(rf"(</?|\s|\sxmlns:){prefix}(?=[:=])(?!://)", rf"\g<1>n{number}", text)
    return text


def _indented(text: str) -> str:
    return re.sub(r">\s*<(?!!)", ">\n    <", text)


def _declared(text: str, charset: str) -> bytes:
    text = re.sub(r"<\?xml[^>]*\?>", f"<?xml version='1.0' encoding='{charset}'?>", text)
    return text.encode(charset, "xmlcharrefreplace")


#: Other ways to write a document.
WRITINGS: dict[str, Callable[[str], bytes]] = {
    "utf-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "latin-1": lambda text: _declared(_escaped(text), "iso-8859-1"),
    "koi8-r": lambda text: _declared(_escaped(text), "koi8-r"),
    "indented": lambda text: _indented(text).encode(),
    "on one line": lambda text: re.sub(r">\s+<", "><", text).encode(),
    "escapes for CDATA": lambda text: _escaped(text).encode(),
    "other prefixes": lambda text: _renamed(text).encode(),
    "single quotes": lambda text: re.sub(r'(\s[\w:]+=)"([^"\'<>]*)"(?=[^<>]*>)', r"\1'\2'", text).encode(),
    "comments": lambda text: text.replace("<item", "<!-- - --><item").replace("<entry", "<!-- > --><entry").encode(),
    "Windows lines": lambda text: text.replace("\n", "\r\n").encode(),
    "without its end": lambda text: text.rstrip()[: text.rstrip().rindex("</")].encode(),
}

_ONE = SHAPES["wordpress"]
_TWO = _ONE.document([2, 1])


def _in_item(markup: str) -> str:
    return _TWO.replace("</item>", markup + "</item>")


#: Documents as they should not be, by what is odd about them.
ODD: dict[str, str | bytes] = {
    "no end tag": _TWO[: _TWO.rindex("</channel>")],
    "CDATA section left open": _TWO[: _TWO.rindex("]]>")],
    "one bad byte": _TWO.encode().replace(b"more</a>", b"mo\xe2\x80re</a>", 1),
    "text before the declaration": b"<b>Warning</b>: in x.php\n" + _declared(_escaped(_TWO), "iso-8859-1"),
    "in an HTML page": f"<html><head><title>F</title></head><body>{_TWO.partition('?>')[2]}</body></html>",
    "items behind the end": _TWO + _ONE.item(3),
    "a div behind the end": _TWO + "<div><p>Hosted</div>",
    "one entry": '<entry xmlns="http://www.w3.org/2005/Atom"><id>urn:1</id><title>One</title><link href="/1"/></entry>',
    "textInput in an item": _in_item("<textInput><title>t</title><link>http://x.example/</link></textInput>"),
    "position without a place": _in_item('<gml:pos xmlns:gml="http://www.opengis.net/gml">1 2</gml:pos>'),
    "image in an item": _in_item("<image><title>t</title><url>u</url><link>http://x.example/</link></image>"),
    "source in an item": _in_item('<source url="http://x.example/">S</source>'),
    "nonce in a script": _in_item("").replace("<p ", "<script nonce='7'>f(7)</script><p "),
    "year 999": re.sub(r"Mar 2025", "Mar 0999", _TWO),
    "stray ampersand": _TWO.replace("</title>\n", " & more</title>\n"),
    "HTML entities": _TWO.replace("</title>\n", " caf&eacute;&nbsp;&hellip;</title>\n"),
    "control character": _TWO.replace("</title>\n", "\x08</title>\n"),
    "undeclared prefix": _in_item("<x:y>z</x:y>"),
    "unclosed element": _in_item("<b>"),
    "two titles": _in_item("<title>Another</title>"),
    "foreign title": _in_item('<t:title xmlns:t="urn:t">Foreign</t:title>'),
    "Atom in RSS": _in_item("<atom:updated>2025-03-09T00:00:00Z</atom:updated><atom:summary>s</atom:summary>"),
    "no item": SHAPES["rdf"].document([]),
    "document type": '<!DOCTYPE rss [<!ENTITY own "my own">]>' + _TWO.partition("?>")[2].replace("No. ", "&own; "),
}
