"""Words about a response that is neither a feed nor a 304 (F9): the status, a little of the page, and what to do."""

from __future__ import annotations

from http import HTTPStatus

from condget.fetching.failures import AGAIN, secrets_of, snippet
from condget.fetching.fetch import Fetched
from condget.fetching.request import FetchRequest

_ADVICE = {
    401: "it wants a user name and password: put user:password@ before the host in the list, or "
    "header=Authorization:@file:PATH behind the URL",
    403: "it refuses this request: see in a browser whether it still is public",
    404: "correct the URL if that continues",
    410: "it is gone for good: take it off the list",
    429: "it wants fewer requests: raise every=",
}


def refusal(request: FetchRequest, fetched: Fetched, *, for_good: bool) -> str:
    """Describe a response with an HTTP error; `for_good`: the configured URL, or permanent redirects, gave it."""
    response = fetched.response
    status = response.status
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    page = snippet(fetched.content, response.fields.get("content-type"), secrets_of(request.userinfo, request.fields))
    advice = _ADVICE.get(status, AGAIN if status >= 500 else "see in a browser what is wrong")
    if status == 410 and not for_good:
        advice = f"a temporary redirect led there: {AGAIN}"
    return f"{status} {phrase}".rstrip() + (f' ("{page}")' if page else "") + f"; {advice}"
