"""An origin that answers conditional requests: posts in memory, a page and an RSS feed made of them.

The server's half of condget, on the standard library's HTTP server. `make_etag` names the content to send;
`evaluate` decides by RFC 9110 whether the client has that content already (304), or would change content that it
has not seen (412).

    python examples/origin.py 8000
    curl -i http://127.0.0.1:8000/only-etag?tag=code
    curl -X POST  http://127.0.0.1:8000/db -d '{"title": "ETag", "tag": "code"}'
    curl -X PATCH http://127.0.0.1:8000/db -d '{"title": "Amazing Caching", "index": 0}'
    condget get -v http://127.0.0.1:8000/feed.xml

`condget demo` runs this origin too; `examples/origin.py` starts it.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.utils import formatdate
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from condget import evaluate, make_etag


@dataclass(frozen=True, slots=True)
class Post:
    """A row of the table."""

    title: str
    tag: str
    #: POSIX seconds.
    written: float


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, and the response as it was sent."""

    method: str
    target: str
    #: The precondition fields of the request.
    preconditions: tuple[tuple[str, str], ...]
    status: int
    #: Bytes of content that were sent, and the length of the target's content.
    sent: int
    length: int


@dataclass(frozen=True, slots=True)
class Representation:
    """The content of a target at this instant."""

    media_type: str
    content: bytes
    last_modified: float | None = None


PAGE = """<html>
  <body>
    <h1>Tag: {tag}</h1>
    <ul>{posts}</ul>
    <form method="GET">
      <input type="text" name="tag" id="tag" autofocus />
      <input type="submit" value="filter" />
    </form>
  </body>
</html>
"""

FEED = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0">
<channel>
<title>Posts</title>
<link>{url}/only-etag</link>
<description>Posts about caching, and dogs</description>
{items}
</channel>
</rss>
"""

ITEM = """<item>
<title>{title}</title>
<category>{tag}</category>
<guid isPermaLink="false">post-{index}</guid>
<pubDate>{date}</pubDate>
</item>"""


class Origin(ThreadingHTTPServer):
    """The table of posts, the page and the feed. `report` is called with every exchange."""

    daemon_threads = True

    def __init__(self, port: int, report: Callable[[Exchange], object]) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.lock = threading.Lock()
        self.report = report
        self.changed = time.time()
        rows = [("Caching", "code"), ("Headers", "code"), ("Dogs", "animals")]
        self.posts = [Post(title, tag, self.changed) for title, tag in rows]

    def tagged(self, tag: str | None) -> list[Post]:
        """Return the posts with a tag; None: all posts."""
        return [post for post in self.posts if tag in (None, post.tag)]

    def table(self, tag: str | None = None) -> bytes:
        """Return the table as JSON."""
        return json.dumps([{"title": post.title, "tag": post.tag} for post in self.tagged(tag)]).encode()

    def representation(self, target: str) -> Representation | None:
        """Return the content of a target, made anew from the table; None: no such target."""
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        tag = query.get("tag", [None])[0]
        match path:
            case "/db":
                return Representation("application/json", self.table(tag))
            case "/only-etag":
                titles = "\n".join(f"<li>{escape(post.title)}</li>" for post in self.tagged(tag))
                page = PAGE.format(tag=escape(tag or "all"), posts=titles)
                return Representation("text/html; charset=utf-8", page.encode())
            case "/feed.xml":
                items = [
                    ITEM.format(
                        index=index,
                        title=escape(post.title),
                        tag=escape(post.tag),
                        date=formatdate(post.written, usegmt=True),
                    )
                    for index, post in enumerate(self.posts)
                ]
                feed = FEED.format(url=self.url, items="\n".join(reversed(items)))
                return Representation("application/rss+xml", feed.encode(), self.changed)
        return None

    def add(self, title: str, tag: str) -> None:
        """Append a post to the table."""
        self.changed = time.time()
        self.posts.append(Post(title, tag, self.changed))

    def rename(self, index: int, title: str) -> None:
        """Change the title of a post."""
        self.posts[index] = replace(self.posts[index], title=title)
        self.changed = time.time()

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet when a client hangs up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Handler(BaseHTTPRequestHandler):
    """One connection to the origin."""

    server: Origin
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and content leave together, when the method is done

    def do_GET(self) -> None:
        """Send the representation, or 304 to a client that has it."""
        with self.server.lock:
            representation = self.server.representation(self.path)
        if representation is None:
            return self.answer(404, {})
        etag = make_etag(representation.content)
        status = evaluate(self.command, self.headers.items(), etag, representation.last_modified)
        fields = {"ETag": etag, "Cache-Control": "no-cache"}  # store it, and validate it before each reuse
        if representation.last_modified is not None:
            fields["Last-Modified"] = formatdate(representation.last_modified, usegmt=True)
        if status == 200:
            fields["Content-Type"] = representation.media_type
        return self.answer(status, fields, representation.content)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """Add a post: {"title": ..., "tag": ...}."""
        self.change(lambda body: self.server.add(str(body["title"]), str(body["tag"])), 201)

    def do_PATCH(self) -> None:
        """Change a title: {"title": ..., "index": ...}. If-Match protects content that the client has not seen."""
        self.change(lambda body: self.server.rename(int(body["index"]), str(body["title"])), 200)

    def change(self, perform: Callable[[dict[str, Any]], None], done: int) -> None:
        """Change the table unless a precondition forbids it; `done` is the status after the change."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if urlsplit(self.path).path != "/db":
            return self.answer(404, {})
        with self.server.lock:
            etag = make_etag(self.server.table())
            status: int = evaluate(self.command, self.headers.items(), etag, None)
            if status == 200:
                try:
                    perform(json.loads(body))
                    status = done
                except (ValueError, TypeError, LookupError):  # not JSON, no such field, no such post
                    status = 400
        return self.answer(status, {})

    def answer(self, status: int, fields: dict[str, str], content: bytes = b"") -> None:
        """Send a response and report it. Only a 200 has content, and only to GET."""
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        sent = content if status == 200 and self.command == "GET" else b""
        self.wfile.write(sent)
        preconditions = tuple((name, value) for name, value in self.headers.items() if name.lower().startswith("if-"))
        self.server.report(Exchange(self.command, self.path, preconditions, status, len(sent), len(content)))

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: exchanges go to `report`."""


@contextmanager
def running(report: Callable[[Exchange], object], port: int = 0) -> Iterator[Origin]:
    """Serve in a thread, on a free port by default, until the block is left."""
    with Origin(port, report) as origin:
        thread = threading.Thread(target=origin.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield origin
        finally:
            origin.shutdown()
            thread.join()


def main() -> None:
    """Serve until Ctrl-C."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000

    def report(exchange: Exchange) -> None:
        preconditions = [f"{name}: {value}" for name, value in exchange.preconditions]
        print(exchange.status, exchange.method, exchange.target, f"{exchange.sent} bytes", *preconditions, flush=True)

    with Origin(port, report) as origin:
        print(f"{origin.url}/only-etag  {origin.url}/feed.xml  {origin.url}/db", flush=True)
        try:
            origin.serve_forever()
        except KeyboardInterrupt:
            print("bye")


if __name__ == "__main__":
    main()
