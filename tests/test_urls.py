"""Userinfo and origins of URLs, and the plain form that needs no parsing."""

from __future__ import annotations

import pytest

from condget.urls import PLAIN, origin_of, without_userinfo


@pytest.mark.parametrize(
    ("url", "rest"),
    [
        ("https://user:secret@a.example/feed", "https://a.example/feed"),
        ("https://user@a.example", "https://a.example"),
        ("https://a:b@c@a.example/", "https://a.example/"),
        ("//user:secret@a.example/feed", "//a.example/feed"),
        ("https://a.example/by@me?q=you@me#@", "https://a.example/by@me?q=you@me#@"),
        ("https://a.example?q=you@me", "https://a.example?q=you@me"),
        ("/feed@2", "/feed@2"),
        ("", ""),
    ],
)
def test_d8_userinfo_is_removed_and_nothing_else(url: str, rest: str) -> None:
    assert without_userinfo(url) == rest


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/x", "https://A.EXAMPLE:443/y", True),
        ("http://a.example", "http://user:secret@a.example:80/", True),
        ("http://a.example/", "https://a.example/", False),
        ("http://a.example/", "http://a.example:8080/", False),
        ("http://a.example/", "http://b.example/", False),
        ("http://[::1]/", "http://[::1]:80/", True),
    ],
)
def test_e5_an_origin_is_scheme_host_and_port(one: str, other: str, same: bool) -> None:
    assert (origin_of(one) == origin_of(other)) is same


@pytest.mark.parametrize(
    ("url", "is_plain"),
    [
        ("https://a.example/feed?x=1", True),
        ("http://127.0.0.1:8000", True),
        ("https://A.example/feed", False),
        ("https://a.example/feed#top", False),
        ("https://user@a.example/feed", False),
        ("https://a.example/f\xe9ed", False),
        ("https://a.example/a b", False),
        ("ftp://a.example/feed", False),
    ],
)
def test_a_plain_url_has_nothing_to_normalise(url: str, is_plain: bool) -> None:
    assert bool(PLAIN.fullmatch(url)) is is_plain
