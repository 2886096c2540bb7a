"""Feeds as text: an RSS, an Atom and an RDF frame, and items for them."""

from __future__ import annotations

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


#: Markup that leaves something behind in feedparser: in its stacks, counters and namespaces.
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
