"""`condget get`: the content of a URL, from the cache where HTTP allows it.

What goes over the wire is shown by httpx's trace extension, so `-v` shows the very bytes, preconditions included.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from condget.cli.output import note, put, say
from condget.errors import FetchError, UsageError
from condget.field_names import SECRET

if TYPE_CHECKING:
    import httpx

    from condget.cache.status import CacheStatus


def get(
    url: Annotated[str, typer.Argument(metavar="URL", help="What to get; http or https.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write to FILE, which is replaced once all has arrived; - is stdout.",
        ),
    ] = None,
    head: Annotated[
        bool,
        typer.Option("-I", "--head", help="Show status, fields and validators instead of the content (HEAD)."),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option("-v", "--verbose", help="Show on stderr what is sent, what comes, and what the cache did."),
    ] = False,
    mode: Annotated[
        str,
        typer.Option(
            metavar="MODE",
            show_default=False,
            help="How to use the cache, as in the Fetch standard: default, no-store, reload (ask unconditionally), "
            "no-cache (ask the origin first), force-cache (stale will do), only-if-cached.",
        ),
    ] = "default",
    header: Annotated[
        list[str] | None, typer.Option("-H", "--header", metavar="NAME:VALUE", help="Send this field, too.")
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", show_default=False, help="Give up when the server is silent for so long; 30 otherwise."
        ),
    ] = 30.0,
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Use the cache in DIR instead of the user's own.")
    ] = None,
) -> None:
    """Print what a URL gives, from the cache where HTTP allows it.

    Redirects are followed, content is decoded. An HTTP status of 400 or more exits with 1, with words on stderr and
    nothing on stdout; so does an origin that cannot be reached, unless a stored response may stand in for it, which
    stderr then says.

    \b
    Examples:
      condget get https://example.org/
      condget get -o page.html https://example.org/
      condget get -v --mode no-cache https://example.org/
      condget get --head https://example.org/
    """
    import httpx

    import condget
    from condget.cache.policy import MODES
    from condget.feeds.subscriptions import single

    if mode not in MODES:
        raise UsageError(f'there is no mode "{mode}"; choose one of {", ".join(MODES)}')
    if not timeout > 0:
        raise UsageError("--timeout is a number of seconds above 0")
    target = single(url)
    client = condget.Client(
        cache=cache,
        timeout=timeout,
        follow_redirects=True,
        max_redirects=10,
        headers=[("User-Agent", condget.settings.USER_AGENT), *map(_field, header or ())],
        auth=target.credentials,
    )
    extensions: dict[str, Any] = {"condget": {"mode": mode}}
    if verbose:
        extensions["trace"] = _trace
    method = "HEAD" if head else "GET"
    try:
        with client, client.stream(method, target.url, extensions=extensions) as response:
            if response.status_code >= 400:
                with suppress(httpx.HTTPError):
                    response.read()
            elif head:
                _print_head(response)
            else:
                with _opened(output) as file:
                    for chunk in response.iter_bytes():
                        file.write(chunk)
    except httpx.HTTPError as error:
        raise FetchError(f"{target.url}: {_cause(error)}") from error
    if verbose:
        for answer in (*response.history, response):
            status = answer.extensions["condget"]
            age = "" if status.age is None else f"; age={status.age}"
            note(f"* {answer.status_code} {answer.url.copy_with(userinfo=b'')}: {status}{age}")
    _check(response, target.url, mode)


def _check(response: httpx.Response, url: str, mode: str) -> None:
    """Say that a response is stale; raise for one that is an error."""
    status: CacheStatus = response.extensions["condget"]
    if mode == "only-if-cached" and response.status_code == 504 and status.fwd_status is None:
        raise FetchError(f"{url}: nothing stored may answer this; ask without --mode only-if-cached")
    if response.status_code >= 400:
        raise FetchError(f"{url}: the server answered {response.status_code} {response.reason_phrase}".rstrip())
    if status.detail is not None and status.detail.startswith("stale"):
        say(f"{url}: {status.detail}; the age of what is given is {status.age} s")
    elif status.hit and (status.ttl or 0) < 0:
        say(f"{url}: stale by {-(status.ttl or 0)} s, as its origin or --mode allows")


def _field(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or any(c < " " for c in text):
        raise UsageError("a --header is written NAME:VALUE, on one line")
    return name.strip(), value.strip()


def _cause(error: httpx.HTTPError) -> str:
    import httpx

    if isinstance(error, httpx.TimeoutException):
        return "the server was silent for too long; try again, or with a larger --timeout"
    if isinstance(error, httpx.TooManyRedirects):
        return "more than 10 redirects; the server sends its visitors in circles"
    return str(error) or type(error).__name__


@contextmanager
def _opened(path: Path | None) -> Iterator[BinaryIO]:
    """Open stdout, or a file that takes the place of `path` at the end."""
    if path is None or str(path) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if path.exists() and not path.is_file():  # /dev/null, a pipe
        with path.open("wb") as file:
            yield file
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            yield file
        if path.exists():
            part.chmod(path.stat().st_mode & 0o7777)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _print_head(response: httpx.Response) -> None:
    put(f"{response.http_version} {response.status_code} {response.reason_phrase}".rstrip())
    for line in _fields(response.headers.raw):
        put(line)
    put(f"Cache-Status: {response.extensions['condget']}")


def _trace(event: str, info: Mapping[str, Any]) -> None:
    """Show request and response heads as they are on the wire, as curl -v does."""
    if event.endswith("send_request_headers.started"):
        request = info["request"]
        note(f"> {request.method.decode()} {request.url.target.decode('latin-1')} HTTP/1.1")
        for line in _fields(request.headers):
            note(f"> {line}")
        note(">")
    elif event.endswith("receive_response_headers.complete"):
        version, status, reason, fields = info["return_value"][:4]
        note(f"< {version.decode()} {status} {reason.decode('latin-1')}".rstrip())
        for line in _fields(fields):
            note(f"< {line}")
        note("<")


def _fields(pairs: list[tuple[bytes, bytes]]) -> Iterator[str]:
    for name, value in pairs:
        secret = name.decode("latin-1").lower() in SECRET
        yield f"{name.decode('latin-1')}: {'***' if secret else value.decode('latin-1')}"
