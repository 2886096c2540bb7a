"""The proxy of the environment that a request goes through."""

from __future__ import annotations

import pytest

from condget.fetching.proxies import environment_proxies, proxy_for
from condget.fetching.targets import parse


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "http://a.example/", None),
        ({"http_proxy": "http://p:1"}, "http://a.example/", "http://p:1"),
        ({"HTTP_PROXY": "p:1"}, "http://a.example/", "http://p:1"),
        ({"http_proxy": "http://p:1"}, "https://a.example/", None),
        ({"https_proxy": "socks5://p:1"}, "https://a.example/", "socks5://p:1"),
        ({"all_proxy": "http://p:1"}, "https://a.example/", "http://p:1"),
        ({"all_proxy": "http://p:1", "no_proxy": "a.example"}, "https://a.example/", None),
        ({"all_proxy": "http://p:1", "no_proxy": "*"}, "https://a.example/", None),
        ({"all_proxy": "http://p:1", "no_proxy": "b.example"}, "https://a.example/", "http://p:1"),
        ({"ftp_proxy": "http://p:1"}, "http://a.example/", None),
    ],
)
def test_proxies_are_as_in_httpx(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, proxy: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(parse(url), environment_proxies()) == proxy
