"""`condget add`: a feed, by its own URL or that of a page which names it, at the end of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from condget.cli.list_files import open_list
from condget.cli.output import put, say
from condget.errors import DocumentError, FetchError, UsageError

if TYPE_CHECKING:
    from condget.feeds.discovery import FeedLink
    from condget.feeds.subscriptions import Subscription
    from condget.feeds.values import Document

#: Of the feeds that a page names, those that are tried until one can be read.
_TRIED = 3


def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="A feed, or a page that names its feed.")],
    list_name: Annotated[
        str | None,
        typer.Argument(metavar="[LIST]", help="The list, which is made if it is missing; else the configured one."),
    ] = None,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", min=0.1, help="Total time for one request.")] = 30.0,
) -> None:
    """Add a feed to a list, once it could be read.

    Of an HTML page, the feed that it names is added (link rel=alternate). All else in the list stays as it is.

    \b
    Examples:
      condget add https://example.org/blog/ feeds.txt
    """
    import asyncio

    from condget.cli.environment import check_certificates
    from condget.feeds.list_editing import with_feed
    from condget.feeds.subscriptions import Subscription, read_list, single
    from condget.shown import address, line

    if list_name is None:
        raise UsageError("name the list behind the URL, or set feeds in condget.toml")
    check_certificates()
    file = open_list(list_name, create=True)
    page = single(url)
    found, document, others = asyncio.run(_find(page, timeout))
    label = f"{line(document.title)} ({address(found)})" if document.title else address(found)
    userinfo = page.userinfo if found == page.url else None
    key = Subscription(found, userinfo).key
    if any(subscription.key == key for subscription in read_list(file.data, list_name).subscriptions):
        say(f"{label} is in {list_name} already")
        return
    written = found if userinfo is None else found.replace("://", f"://{userinfo}@", 1)
    file.replace(with_feed(file.data, list_name, written, document.title))
    put(f"{label} added to {list_name}")
    for other in others:
        say(f"the page names {address(other.url)}{f' ({other.title})' if other.title else ''}, too")


async def _find(page: Subscription, timeout: float) -> tuple[str, Document, tuple[FeedLink, ...]]:
    """Return the URL of the feed, the feed, and other feeds that the page names.

    Raises:
        FetchError: a request failed.
        DocumentError: there is no feed.
    """
    import time

    from condget.feeds.charsets import decode
    from condget.feeds.discovery import feed_links
    from condget.fetching.direct import DirectWire
    from condget.fetching.fetch import Fetched, fetch
    from condget.fetching.host_limits import HostLimits
    from condget.fetching.request import FetchRequest
    from condget.polling.parser_process import Parser
    from condget.shown import address
    from condget.urls import origin_of

    wire, limits, parser = DirectWire(), HostLimits(time.time), Parser()

    async def request(url: str) -> Fetched:
        userinfo = page.userinfo if origin_of(url) == origin_of(page.url) else None
        fetched = await fetch(wire, FetchRequest(url, userinfo=userinfo, timeout=timeout), time.time, limits)
        if fetched.response.status != 200:
            raise FetchError(f"{address(fetched.chain[-1])}: {fetched.response.status} where a feed should be")
        return fetched

    async def read(fetched: Fetched) -> Document:
        content_type = fetched.response.fields.get("content-type")
        return await parser.parse(fetched.content, content_type, fetched.chain[-1])

    try:
        fetched = await request(page.url)
        try:
            return fetched.permanent_to or page.url, await read(fetched), ()
        except DocumentError as error:
            links = feed_links(decode(fetched.content), fetched.chain[-1])
            if not links:
                raise DocumentError(f"{address(page.url)}: {error}, which names no feed") from None
        failures: list[str] = []
        for link in links[:_TRIED]:
            try:
                document = await read(await request(link.url))
            except (FetchError, DocumentError) as error:
                failures.append(str(error))
                continue
            return link.url, document, tuple(other for other in links if other != link)
        raise DocumentError(f"{address(page.url)} names feeds that cannot be read:\n" + "\n".join(failures))
    finally:
        await parser.aclose()
