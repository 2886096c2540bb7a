"""Lists of feeds: what is read, what is refused by line, what of a URL changes."""

from __future__ import annotations

import pickle

import pytest

from condget.errors import SubscriptionError
from condget.feeds.subscriptions import Options, merge, parse_list, read_list, single


def urls(data: bytes | str) -> list[str]:
    return [subscription.url for subscription in parse_list(data, "feeds.txt")]


def refusal(line: str) -> str:
    with pytest.raises(SubscriptionError) as caught:
        parse_list(f"# a comment\n{line}\n", "feeds.txt")
    return str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        b'# caf\xe9\nhttps://a.example/\nhttps://b.example/x # caf\xe9 "\n',
        b"https://a.example/\nhttps://b.example/x\n",
        b"https://a.example/\r\nhttps://b.example/x\r\n",
        b"https://a.example/\rhttps://b.example/x",
        b"\xef\xbb\xbfhttps://a.example/\nhttps://b.example/x",
        "https://a.example/\nhttps://b.example/x".encode("utf-16"),
        "\ufeffhttps://a.example/\n\n  # note\n\thttps://b.example/x # behind\n",
    ],
    ids=["latin-1 comments", "lf", "crlf", "cr", "utf-8 mark", "utf-16", "blank lines, comments, indents"],
)
def test_a_list_is_a_url_per_line(data: bytes | str) -> None:
    assert urls(data) == ["https://a.example/", "https://b.example/x"]


def test_a_source_names_file_and_line() -> None:
    (only,) = parse_list("\n# x\nhttps://a.example/\n", "feeds.txt")
    assert only.source == "feeds.txt:3"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org:8080/A%2fb?b=2&a=1&&c=%20+;x='\"",
        "https://example.org//double//slash/../up?",
        "http://[2001:db8::1]:81/x",
        "http://127.0.0.1/feed",
        "http://under_score.example./",
    ],
)
def test_d2_a_target_is_byte_identical(url: str) -> None:
    """D2"""
    assert urls(url) == [url]
    assert single(url).url == url


@pytest.mark.parametrize(
    ("written", "target"),
    [
        ("https://a.example/x#top", "https://a.example/x"),
        ("https://u:p@a.example/x?y#", "https://a.example/x?y"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://BÜCHER.example:444/%7Ex", "https://xn--bcher-kva.example:444/%7Ex"),
        ("https://a.example/p\u00e4th?q=\u65e5%20", "https://a.example/p%C3%A4th?q=%E6%97%A5%20"),
        ("feed://a.example/x", "http://a.example/x"),
        ("feed:https://a.example/x", "https://a.example/x"),
    ],
    ids=["fragment", "userinfo", "idn", "idn with port", "beyond ascii", "feed scheme", "feed prefix"],
)
def test_d8_d9_only_what_cannot_be_sent_is_changed(written: str, target: str) -> None:
    """D8, D9"""
    assert urls(written) == [target]


def test_d8_userinfo_is_kept_apart_and_out_of_sight() -> None:
    """D8"""
    subscription = single("https://ann:s%40crt@a.example/x")
    assert subscription.credentials == ("ann", "s@crt")
    assert "s%40crt" not in repr(subscription)
    assert "ann" not in subscription.key
    assert subscription.key.startswith("https://a.example/x#user=")
    assert subscription.key == single("https://ann:other@a.example/x").key
    assert subscription.key != single("https://bob:s%40crt@a.example/x").key
    assert single("https://a.example/x").key == "https://a.example/x"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("https://a.example/a b", "a space inside a URL is written %20"),
        ("https://a.example/a\x01b", "control character (U+0001)"),
        ("https://a.example/a\u00a0b", "(U+00A0)"),
        ("https://a.example/\u200b", "(U+200B)"),
        ("https://a.example/\x7f", "(U+007F)"),
        ("file:///etc/passwd", 'the scheme "file" is refused'),
        ("ftp://a.example/", 'the scheme "ftp" is refused'),
        ("javascript:alert(1)", 'the scheme "javascript" is refused'),
        ("a.example/feed", "begins with http:// or https://"),
        ("https:///x", "no host"),
        ("https://", "no host"),
        ("http:x", "no host"),
        ("https://u:p@/x", "no host"),
        ("https://a.example:0/", "1 to 65535"),
        ("https://a.example:65536/", "1 to 65535"),
        ("https://a.example:x/", "1 to 65535"),
        ("https://a.example:/", "1 to 65535"),
        ("https://a..example/", "not a host name"),
        ("https://a.example\\@b.example/x\\", "not a host name"),
        ("https://[::1/", "not an IPv6 address"),
        ("https://[x]/", "not an IPv6 address"),
        ("https://" + "ü" * 80 + ".example/", "internationalized"),
        ("https://a.example/ every", "key=value"),
        ("https://a.example/ evry=6h", 'unknown option "evry"'),
        ("https://a.example/ every=soon", '"soon" is not a duration'),
        ("https://a.example/ every=0", "not a duration"),
        ("https://a.example/ every=6", '"6" has no unit; write 6s, 6m, 6h, 6d or 6w'),
        ("https://a.example/ every=1h every=2h", "given twice"),
        ("https://a.example/ validators=all", "not a choice of validators"),
        ("https://a.example/ private-network=perhaps", "say yes or no"),
        ('https://a.example/ name="open', "not closed"),
        ("https://a.example/ max-size=0", 'write a size such as "50MB"'),
        ("https://a.example/ max-size=5m", 'write a size such as "50MB"'),
        ("https://a.example/ parse-timeout=never", "not a duration"),
        ("https://a.example/ parallel=0", "how many requests at a time"),
        ("https://a.example/ header=nocolon", "Name:value"),
        ("https://a.example/ header=Cookie:a=b", "header=Cookie: the poller sends no cookies"),
        ("https://a.example/ header=User-Agent:me", "write user-agent="),
        ("https://a.example/ header=If-None-Match:x", "header=If-None-Match"),
        ("https://a.example/ header='X-Key:s\u20accret'", "cannot be sent"),
        ("https://a.example/ header=X-Key:@env:", "@env: is not followed by the name of a variable"),
        ("https://a.example/ header=X-Key:@file:", "@file: is not followed by the name of a file"),
        ("https://a.example/ user-agent=", "cannot be sent"),
    ],
)
def test_d9_a_bad_line_is_refused_by_number(line: str, reason: str) -> None:
    """D9"""
    text = refusal(line)
    assert text.startswith("feeds.txt:2: ")
    assert reason in text


def test_d9_a_bad_line_costs_that_line() -> None:
    """D9"""
    feeds = read_list("nonsense\nhttps://good.example/\nfile:///x every=1h\n", "feeds.txt")
    assert [feed.url for feed in feeds.subscriptions] == ["https://good.example/"]
    assert [(line.source, line.written) for line in feeds.refused] == [
        ("feeds.txt:1", "nonsense"),
        ("feeds.txt:3", "file:///x"),
    ]
    assert str(feeds.refused[1]).startswith('feeds.txt:3: the scheme "file" is refused')


def test_d9_a_list_without_bad_lines_can_be_demanded() -> None:
    """D9"""
    with pytest.raises(SubscriptionError) as caught:
        parse_list("nonsense\nhttps://good.example/\nfile:///x\n", "feeds.txt")
    assert [line[:12] for line in str(caught.value).splitlines()] == ["feeds.txt:1:", "feeds.txt:3:"]


@pytest.mark.parametrize("line", ["\x01", "\x1c", "\u2028", "'", '"', "#", "=", "a" * 100_000, "\udcff"], ids=ascii)
def test_d9_any_line_is_a_feed_a_comment_or_refused(line: str) -> None:
    """D9"""
    feeds = read_list(f"{line}\nhttps://good.example/\nhttps://good.example/2 {line}", "f")
    assert feeds.subscriptions[0].url == "https://good.example/"


@pytest.mark.parametrize(
    "line", ["https://u:hunter2@:x/", "https://u:hunter2@a.example/ a b", "https://a.example/ header=A:hunter2\x02"]
)
def test_f9_a_refusal_holds_no_secret(line: str) -> None:
    """F9"""
    assert "hunter2" not in refusal(line)


def test_bytes_that_are_no_text_are_refused_by_line() -> None:
    feeds = read_list(b"https://a.example/\nhttps://b.example/\xff\nhttps://c.example/ name=\xff\n", "f")
    assert [feed.url for feed in feeds.subscriptions] == ["https://a.example/"]
    assert [str(line) for line in feeds.refused] == [
        f"f:{number}: not UTF-8 text; save the list as UTF-8" for number in (2, 3)
    ]


def test_options_follow_the_url() -> None:
    (feed,) = parse_list(
        """https://a.example/#top every=6h name="My \\"own\\" feed" validators=etag header=X-Key:@env:KEY """
        """header='Accept-Language: de, en' timeout=90 user-agent=me\\ 1.0 private-network=yes max-size=50MB """
        """parse-timeout=5m parallel=4 # why""",
        "f",
    )
    assert feed.name == 'My "own" feed'
    assert feed.options == Options(
        every=21_600,
        validators="etag",
        headers=(("X-Key", "@env:KEY"), ("Accept-Language", "de, en")),
        timeout=90,
        user_agent="me 1.0",
        private_network=True,
        max_size=50_000_000,
        parse_timeout=300,
        parallel=4,
    )
    assert "@env" not in repr(feed)
    assert pickle.loads(pickle.dumps(feed)) == feed


def test_b9_a_duplicate_counts_once_and_the_first_wins() -> None:
    """B9"""
    one = parse_list("https://a.example/ every=1h\nhttps://b.example/\nhttps://a.example/#frag every=2h", "one")
    two = parse_list("https://b.example/\nhttps://c.example/", "two")
    merged = merge([one, two])
    assert [(feed.url, feed.source) for feed in merged] == [
        ("https://a.example/", "one:1"),
        ("https://b.example/", "one:2"),
        ("https://c.example/", "two:2"),
    ]


def test_single_says_where_a_url_came_from() -> None:
    assert single(" https://a.example/ ").source == "command line"
    with pytest.raises(SubscriptionError, match="command line: the scheme"):
        single("file:///etc/passwd")


def test_an_empty_list_is_a_list() -> None:
    assert parse_list(b"", "f") == ()
    assert parse_list(b"# nothing yet\n", "f") == ()


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("http://example.org", "http://example.org/"),
        ("HTTP://Example.ORG/A?B=c", "http://example.org/A?B=c"),
        ("https://example.org?a=/B", "https://example.org/?a=/B"),
        ("https://EXAMPLE.org:8080#top", "https://example.org:8080/"),
        ("http://[2001:DB8::1]/X", "http://[2001:db8::1]/X"),
    ],
)
def test_d9_spellings_of_a_url_are_one_feed(written: str, url: str) -> None:
    """D9, B9: scheme, host, an empty path and a fragment."""
    assert urls(written) == [url]
