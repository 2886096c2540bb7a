"""Origin: a scripted HTTP origin on a raw loopback socket. It can send anything, and logs what it received.

    with Origin() as origin:
        origin.script("/feed", ok(b"<rss/>", etag='"a"'), not_modified(etag='"a"'))
        httpx.get(origin.url("/feed"))
        origin.requests_for("/feed")[0].fields.get("if-none-match")

The answers of a path are sent in order, and the last one repeats. Nothing is added to the script, not even Date, except
Content-Length (see `Answer`), and `Connection: close` if the connection is about to close.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from urllib.parse import urlsplit

from condget.cache.fields import Fields

Text = str | bytes

#: The linger option, on for zero seconds, with which close() sends RST.
RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it arrived. `raw` is its head, byte for byte, with the empty line that ends it."""

    method: str
    target: str
    version: str
    fields: Fields
    body: bytes
    raw: bytes
    #: `time.monotonic()` when the head had arrived.
    received_at: float
    #: Number of the connection that carried it, from 1 in order of arrival.
    connection: int

    @property
    def path(self) -> str:
        """The target without its query, and without the scheme and authority that a proxy receives."""
        return self.resource.partition("?")[0]

    @property
    def resource(self) -> str:
        """The target with its query, without scheme and authority."""
        if self.target.startswith(("http://", "https://")):
            parts = urlsplit(self.target)
            return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return self.target


@dataclass(frozen=True, slots=True)
class Answer:
    """A response to send. `str` goes out as latin-1, `bytes` as they are, fields in order with repetitions.

    Content-Length is added unless `fields` has one, the answer is `chunked`, or its status allows no content.
    A body goes to HEAD, 1xx, 204 and 304 only through `raw`.
    """

    status: int = 200
    fields: Iterable[tuple[Text, Text]] = ()
    body: bytes = b""
    reason: Text | None = None
    #: Seconds before the first byte, and seconds before each chunk.
    delay: float = 0.0
    chunk_delay: float = 0.0
    #: The body in pieces, each sent by itself; `chunked` adds Transfer-Encoding and frames them (or `body`).
    chunks: Iterable[bytes] | None = None
    chunked: bool = False
    #: The value of Content-Length, whatever the body is.
    declared_length: int | None = None
    #: Send that many bytes of the body, then close.
    truncate: int | None = None
    #: End with RST: at once, or after `truncate` bytes of the body if both are set.
    reset: bool = False
    #: None: close if nothing else can end the message, else keep the connection.
    close: bool | None = None
    #: Bytes that belong to no response, sent right after this one.
    surplus: bytes = b""
    #: In place of a message: these bytes, or these pieces `chunk_delay` apart; closed unless `close=False`.
    raw: bytes | Iterable[bytes] | None = None
    version: str = "HTTP/1.1"


Script = bytes | Answer | Callable[[RawRequest], bytes | Answer]


def ok(body: bytes = b"", **fields: Text) -> Answer:
    """A 200 with that body; `etag='"a"'` makes an ETag, `last_modified=...` a Last-Modified."""
    return Answer(200, fields=_named(fields), body=body)


def not_modified(**fields: Text) -> Answer:
    """A 304."""
    return Answer(304, fields=_named(fields))


def redirect(location: Text, status: int = 302, **fields: Text) -> Answer:
    """A redirect to that Location."""
    return Answer(status, fields=[("Location", location), *_named(fields)])


def conditional(body: bytes, **fields: Text) -> Callable[[RawRequest], Answer]:
    """A 304 to a request that echoes the ETag or, without If-None-Match, the Last-Modified; else the 200."""

    def answer(request: RawRequest) -> Answer:
        for precondition, validator in (("If-None-Match", "etag"), ("If-Modified-Since", "last_modified")):
            if (value := request.fields.get(precondition)) is not None:
                return not_modified(**fields) if value == _text(fields.get(validator, "")) else ok(body, **fields)
        return ok(body, **fields)

    return answer


def drip(data: bytes, every: float = 0.5) -> Callable[[RawRequest], Answer]:
    """These bytes as they are, one at a time."""
    return lambda request: Answer(raw=(data[i : i + 1] for i in range(len(data))), chunk_delay=every)


def endless_head() -> Callable[[RawRequest], Answer]:
    """A head of fields that never ends."""
    more = b"X-More: of the same\r\n" * 50
    return lambda request: Answer(raw=itertools.chain([b"HTTP/1.1 200 OK\r\n"], itertools.repeat(more)))


def endless_body(piece: bytes = b"\0" * 65536, **fields: Text) -> Callable[[RawRequest], Answer]:
    """A body that never ends."""
    return lambda request: Answer(200, fields=_named(fields), chunks=itertools.repeat(piece), chunked=True)


class Origin:
    """The origin. A context manager; also `start()` and `stop()`. Safe to use from any thread."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self.port = port
        self._changed = threading.Condition()
        self._scripts: dict[str, list[Script]] = {}
        self._requests: list[RawRequest] = []
        self._errors: list[BaseException] = []
        self._stopping = threading.Event()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._count = 0
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None

    # --- for tests

    def url(self, path: str = "/", *, userinfo: str = "") -> str:
        """Return the absolute URL of a path."""
        return f"http://{userinfo + '@' if userinfo else ''}{self.host}:{self.port}{path}"

    @property
    def netloc(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"

    def script(self, path: str, *answers: Script) -> None:
        """Set the answers of a path in order; the last one repeats. Answers set before are replaced.

        A path with a query is for that exact target, a path without one for every query, and `*` for all others.
        """
        if not answers:
            raise ValueError("a script needs at least one answer")
        with self._changed:
            self._scripts[path] = list(answers)

    @property
    def requests(self) -> list[RawRequest]:
        """Every request so far, in order of arrival."""
        with self._changed:
            return list(self._requests)

    def requests_for(self, path: str) -> list[RawRequest]:
        """Return the requests for a path with any query, or, if `path` has a query, for exactly that target."""
        return [r for r in self.requests if path == (r.resource if "?" in path else r.path)]

    @property
    def connections(self) -> int:
        """The number of connections so far."""
        with self._changed:
            return self._count

    def clear(self) -> None:
        """Forget the requests; the scripts stay."""
        with self._changed:
            self._requests.clear()

    def wait_for(self, n: int, timeout: float = 5.0) -> list[RawRequest]:
        """Wait until there are `n` requests and return all of them; AssertionError if they do not arrive."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self._requests) >= n, timeout)
            assert arrived, f"{len(self._requests)} of {n} requests arrived within {timeout} s"
            return list(self._requests)

    # --- life

    def start(self) -> Origin:
        """Listen, and answer from now on."""
        self._listener = socket.create_server((self.host, self.port), backlog=256)
        self.port = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name=f"origin-{self.port}", daemon=True)
        self._acceptor.start()
        return self

    def stop(self) -> None:
        """Close every connection and wait for the threads. A second call does nothing."""
        if self._listener is None or self._acceptor is None:
            return
        self._stopping.set()
        listener, self._listener = self._listener, None
        _hang_up(listener)
        # A shutdown does not wake accept() everywhere (macOS), a connection does.
        with contextlib.suppress(OSError):
            socket.create_connection((self.host, self.port), timeout=0.2).close()
        self._acceptor.join(5)
        listener.close()
        with self._changed:
            connections = dict(self._connections)
        for connection in connections:
            _hang_up(connection)
        for thread in connections.values():
            thread.join(5)

    def __enter__(self) -> Origin:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        if self._errors and kind is None:
            raise self._errors[0]

    # --- threads

    def _accept(self) -> None:
        listener = self._listener
        while listener is not None and not self._stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if self._stopping.is_set():
                connection.close()
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                self._count += 1
                thread = threading.Thread(target=self.serve, args=(connection, self._count), daemon=True)
                self._connections[connection] = thread
            thread.start()

    def serve(self, connection: socket.socket, number: int) -> None:
        try:
            with connection, connection.makefile("rb") as stream:
                while (request := _read(stream, number)) is not None:
                    with self._changed:
                        self._requests.append(request)
                        self._changed.notify_all()
                    if not self._answer(connection, request):
                        _finish(connection)
                        return
        except OSError:
            return  # the client went away, or the test is over
        except BaseException as error:  # noqa: BLE001 - a test's callable failed; the test is told at the end
            self._errors.append(error)
        finally:
            with self._changed:
                self._connections.pop(connection, None)

    def _next(self, request: RawRequest) -> Script:
        with self._changed:
            for key in (request.resource, request.path, "*"):
                if answers := self._scripts.get(key):
                    return answers.pop(0) if len(answers) > 1 else answers[0]
        return Answer(404, body=b"nothing is scripted for this path\n")

    def _answer(self, connection: socket.socket, request: RawRequest) -> bool:
        """Send one answer; False when the connection is to be closed."""
        script = self._next(request)
        answer = script(request) if callable(script) else script
        if isinstance(answer, bytes):
            answer = Answer(raw=answer)
        self._pause(answer.delay)
        if answer.raw is not None:
            pieces = [answer.raw] if isinstance(answer.raw, bytes) else answer.raw
            self._send(connection, pieces, answer.chunk_delay)
            keep = answer.close is False
        elif answer.reset and answer.truncate is None:
            keep = False
        else:
            keep = self._send_message(connection, request, answer)
        if answer.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            keep = False
        return keep

    def _send_message(self, connection: socket.socket, request: RawRequest, answer: Answer) -> bool:
        fields = [(_bytes(name), _bytes(value)) for name, value in answer.fields]
        names = {name.lower() for name, _ in fields}
        allows_content = answer.status >= 200 and answer.status not in (204, 304)
        pieces: Iterable[bytes] = [answer.body] if answer.chunks is None else answer.chunks
        if answer.chunked:
            fields.append((b"Transfer-Encoding", b"chunked"))
        elif answer.declared_length is not None:
            fields.append((b"Content-Length", b"%d" % answer.declared_length))
        elif allows_content and b"content-length" not in names and answer.chunks is None:
            fields.append((b"Content-Length", b"%d" % len(answer.body)))
        framed = not allows_content or any(
            name.lower() in (b"content-length", b"transfer-encoding") for name, _ in fields
        )
        if answer.close is not None:
            keep = not answer.close
        else:
            options = (request.fields.get("Connection") or "").lower()
            persistent = "close" not in options and request.version != "HTTP/1.0"
            keep = framed and persistent and answer.truncate is None and answer.declared_length is None
        if not keep and b"connection" not in names:
            fields.append((b"Connection", b"close"))

        reason = _reason(answer.status) if answer.reason is None else answer.reason
        head = b"%s %d %s\r\n" % (answer.version.encode(), answer.status, _bytes(reason))
        head += b"".join(b"%s: %s\r\n" % field for field in fields) + b"\r\n"
        if not allows_content or request.method == "HEAD":
            pieces = []
        elif answer.truncate is not None:
            pieces = _truncated(pieces, answer.truncate)
        if answer.chunked and allows_content and request.method != "HEAD":
            last = b"" if answer.truncate is not None else b"0\r\n\r\n"
            pieces = itertools.chain((b"%x\r\n%s\r\n" % (len(p), p) for p in pieces if p), [last])
        if isinstance(pieces, list) and not answer.chunk_delay:
            connection.sendall(head + b"".join(pieces))
        else:
            connection.sendall(head)
            self._send(connection, pieces, answer.chunk_delay)
        connection.sendall(answer.surplus)
        return keep

    def _send(self, connection: socket.socket, pieces: Iterable[bytes], delay: float) -> None:
        for piece in pieces:
            self._pause(delay)
            connection.sendall(piece)
            if self._stopping.is_set():
                return

    def _pause(self, seconds: float) -> None:
        if seconds and self._stopping.wait(seconds):
            raise ConnectionAbortedError("the origin was stopped")


def _read(stream: Iterable[bytes], number: int) -> RawRequest | None:
    """Read one request; None at the end of the connection, or if the bytes are not a request."""
    readline, read = stream.readline, stream.read  # type: ignore[attr-defined]
    lines: list[bytes] = []
    while not lines or lines[-1] not in (b"\r\n", b"\n"):
        line = readline()
        if not line.endswith(b"\n"):
            return None
        lines.append(line)
    received_at = time.monotonic()
    words = lines[0].decode("latin-1").split()
    if len(words) != 3:
        return None
    pairs = (line.decode("latin-1").rstrip("\r\n").partition(":") for line in lines[1:-1])
    fields = Fields((name, value.strip(" \t")) for name, _, value in pairs)
    if "chunked" in (fields.get("Transfer-Encoding") or "").lower():
        body = b""
        while size := int(readline().split(b";")[0], 16):
            body += read(size)
            readline()
        while readline() not in (b"\r\n", b"\n", b""):
            continue
    else:
        body = read(int(fields.first("Content-Length") or 0))
    return RawRequest(words[0], words[1], words[2], fields, body, b"".join(lines), received_at, number)


def _truncated(pieces: Iterable[bytes], length: int) -> Iterator[bytes]:
    for piece in pieces:
        yield piece[:length]
        length -= len(piece)
        if length <= 0:
            return


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # not connected any more


def _finish(connection: socket.socket) -> None:
    # Without this a close() with unread input sends RST, which can destroy the answer before it is read.
    if connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) != RESET:
        connection.shutdown(socket.SHUT_WR)


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"


def _named(fields: dict[str, Text]) -> list[tuple[Text, Text]]:
    special = {"etag": "ETag", "www_authenticate": "WWW-Authenticate"}
    return [(special.get(name, name.replace("_", "-").title()), value) for name, value in fields.items()]


def _bytes(text: Text) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


def _text(value: Text) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
