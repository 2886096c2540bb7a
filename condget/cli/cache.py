"""`condget cache ...`: look into the cache of the library and of `condget get`, and clear it up."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from condget import settings
from condget.cli.output import put, put_json, say
from condget.cli.records import Format, is_jsonl, put_record
from condget.errors import UsageError
from condget.own_httpx import own

if TYPE_CHECKING:
    from condget.cache.messages import StoredResponse
    from condget.stores.abilities import ManagedStore

app = typer.Typer(
    name="cache",
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="""Look into the cache, and clear it up.

    It is the one of `condget get` and of the library. The poller does not use it: what it remembers is in the state
    (`condget state`).

    \b
    Examples:
      condget cache info
      condget cache list --host example.org
      condget cache delete --older-than 30d
    """,
)

Where = Annotated[
    str | None,
    typer.Option("--cache", metavar="DIR", help="The cache in DIR, or at a URL (redis://), not the user's own."),
]
Host = Annotated[str | None, typer.Option(metavar="NAME", help="Only of this host.")]


@contextmanager
def _existing(location: str | None) -> Iterator[ManagedStore]:
    """Open a cache to look into; none is made where the user named a directory without one."""
    from condget.stores.opening import scheme_of

    is_path = location is not None and scheme_of(location) is None
    if is_path and not (Path(location or "") / settings.cache_path().name).exists():
        raise UsageError(f"--cache: there is no cache in {location}")
    with _cache(location) as opened:
        yield opened


@contextmanager
def _cache(location: str | None) -> Iterator[ManagedStore]:
    from condget.stores.abilities import ManagedStore
    from condget.stores.opening import open_store, shown_location

    opened = open_store(location, clock=settings.clock())
    if not isinstance(opened, ManagedStore):
        raise UsageError(f"--cache: the store at {shown_location(location or '')} cannot be looked into")
    with closing(opened):
        yield opened
        for notice in getattr(opened, "notices", ()):
            say(notice)


@app.command()
def info(cache: Where = None, format_: Format = "text") -> None:
    """Print where the cache is and what it holds.

    \b
    Examples:
      condget cache info
      condget cache info --format jsonl
    """
    from condget.reports.phrases import instant

    jsonl = is_jsonl(format_)
    with _existing(cache) as opened:
        stats = opened.stats()
    if jsonl:
        members = {
            **({"url": stats.location} if stats.file_size is None else {"file": stats.location}),
            "file_size": stats.file_size,
            "responses": stats.responses,
            "hosts": stats.hosts,
            "bytes": stats.size,
            "max_bytes": stats.max_size,
            "least_recently_used": instant(stats.oldest),
            "most_recently_used": instant(stats.newest),
        }
        put_record("condget.cache.info/1", members)
        return
    in_file = None if stats.file_size is None else f"{stats.location} ({stats.file_size:,} bytes on disk)"
    rows = {
        **({"url": stats.location} if in_file is None else {"file": in_file}),
        "stored": f"{_number(stats.responses, 'response')} of {_number(stats.hosts, 'host')}",
        "bytes": f"{stats.size:,} of at most {stats.max_size:,}",
    }
    if stats.responses:
        rows["last used"] = f"{instant(stats.oldest)} to {instant(stats.newest)}"
    for name, value in rows.items():
        put(f"{name:<10} {value}")


@app.command("list")
def list_responses(
    url: Annotated[str | None, typer.Argument(metavar="URL", help="Only of this URL.")] = None,
    host: Host = None,
    cache: Where = None,
    format_: Format = "text",
) -> None:
    """List stored responses: status, bytes, freshness, validators, when they were received, URL.

    \b
    Examples:
      condget cache list
      condget cache list --format jsonl
      condget cache list https://example.org/
      condget cache list --host example.org
    """
    now, jsonl = settings.clock()(), is_jsonl(format_)
    with _existing(cache) as opened:
        for stored in opened.responses(url=_stored_as(url), host=host):
            if jsonl:
                put_record("condget.cache.response/1", _members(stored, now))
            else:
                put(_line(stored, now))


def _members(stored: StoredResponse, now: float) -> dict[str, object]:
    from condget.cache.validators import etag_of, last_modified_of
    from condget.reports.phrases import instant
    from condget.shown import address

    return {
        "url": address(stored.url),
        "status": stored.status,
        "content_length": stored.content_length,
        "content_type": stored.fields.get("content-type"),
        "ttl": _ttl(stored, now),
        "etag": etag_of(stored.fields),
        "last_modified": last_modified_of(stored.fields),
        "received": instant(stored.response_time),
    }


def _ttl(stored: StoredResponse, now: float) -> int:
    """Return for how many seconds a response is fresh still; negative: it is stale (RFC 9211 §2.4)."""
    from condget.cache.freshness import current_age
    from condget.cache.policy import Policy

    return int(Policy().lifetime(stored) - current_age(stored, now))


def _line(stored: StoredResponse, now: float) -> str:
    from condget.feeds.durations import instant
    from condget.shown import address

    ttl = _ttl(stored, now)
    fresh = f"fresh {ttl} s" if ttl > 0 else f"stale {-ttl} s"
    validators = "+".join(
        short for name, short in (("ETag", "etag"), ("Last-Modified", "date")) if stored.fields.get(name)
    )
    size = f"{stored.content_length or 0:,}"
    received = instant(stored.response_time, 0)
    return f"{stored.status}  {size:>11}  {fresh:<16}  {validators or '-':<9}  {received}  {address(stored.url)}"


@app.command()
def delete(
    url: Annotated[str | None, typer.Argument(metavar="URL", help="Delete what is stored of this URL.")] = None,
    host: Host = None,
    older_than: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Only what was received longer ago: 90s, 30m, 6h, 2d, 1w."),
    ] = None,
    cache: Where = None,
) -> None:
    """Delete stored responses by URL, host or age.

    \b
    Examples:
      condget cache delete https://example.org/
      condget cache delete --host example.org --older-than 2d
    """
    from condget.feeds.durations import duration
    from condget.stores import managing

    if url is None and host is None and older_than is None:
        raise UsageError("say what to delete: a URL, --host or --older-than; or use `condget cache clear`")
    try:
        seconds = None if older_than is None else duration(older_than)
    except ValueError as error:
        raise UsageError(f"--older-than: {error}") from None
    with _existing(cache) as opened:
        number = managing.delete(opened, _stored_as(url), host=host, older_than=seconds, now=settings.clock()())
    _tell(number, "deleted")


@app.command()
def clear(cache: Where = None) -> None:
    """Delete every stored response.

    \b
    Examples:
      condget cache clear
    """
    with _existing(cache) as opened:
        _tell(opened.clear(), "deleted")


@app.command()
def prune(cache: Where = None) -> None:
    """Delete what has expired and cannot be validated.

    The space goes back to the disk.

    \b
    Examples:
      condget cache prune
    """
    with _existing(cache) as opened:
        _tell(opened.prune(), "deleted")


@app.command()
def verify(cache: Where = None) -> int:
    """Check length and digest of every stored content.

    The exit code is 1 if a content is damaged.

    \b
    Examples:
      condget cache verify
    """
    with _existing(cache) as opened:
        problems = opened.verify()
        for problem in problems:
            put(problem)
        if not problems:
            _tell(opened.stats().responses, "in order")
    return 1 if problems else 0


@app.command("export")
def export_lines(cache: Where = None) -> None:
    """Write every stored response to stdout as JSON Lines.

    `condget cache import` reads them on another machine. The lines hold the
    contents, too.

    \b
    Examples:
      condget cache export > cache.jsonl
    """
    from condget.stores.managing import export

    with _existing(cache) as opened:
        for line in export(opened):
            put_json(line)


@app.command("import")
def import_lines(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The lines that `export` wrote; - is stdin.")],
    cache: Where = None,
) -> None:
    """Add the stored responses of an export.

    \b
    Examples:
      condget cache import cache.jsonl
      ssh host condget cache export | condget cache import -
    """
    from condget.stores.managing import import_

    with _cache(cache) as opened:
        if str(file) == "-":
            _tell(import_(opened, sys.stdin), "added")
        else:
            with file.open(encoding="utf-8") as lines:
                _tell(import_(opened, lines), "added")


def _stored_as(url: str | None) -> str | None:
    """Return a URL as it is stored: without userinfo and fragment, normalised as httpx does for a request.

    Raises:
        UsageError: it is not a URL that can be requested.
    """
    if url is None:
        return None
    from condget.feeds.subscriptions import single
    from condget.transports.cache_key import target_uri

    return target_uri(own().URL(single(url).url))


def _tell(number: int, what: str) -> None:
    put(f"{_number(number, 'stored response')} {what}")


def _number(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
