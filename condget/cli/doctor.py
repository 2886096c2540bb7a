"""`condget doctor`: a few polite requests tell whether a server honours validators, and which option helps if not.

What is probed: the feed itself, twice; each validator alone; validators that no server can have given, which must
not be answered 304; and an ETag less the `-gzip` that Apache adds and then does not know
(https://bz.apache.org/bugzilla/show_bug.cgi?id=45023).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from condget.cli.output import put
from condget.errors import DocumentError, FetchError

if TYPE_CHECKING:
    from condget.feeds.subscriptions import Subscription
    from condget.fetching.fetch import Fetched

FOREIGN_ETAG = '"condget-doctor-was-never-given-this"'
LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT"


@dataclass(frozen=True, slots=True)
class Findings:
    """What the probes brought; None: not probed."""

    etag: str | None
    last_modified: str | None
    #: Whether each validator alone, or both, were answered 304.
    etag_works: bool | None = None
    last_modified_works: bool | None = None
    both_work: bool | None = None
    #: Whether a validator that the server never gave was answered 304.
    etag_lies: bool = False
    last_modified_lies: bool = False
    #: Whether the ETag less its `-gzip` was answered 304.
    etag_less_gzip_works: bool | None = None
    #: Whether the same content came twice with different ETags.
    rotates: bool = False


def doctor(
    url: Annotated[str, typer.Argument(metavar="URL", help="The feed.")],
    timeout: Annotated[float, typer.Option(metavar="SECONDS", min=0.1, help="The deadline of one exchange.")] = 30.0,
) -> int:
    """Find out how a server treats conditional requests.

    It says which option of the list helps where there is a fault. It sends up to seven requests, a second apart,
    and leaves the state of the poller alone.

    \b
    Examples:
      condget doctor https://example.org/feed.xml

    \b
    Exit codes: 0 all is well, 1 there is a fault.
    """
    import asyncio

    from condget.cli.environment import check_certificates
    from condget.feeds.subscriptions import single

    check_certificates()
    subscription = single(url)
    findings, document = asyncio.run(_examine(subscription, timeout))
    put(f"ETag:           {findings.etag or 'none'}")
    put(f"Last-Modified:  {findings.last_modified or 'none'}")
    put(f"content:        {document}")
    faults, line = verdict(findings)
    for fault in faults:
        put(f"fault: {fault}")
    if not faults:
        put("The server honours what it gives: an unchanged feed costs it a 304.")
    if line:
        put("In the list of feeds:")
        put(f"  {subscription.url} {line}")
    return 1 if faults else 0


def verdict(findings: Findings) -> tuple[list[str], str | None]:
    """Return the faults in words, and the option that helps, if one does."""
    faults: list[str] = []
    if findings.etag is None and findings.last_modified is None:
        return ["it gives no validators; every poll costs it a full answer, so condget asks at most every 4 h"], None
    if findings.etag_lies:
        faults.append("it answers 304 to an ETag that it never gave: a change would never be seen")
    if findings.last_modified_lies:
        faults.append("it answers 304 to any date: a change would never be seen")
    etag_good = bool(findings.etag_works) and not findings.etag_lies
    date_good = bool(findings.last_modified_works) and not findings.last_modified_lies
    if findings.etag is not None and not findings.etag_works:
        if findings.etag_less_gzip_works:
            faults.append("it adds -gzip to its ETag and does not know it again (Apache bug 45023)")
        elif findings.rotates:
            faults.append("it gives the same content another ETag each time")
        else:
            faults.append("it does not honour its own ETag")
    if findings.last_modified is not None and not findings.last_modified_works:
        faults.append("it does not honour its own Last-Modified")
    lies = findings.etag_lies or findings.last_modified_lies
    if findings.both_work and not lies:
        return faults, None  # what is sent by default does it
    if etag_good:
        return faults, None if findings.last_modified is None else "validators=etag"
    if date_good:
        return faults, "validators=last-modified"
    return faults, "validators=none" if lies else None


async def _examine(subscription: Subscription, timeout: float) -> tuple[Findings, str]:
    import time

    from condget.cache.validators import etag_of, last_modified_of
    from condget.fetching.direct import DirectWire
    from condget.fetching.fetch import fetch
    from condget.fetching.host_limits import HostLimits
    from condget.fetching.request import FetchRequest
    from condget.polling.parser_process import Parser
    from condget.shown import LONGEST, address
    from condget.urls import origin_of

    wire, limits = DirectWire(), HostLimits(time.time)

    async def ask(*preconditions: tuple[str, str], url: str = subscription.url) -> Fetched:
        userinfo = subscription.userinfo if origin_of(url) == origin_of(subscription.url) else None
        return await fetch(
            wire, FetchRequest(url, preconditions, userinfo=userinfo, timeout=timeout), time.time, limits
        )

    plain = await ask()
    where = plain.chain[-1]
    if plain.response.status != 200:
        raise FetchError(f"{address(where, LONGEST)}: {plain.response.status} where a feed should be; correct the URL")
    parser = Parser()
    try:
        document = await parser.parse(plain.content, plain.response.fields.get("content-type"), where)
        content = f"{len(plain.content):,} bytes; {document.version or 'a feed'} with {len(document.entries)} entries"
    except DocumentError as error:
        content = str(error)
    finally:
        await parser.aclose()

    etag, modified = etag_of(plain.response.fields), last_modified_of(plain.response.fields)

    async def not_modified(*preconditions: tuple[str, str]) -> bool:
        # Where the feed redirects to, so that no hop has to be gone again.
        return (await ask(*preconditions, url=where)).response.status == 304

    none_match, since = ("If-None-Match", etag or ""), ("If-Modified-Since", modified or "")
    both = etag is not None and modified is not None
    less_gzip, rotates, etag_works = None, False, None
    if etag is not None:
        again = await ask(none_match, url=where)
        etag_works = again.response.status == 304
        if not etag_works:
            rotates = again.content == plain.content and etag_of(again.response.fields) != etag
            if "-gzip" in etag:
                less_gzip = await not_modified((none_match[0], etag.replace("-gzip", "")))
    modified_works = await not_modified(since) if modified is not None else None
    findings = Findings(
        etag,
        modified,
        etag_works=etag_works,
        last_modified_works=modified_works,
        both_work=await not_modified(none_match, since) if both else etag_works or modified_works,
        etag_lies=etag is not None and await not_modified((none_match[0], FOREIGN_ETAG)),
        last_modified_lies=modified is not None and await not_modified((since[0], LONG_AGO)),
        etag_less_gzip_works=less_gzip,
        rotates=rotates,
    )
    return findings, content
