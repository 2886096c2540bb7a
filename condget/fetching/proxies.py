"""The proxies of the environment, as httpx has them: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from condget.fetching.targets import Target


def environment_proxies() -> dict[str, str]:
    """Return the URLs of the proxies of the environment, by the scheme that they serve."""
    # httpx reads them by urllib.request as well. Its import takes 50 ms, and hardly any environment has proxies.
    if sys.platform == "linux" and not any(name.lower().endswith("_proxy") for name in os.environ):
        return {}
    from urllib.request import getproxies

    return {scheme: proxy for scheme, proxy in getproxies().items() if scheme in ("http", "https", "all")}


def proxy_for(target: Target, proxies: Mapping[str, str]) -> str | None:
    """Return the URL of the proxy that a request goes through; None: it goes to the host itself."""
    if not proxies:
        return None
    from urllib.request import proxy_bypass

    proxy = proxies.get(target.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(target.host_field.decode()):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
