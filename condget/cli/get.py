"""`condget get`: the content of URLs, from the cache where HTTP allows it.

httpx's trace extension shows the heads that go over the wire, so `-v` shows the very bytes, preconditions included.
Redirects are followed here, hop by hop, so that no secret leaves its origin and no body on the way is read in full.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from condget.cli.output import note, say
from condget.errors import CondgetError, FetchError, UsageError
from condget.own_httpx import bound_to_own, own
from condget.settings import USER_AGENT
from condget.shown import on_one_line

if TYPE_CHECKING:
    import httpx

    from condget.cache.policy import Policy
    from condget.cache.status import CacheStatus
    from condget.cli.request_fields import RequestFields
    from condget.client import Client

NEWS_CODE = 3

_MOST_REDIRECTS = 10

#: The most that is read of a body that is not the content: for a snippet, and so that a cache can store it.
_PAGE_BYTES, _PAGE_SECONDS = 65_536, 3.0


@dataclass(frozen=True, slots=True)
class _Wish:
    """The options of one run."""

    fields: RequestFields
    head: bool
    verbose: bool
    mode: str
    netrc: bool
    fail_with_body: bool


def get(
    urls: Annotated[list[str], typer.Argument(metavar="URL...", help="What to get; http or https.")],
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Replace FILE once all has arrived and if it differs; - is stdout. Once for each URL.",
        ),
    ] = None,
    head: Annotated[
        bool,
        typer.Option("-I", "--head", help="Print status, fields and validators instead of the content (HEAD)."),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option("-v", "--verbose", help="Print on stderr what is sent, what comes, and what the cache did."),
    ] = False,
    mode: Annotated[
        str,
        typer.Option(
            metavar="MODE",
            show_default=False,
            help="How to use the cache, as in the Fetch standard: default, no-store, reload (request it in full), "
            "no-cache (validate first), force-cache (stale will do), only-if-cached.",
        ),
    ] = "default",
    header: Annotated[
        list[str] | None,
        typer.Option(
            "-H",
            "--header",
            metavar="NAME:VALUE",
            help="Send this field, too; a VALUE of @env:NAME or @file:PATH is read from there.",
        ),
    ] = None,
    netrc: Annotated[
        bool, typer.Option("-n", "--netrc", help="Take user name and password from ~/.netrc, or the file $NETRC.")
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help=f"Exit with {NEWS_CODE} if there is news and nothing failed.")
    ] = False,
    fail_with_body: Annotated[
        bool, typer.Option("--fail-with-body", help="Print the content of an HTTP error, too.")
    ] = False,
    stale_if_error: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Where the server fails, print what is stored and at most so long past its freshness: 90s, 6h, 1d.",
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(metavar="SECONDS", show_default=False, help="Give up when the server is silent for so long; 30."),
    ] = 30.0,
    cache: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Use the cache in DIR, or at a URL (redis://), instead of the user's own."),
    ] = None,
) -> int:
    """Print the content of URLs, from the cache where HTTP allows it.

    Redirects are followed, content is decoded. An HTTP status of 400 or more exits with 1, with words on stderr and
    nothing on stdout. A FILE that holds the same bytes already stays untouched. News is a FILE that was written, or
    content that the cache did not have.

    \b
    Examples:
      condget get https://example.org/
      condget get -o page.html --exit-code https://example.org/
      condget get -v --mode no-cache https://example.org/
      condget get -H Authorization:@file:token https://example.org/api

    \b
    Exit codes: 0 done, 1 something failed, 2 wrong usage, 3 news (with
    --exit-code). SSL_CERT_FILE names another list of certificates.
    """
    from condget.cli.environment import import_httpx_alone

    import_httpx_alone()
    from condget.cache.policy import MODES, Policy
    from condget.cli.request_fields import read_fields
    from condget.feeds.durations import duration
    from condget.feeds.subscriptions import single

    if mode not in MODES:
        raise UsageError(f'there is no mode "{mode}"; choose one of {", ".join(MODES)}')
    if not timeout > 0:
        raise UsageError("--timeout is a number of seconds above 0")
    if cache == "":
        raise UsageError("--cache is empty; name a directory or a URL")
    if output and len(output) != len(urls):
        raise UsageError(f"there are {len(urls)} URLs and {len(output)} files; name one file with -o for each URL")
    try:
        policy = Policy(stale_if_error=duration(stale_if_error) if stale_if_error else 0)
    except ValueError as error:
        raise UsageError(f"--stale-if-error: {error}") from None
    targets = [single(url) for url in urls]
    wish = _Wish(read_fields(header or ()), head, verbose, mode, netrc, fail_with_body)
    failed = news = False
    with _client(cache, policy, timeout) as client:
        for target, path in zip_longest(targets, output or ()):
            try:
                news |= _get(client, wish, target.url, target.credentials, path)
            except CondgetError as error:
                if len(targets) == 1:
                    raise
                failed = True
                say(str(error))
    return 1 if failed else NEWS_CODE if exit_code and news else 0


@contextmanager
def _client(cache: str | None, policy: Policy, timeout: float) -> Iterator[Client]:
    from condget.cli.environment import check_certificates

    check_certificates()
    httpx = own()
    if cache is not None:
        _check_cache(cache)
    try:
        client = bound_to_own("condget.client").Client(
            cache=cache,
            policy=policy,
            timeout=timeout,
            headers={"User-Agent": USER_AGENT},
        )
    except ImportError:
        raise UsageError(f"a SOCKS proxy needs the package socksio; install {httpx.__name__}[socks]") from None
    except (ValueError, httpx.InvalidURL):  # whose text would show the password
        raise UsageError("the proxy of the environment is not a valid URL; check HTTP_PROXY and HTTPS_PROXY") from None
    with client:
        yield client


def _check_cache(location: str) -> None:
    """Make sure that a file that was named is a cache: the client would only go on without it.

    Raises:
        ForeignFile: it is not.
    """
    from condget.errors import ForeignFile, StoreError
    from condget.stores.opening import open_store, scheme_of

    if scheme_of(location) is not None:
        return
    try:
        store = open_store(location)
        store.load("", "")
        store.close()
    except ForeignFile:
        raise
    except StoreError:  # which the client logs
        return


def _get(client: Client, wish: _Wish, url: str, credentials: tuple[str, str] | None, path: Path | None) -> bool:
    """Get one URL and write it; return whether that was news.

    Raises:
        FetchError: no answer came, or one that is an error.
    """
    from condget.cli.fetch_errors import explained

    httpx = own()
    try:
        with _exchange(client, wish, url, credentials) as response:
            return _deliver(response, wish, url, path)
    except httpx.HTTPError as error:
        raise FetchError(explained(error, url)) from error
    except httpx.InvalidURL as error:
        raise FetchError(f"{url}: it redirects to what is not a URL of the web; tell the site's owner") from error


@contextmanager
def _exchange(client: Client, wish: _Wish, url: str, credentials: tuple[str, str] | None) -> Iterator[httpx.Response]:
    """Send a request, follow redirects, and yield the last response with its content still to come."""
    from condget.cli.request_fields import netrc_credentials

    httpx = own()
    extensions: dict[str, Any] = {"condget": {"mode": wish.mode}}
    if wish.verbose:
        extensions["trace"] = _Trace(wish.fields.hidden)
    request = client.build_request(
        "HEAD" if wish.head else "GET", url, headers=list(wish.fields.pairs), extensions=extensions
    )
    origin = request.url
    if credentials is None and wish.netrc:
        credentials = netrc_credentials(origin.host)
    # httpx would send the userinfo of a Location, which its server made up.
    auth = httpx.BasicAuth(*credentials) if credentials else httpx.Auth()
    for _ in range(_MOST_REDIRECTS + 1):
        response = client.send(request, stream=True, auth=auth, follow_redirects=False)
        try:
            if response.next_request is None:
                yield response
                return
            _read_page(response)
        finally:
            response.close()
            if wish.verbose:
                _note_status(response)
        request, auth = response.next_request, httpx.Auth()
        wish.fields.strip(request, origin)
    raise FetchError(f"{url}: more than {_MOST_REDIRECTS} redirects; the server sends its visitors in circles")


def _deliver(response: httpx.Response, wish: _Wish, url: str, path: Path | None) -> bool:
    """Write what was got, or raise for a response that is an error; return whether it was news."""
    from condget.cli.destination import write_file, write_stdout

    status: CacheStatus = response.extensions["condget"]
    if response.status_code == 304:
        response.close()
        if wish.fields.are_conditional:
            return False
        raise FetchError(f"{url}: 304 Not Modified to a request without a condition; try --mode reload")
    is_error = response.status_code >= 400
    news = False
    content: Iterator[bytes] | None = response.iter_bytes()
    charset = response.charset_encoding
    if wish.head:
        content, charset = iter([_head(response)]), "utf-8"
    elif is_error and not wish.fail_with_body:
        content = None
    if content is not None:
        if path is None or str(path) == "-":
            write_stdout(content, charset, binary_too=path is not None)
            news = not status.hit and status.fwd_status != 304
        else:
            news = write_file(path, _with_bar(content, response, shown=not wish.verbose))
    if is_error:
        page = b"" if content is not None else _read_page(response)
        raise FetchError(_refusal(response, status, wish, url, page))
    _say_if_stale(response, url)
    return news


def _with_bar(content: Iterable[bytes], response: httpx.Response, *, shown: bool) -> Iterator[bytes]:
    """Yield content, and show on a terminal how much of it has come."""
    from condget.cli.progress import Bar, in_bytes

    bar, length = Bar(shown=shown), response.headers.get("content-length", "")
    total = int(length) if length.isdecimal() and len(length) < 16 else None
    try:
        for chunk in content:
            # It counts bytes as received; the content may be coded.
            received = response.num_bytes_downloaded
            of = "" if total is None else f" of {in_bytes(total)}"
            bar.show(received, total, f"{in_bytes(received)}{of}")
            yield chunk
    finally:
        bar.hide()


def _refusal(response: httpx.Response, status: CacheStatus, wish: _Wish, url: str, page: bytes) -> str:
    """Say which HTTP error came (F9)."""
    from condget.fetching.failures import snippet

    if wish.mode == "only-if-cached" and response.status_code == 504 and status.fwd_status is None:
        return f"{url}: nothing stored can be used; leave out --mode only-if-cached"
    secrets = [value for name, value in wish.fields.pairs if name.lower() in wish.fields.hidden]
    words = snippet(page, response.headers.get("Content-Type"), secrets)
    answer = f"the server answered {response.status_code} {response.reason_phrase}".rstrip()
    return f'{url}: {answer} ("{words}")' if words else f"{url}: {answer}"


def _say_if_stale(response: httpx.Response, url: str) -> None:
    status: CacheStatus = response.extensions["condget"]
    if status.detail is not None and status.detail.startswith("stale"):
        say(f"{url}: {status.detail}; the stored content is {status.age} s old")
    elif status.hit and (status.ttl or 0) < 0:
        say(f"{url}: stale by {-(status.ttl or 0)} s, as its origin or --mode allows")


def _read_page(response: httpx.Response) -> bytes:
    """Read a body that is not what the user asked for, as far as that is worth the time."""
    httpx = own()
    page, deadline = b"", time.monotonic() + _PAGE_SECONDS
    with suppress(httpx.HTTPError):
        for chunk in response.iter_bytes():
            page += chunk
            if len(page) > _PAGE_BYTES or time.monotonic() > deadline:
                break
    return page


def _head(response: httpx.Response) -> bytes:
    lines = [f"{response.http_version} {response.status_code} {response.reason_phrase}".rstrip()]
    lines += [f"{name}: {value}" for name, value in _shown(response.headers.raw, frozenset())]
    lines.append(f"Cache-Status: {response.extensions['condget']}")
    return "".join(f"{on_one_line(line)}\n" for line in lines).encode()


def _note_status(response: httpx.Response) -> None:
    status: CacheStatus = response.extensions["condget"]
    age = "" if status.age is None else f"; age={status.age}"
    note(f"* {response.status_code} {response.url.copy_with(userinfo=b'')}: {status}{age}")


class _Trace:
    """Shows request and response heads as they are on the wire, as curl -v does."""

    def __init__(self, hidden: frozenset[str]) -> None:
        self._hidden = hidden

    def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Receive an event of httpcore."""
        if event.endswith("send_request_headers.started"):
            request = info["request"]
            note(f"> {request.method.decode()} {request.url.target.decode('latin-1')} HTTP/1.1")
            self._note_fields(">", request.headers)
        elif event.endswith("receive_response_headers.complete"):
            version, status, reason, fields = info["return_value"][:4]
            note(f"< {version.decode()} {status} {reason.decode('latin-1')}".rstrip())
            self._note_fields("<", fields)

    def _note_fields(self, mark: str, fields: list[tuple[bytes, bytes]]) -> None:
        for name, value in _shown(fields, self._hidden):
            note(f"{mark} {name}: {value}")
        note(mark)


def _shown(fields: list[tuple[bytes, bytes]], hidden: frozenset[str]) -> Iterator[tuple[str, str]]:
    from condget.field_names import SECRET

    for raw_name, value in fields:
        name = raw_name.decode("latin-1")
        yield name, "***" if name.lower() in hidden | SECRET else value.decode("latin-1")
