"""Feeds as values, and `parse_feed`."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from condget import DocumentError, Feed, SubscriptionError, parse_feed
from condget.feeds.feed import subscription_of
from condget.feeds.feed_options import Options
from condget.feeds.subscriptions import parse_list

URL = "https://example.org/feed.xml"


@pytest.mark.parametrize(
    ("feed", "line"),
    [
        (Feed(URL), URL),
        (Feed(URL, name="Tea"), f"{URL} name=Tea"),
        (Feed("https://ann:pw@example.org/#x"), "https://ann:pw@example.org/"),
        (Feed(URL, every="6h", timeout="10s"), f"{URL} every=6h timeout=10s"),
        (Feed(URL, every=21_600, timeout=10), f"{URL} every=6h timeout=10s"),
        (Feed(URL, every=timedelta(hours=6), timeout=timedelta(seconds=10)), f"{URL} every=6h timeout=10s"),
        (Feed(URL, headers={"X-Key": "@env:KEY"}), f"{URL} header=X-Key:@env:KEY"),
        (Feed(URL, headers=[("A", "1"), ("A", "2")]), f"{URL} header=A:1 header=A:2"),
        (Feed(URL, validators="etag", user_agent="me/1"), f"{URL} validators=etag user-agent=me/1"),
        (Feed(URL, private_network=True), f"{URL} private-network=yes"),
        (Feed(URL, pause=True), f"{URL} pause=yes"),
        (Feed(URL, pause=date(2027, 1, 1)), f"{URL} pause=2027-01-01"),
        (Feed(URL, pause="2027-01-01"), f"{URL} pause=2027-01-01"),
        (Feed(URL, max_size="50MB", parse_timeout="5m"), f"{URL} max-size=50MB parse-timeout=5m"),
        (Feed(URL, max_size=50_000_000, parse_timeout=300), f"{URL} max-size=50MB parse-timeout=300"),
        (Feed(URL, parallel=4), f"{URL} parallel=4"),
    ],
)
def test_a_feed_says_what_a_line_of_a_list_says(feed: Feed, line: str) -> None:
    (listed,) = parse_list(line, "feeds.txt")
    made = subscription_of(feed)
    assert (made.url, made.userinfo, made.name, made.options) == (
        listed.url,
        listed.userinfo,
        listed.name,
        listed.options,
    )


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ({"url": "file:///etc/passwd"}, "scheme"),
        ({"every": "6"}, "6"),
        ({"every": 0}, "0 is not a length of time above zero"),
        ({"timeout": float("inf")}, "inf is not a length"),
        ({"timeout": timedelta(0)}, "is not a length"),
        ({"validators": "some"}, "choice of validators"),
        ({"headers": {"Cookie": "a=b"}}, "no cookies"),
        ({"headers": {"X-Key": "s3cret\x00"}}, "cannot be sent"),
        ({"user_agent": ""}, "user-agent"),
        ({"pause": "soon"}, "a date such as"),
    ],
)
def test_a_feed_that_cannot_be_polled_is_refused_without_its_secrets(arguments: dict[str, Any], cause: str) -> None:
    """D9, F12"""
    with pytest.raises(SubscriptionError, match=cause) as raised:
        subscription_of(Feed(**{"url": "https://ann:s3cret@example.org/"} | arguments))
    assert "s3cret" not in str(raised.value)


def test_f12_a_feed_shows_no_secret() -> None:
    """F12"""
    shown = repr(Feed("https://ann:s3cret@example.org/", name="Ann", headers={"X-Key": "s3cret"}))
    assert shown == "Feed('https://example.org/', name='Ann')"
    assert subscription_of(Feed(URL)).options == Options()


def test_a_feed_is_parsed_without_a_request() -> None:
    document = parse_feed(b"<rss><channel><title>T\xe9a</title><item><link>/1</link></item></channel></rss>", None, URL)
    assert (document.title, [entry.link for entry in document.entries]) == ("Téa", ["https://example.org/1"])
    assert parse_feed(b"<rss><channel><title>\xd0</title></channel></rss>", "text/xml; charset=koi8-r").title == "п"
    with pytest.raises(DocumentError, match="HTML page"):
        parse_feed(b"<html><title>x</title></html>")
    with pytest.raises(TypeError, match="takes the bytes of a document, not str"):
        parse_feed("<rss/>")  # type: ignore[arg-type]
