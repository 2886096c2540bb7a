"""A parser that some contents crash or hang, for the children of `condget.polling.parser_process`."""

from __future__ import annotations

import os
import signal
import sys
import time

from condget.feeds.values import Document, Entry


def parse(content: bytes, content_type: str | None, location: str, recall: str = "") -> Document:
    if b"crash" in content:
        os.kill(os.getpid(), signal.SIGSEGV)
    if b"hang" in content:
        time.sleep(60)
    if b"exit" in content:
        sys.exit(3)
    if b"fail" in content:
        raise ValueError("of its own")
    os.write(1, b"a library that prints")
    return Document(title=content.decode(), version="rss20", entries=())


def many_long_texts(content: bytes, content_type: str | None, location: str, recall: str) -> Document:
    """A document of 40 MB in 400 entries, whose characters take most time to decode."""
    text = "\U0001f600" * 25_000
    return Document(
        None, "", tuple(Entry(str(n), None, None, None, None, "", content=f"{text}{n}") for n in range(400))
    )
