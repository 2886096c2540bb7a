"""Lists from OPML to text and back: folders, names, options."""

from __future__ import annotations

import pytest

from condget.errors import SubscriptionError
from condget.feeds.list_conversion import opml_of_text, text_of_opml
from condget.feeds.subscriptions import Subscription, parse_list, read_list

OPML = """<opml version="2.0"><body>
<outline text="Top" xmlUrl="https://top.example/feed"/>
<outline text="Tech">
  <outline text='Py "3" \\ &amp; co' xmlUrl="https://py.example/feed?a=1&amp;b=2" every="6h"/>
  <outline title="Web">
    <outline text="https://web.example/feed" xmlUrl="https://web.example/feed" header="A: 1&#10;B: @env:B"/>
  </outline>
  <outline text="Back in Tech" xmlUrl="https://back.example/feed"/>
</outline>
<outline text="Off" xmlUrl="https://off.example/feed" disabled="true"/>
<outline text="Filter" xmlUrl="exec:~/bin/feed"/>
</body></opml>"""

TEXT = r"""https://top.example/feed name=Top

## Tech
https://py.example/feed?a=1&b=2 name="Py \"3\" \\ & co" every=6h

### Web
https://web.example/feed header="A: 1" header="B: @env:B"

## Tech
https://back.example/feed name="Back in Tech"

##
https://off.example/feed name=Off pause=yes
# not polled, since it is not HTTP: exec:~/bin/feed name=Filter
"""


def _facts(subscriptions: tuple[Subscription, ...]) -> set[tuple[object, ...]]:
    return {(feed.url, feed.userinfo, feed.name, feed.options) for feed in subscriptions}


def test_opml_becomes_text_with_headings() -> None:
    assert text_of_opml(OPML.encode(), "l.opml") == TEXT


def test_text_becomes_opml_with_folders() -> None:
    opml = opml_of_text(TEXT.encode(), "l", {"https://web.example/feed": "The Web"})
    assert opml.splitlines()[3:] == [
        "  <body>",
        '    <outline type="rss" text="Top" xmlUrl="https://top.example/feed"/>',
        '    <outline type="rss" text="Off" xmlUrl="https://off.example/feed" pause="yes"/>',
        '    <outline text="Tech">',
        '      <outline type="rss" text="Py &quot;3&quot; \\ &amp; co" '
        'xmlUrl="https://py.example/feed?a=1&amp;b=2" every="6h"/>',
        '      <outline type="rss" text="Back in Tech" xmlUrl="https://back.example/feed"/>',
        '      <outline text="Web">',
        '        <outline type="rss" text="The Web" xmlUrl="https://web.example/feed" header="A: 1&#10;B: @env:B"/>',
        "      </outline>",
        "    </outline>",
        "  </body>",
        "</opml>",
    ]


def test_feeds_names_and_options_survive_the_way_there_and_back() -> None:
    text = (
        'https://ann:pw%20@e.example/\u00e9 name="A  \\"b\\" \u00e9" every=90m validators=etag\n'
        "http://192.0.2.7/x timeout=5s user-agent='me/1 (x)' private-network=yes "
        "header=X-K:@file:~/k pause=2027-01-01\n"
    )
    there = opml_of_text(text.encode(), "l", {})
    back = text_of_opml(there.encode(), "l.opml")
    first, second = parse_list(text, "l")
    expected = _facts((Subscription(first.url, first.userinfo, "", 'A "b" \u00e9', first.options),))
    for form in (there, back):
        read = parse_list(form, "l")
        assert _facts(read[:1]) == expected
        assert (read[1].url, read[1].options) == (second.url, second.options)


def test_a_list_of_text_survives_opml() -> None:
    assert _facts(read_list(TEXT, "l").subscriptions) >= _facts(
        parse_list(text_of_opml(opml_of_text(TEXT.encode(), "l", {}).encode(), "m"), "m")[:1]
    )


def test_a_bad_line_is_named() -> None:
    with pytest.raises(SubscriptionError, match=r"^l:2: a quotation mark is not closed$"):
        opml_of_text(b'https://a.example/\nhttps://b.example/ name="x', "l", {})


def test_control_characters_of_titles_are_left_out() -> None:
    text = text_of_opml(
        b'<opml><body><outline text="a&#10;b\xc2\x9bc" xmlUrl="https://a.example/"/></body></opml>', "l"
    )
    assert text == 'https://a.example/ name="a bc"\n'
