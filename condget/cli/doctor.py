"""`condget doctor`: whether a feed's server honours validators, what its faults cost, and which option helps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from condget import settings
from condget.cli import completion
from condget.cli.arguments import listed_feed, read_and_say
from condget.cli.output import put
from condget.cli.records import Format, is_jsonl, put_record
from condget.shown import address, line

if TYPE_CHECKING:
    from condget.polling.examination import Examination, Findings


def doctor(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL", help="The feed, by URL or by its name in the list.", autocompletion=completion.feeds
        ),
    ],
    feeds: Annotated[
        list[str] | None, typer.Option("--list", metavar="FEEDS", help="A list to take the feed's options from.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="Total time for one request, redirects included.")
    ] = 30.0,
    format_: Format = "text",
) -> int:
    """Find out how a feed's server treats conditional requests.

    Prints what is wrong, what that costs, and which option of the list helps. Sends up to seven requests, a second
    apart, and leaves the state of the poller alone.

    \b
    Examples:
      condget doctor https://example.org/feed.xml
      condget doctor https://example.org/members.xml --list feeds.txt
      condget doctor https://example.org/feed.xml --format jsonl

    \b
    Exit codes: 0 all is well, 1 there is a fault or no feed, 2 wrong usage.
    """
    import asyncio

    from condget.cli.environment import check_certificates
    from condget.fetching.direct import DirectWire
    from condget.polling.examination import examine
    from condget.polling.jobs import job_of
    from condget.polling.planning import pace_of
    from condget.polling.run_options import RunOptions

    jsonl = is_jsonl(format_)
    check_certificates()
    run_options = RunOptions(timeout=timeout)
    subscription = listed_feed(url, read_and_say(feeds or []).subscriptions)
    request = job_of(subscription, None, run_options).request
    pace = pace_of(subscription, run_options)

    async def examination() -> Examination:
        return await examine(request, DirectWire(), pace, settings.clock())

    result = asyncio.run(examination())
    if jsonl:
        return _put_record(address(subscription.url), result)
    for name, value in _rows(result):
        put(f"{name + ':':<16}{line(value)}")
    if result.findings is None:
        return 1
    return _print_verdict(address(subscription.url), result, result.findings)


def _put_record(url: str, result: Examination) -> int:
    """Print what was found for programs; return the exit code."""
    from dataclasses import asdict

    from condget.polling.examination import verdict

    findings, document = result.findings, result.document
    faults, option = verdict(findings) if findings else ([], None)
    members = {
        "url": url,
        "requested": [address(url) for url in result.chain],
        "moved_to": address(result.permanent_to) if result.permanent_to else None,
        "bytes_received": result.received,
        "bytes_decoded": result.decoded,
        "title": document.title if document else None,
        "version": document.version if document else None,
        "entries": len(document.entries) if document else None,
        "no_feed": result.no_feed,
        "links": [{"url": address(link.url), "title": link.title} for link in result.links],
        "next_poll": result.next_poll,
        "findings": asdict(findings) if findings else None,
        "faults": faults,
        "option": option,
    }
    put_record("condget.doctor/1", members)
    return 1 if faults or findings is None else 0


def _rows(result: Examination) -> Iterator[tuple[str, str]]:
    """Yield what was found, apart from faults."""
    if len(result.chain) > 1:
        where = address(result.chain[-1])
        if result.permanent_to == result.chain[-1]:
            yield "moved", f"permanently to {where}; change the list"
        else:
            yield "redirects", f"for the moment to {where}"
    if result.findings is not None:
        yield "ETag", result.findings.etag or "none"
        yield "Last-Modified", result.findings.last_modified or "none"
    size = f"{result.decoded:,} bytes"
    if result.received != result.decoded:
        size += f" ({result.received:,} as received)"
    if result.document is None:
        yield "content", f"{size}; {result.no_feed}"
        return
    from condget.reports.phrases import entries

    yield "content", f"{size}; {result.document.version or 'a feed'} with {entries(len(result.document.entries))}"
    yield "next poll", result.next_poll


def _print_verdict(url: str, result: Examination, findings: Findings) -> int:
    """Print faults, their cost, and what helps; return the exit code."""
    from condget.polling.examination import verdict

    faults, option = verdict(findings)
    for fault in faults:
        put(f"fault: {fault}")
    if not faults:
        put("The server honours its validators: a poll of the unchanged feed costs it a 304.")
    elif findings.default_works:
        put("What condget sends by default is answered as it should be; no option is needed.")
    else:
        if not findings.etag_works and not findings.last_modified_works:
            put(f"cost: each poll transfers {_cost(result.received)}")
        if option:
            put("In the list of feeds:")
            put(f"  {url} {option}")
        else:
            put("No option of the list helps; tell the site's owner.")
    return 1 if faults else 0


def _cost(received: int) -> str:
    """Say what a feed costs that comes in full each time."""
    from condget.feeds.durations import DAY, span
    from condget.feeds.pace import Pace

    seldom = Pace().without_validators
    daily = received * DAY / seldom
    kilobytes = f"{daily / 1000:,.0f} kB" if daily >= 1000 else f"{daily:.0f} bytes"
    return f"{received:,} bytes; condget polls such a feed at most every {span(seldom)}, for {kilobytes} a day"
