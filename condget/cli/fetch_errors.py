"""Errors of httpx in words for people: the cause, and what to do."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING

from condget.fetching.failures import TELL_OWNER, Failure, no_connection, reason, tls_failure
from condget.own_httpx import own
from condget.shown import LONGEST, address

if TYPE_CHECKING:
    import httpx
else:
    httpx = own()


def explained(error: httpx.HTTPError, url: str) -> str:
    """Return a sentence about a request that failed; `url` is what the user asked for."""
    requested = _url_of(error) or httpx.URL(url)
    failure = _failure(error, requested)
    where = "" if requested == httpx.URL(url) else f" (redirected to {address(str(requested), LONGEST)})"
    return f"{url}{where}: {failure.cause}; {failure.advice}"


def _failure(error: httpx.HTTPError, url: httpx.URL) -> Failure:
    causes = list(_causes(error))
    if isinstance(error, httpx.ProxyError) or (isinstance(error, httpx.ConnectError) and _proxy_of(url)):
        return Failure(f"no connection through the proxy ({reason(causes[-1])})", "check HTTP_PROXY and HTTPS_PROXY")
    if isinstance(error, httpx.ConnectTimeout):
        return no_connection(url.host, _port(url), TimeoutError())
    if isinstance(error, httpx.TimeoutException):
        return Failure("the server was silent for too long", "try again, or with a larger --timeout")
    if isinstance(error, httpx.UnsupportedProtocol):
        return Failure(f'it redirects to the scheme "{url.scheme}"', "condget follows http and https only")
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return tls_failure(cause)
        if isinstance(cause, socket.gaierror):
            return no_connection(url.host, _port(url), None)
        if isinstance(cause, OSError) and isinstance(error, httpx.ConnectError):
            return no_connection(url.host, _port(url), cause)
    if isinstance(error, httpx.RemoteProtocolError) and "location header" in str(error):
        return Failure("it redirects to what is not a URL", TELL_OWNER)
    if isinstance(error, httpx.DecodingError):
        return Failure(f"its content is not in the coding that it declares ({reason(error)})", TELL_OWNER)
    return Failure(f"the connection broke off ({reason(error)})", "try again")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _url_of(error: httpx.HTTPError) -> httpx.URL | None:
    try:
        return error.request.url
    except RuntimeError:  # none was made
        return None


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _proxy_of(url: httpx.URL) -> bool:
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    return bool(proxies.get(url.scheme) or proxies.get("all")) and not proxy_bypass(url.host)
