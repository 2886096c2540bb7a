"""URLs and Locations: values in, values out."""

from __future__ import annotations

import pytest

from condget.errors import ForbiddenTarget
from condget.fetching.failures import Failure
from condget.fetching.targets import Target, parse, resolve


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://a.test", Target("http://a.test/", "http", "a.test", 80, b"/")),
        ("http://a.test/?", Target("http://a.test/?", "http", "a.test", 80, b"/?")),
        ("HTTPS://A.test:444/X#f", Target("https://a.test:444/X", "https", "a.test", 444, b"/X")),
        ("http://u:p@a.test/", Target("http://a.test/", "http", "a.test", 80, b"/", "u:p")),
        ("http://u@b@a.test/", Target("http://a.test/", "http", "a.test", 80, b"/", "u@b")),
        ("http://[::1]:8/é", Target("http://[::1]:8/é", "http", "::1", 8, b"/%C3%A9")),
        ("http://a_b.test./", Target("http://a_b.test./", "http", "a_b.test.", 80, b"/")),
        ("http://b%C3%BCcher.test/", Target("http://b%c3%bccher.test/", "http", "xn--bcher-kva.test", 80, b"/")),
    ],
)
def test_d2_d8_d9_a_url_is_taken_apart_without_being_changed(url: str, target: Target) -> None:
    assert parse(url) == target


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("http://a.test:80/", b"a.test"),
        ("https://a.test:80/", b"a.test:80"),
        ("http://[::1]/", b"[::1]"),
        ("http://bücher.test/", b"xn--bcher-kva.test"),
    ],
)
def test_the_host_field_is_the_authority_without_the_default_port(url: str, field: bytes) -> None:
    assert parse(url).host_field == field


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://:80/",
        "http://a..b/",
        "http://a\\b/",
        "http://x:y/",
        "http://[::1",
        "http://\u2100.test/",
        "http://" + "a" * 64 + ".test/",
        "http://%ff.test/",
        "http://a.test/ ",
        "http://\u00ad/",
    ],
)
def test_d9_urls_without_a_valid_host_or_port_fail(url: str) -> None:
    with pytest.raises(Failure):
        parse(url)


@pytest.mark.parametrize("url", ["file:///a", "gopher://a/", "a.test/feed", "", "C:/feed"])
def test_d9_schemes_but_http_and_https_are_forbidden(url: str) -> None:
    with pytest.raises(Failure) as raised:
        parse(url)
    assert raised.value.kind is ForbiddenTarget


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b", "http://a.test/b"),
        ("b?c", "http://a.test/x/b?c"),
        ("//b.test/c", "http://b.test/c"),
        ("https://b.test/a/../b?", "https://b.test/a/../b?"),
        ("http://u:p@b.test/", "http://b.test/"),
        ("//u:p@b.test/", "http://b.test/"),
        ("/\xc3\xa9", "http://a.test/%C3%A9"),
        ("/\xe9 x", "http://a.test/%E9%20x"),
        ("mailto:x@y", "mailto:x@y"),
    ],
)
def test_e3_a_location_is_resolved(location: str, url: str) -> None:
    """E3"""
    assert resolve(parse("http://a.test/x/y"), location) == url
