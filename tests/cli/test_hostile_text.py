"""Nothing of strangers reaches the terminal raw: every control through every field of every command (F9).

A stranger writes feeds, heads of responses, error pages and the lists that others export.
"""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

import pytest

from condget.reports import FORMATS
from tests.cli.conftest import Run
from tests.origin import Answer, Origin, ok, redirect
from tests.test_shown import CONTROLS

#: Sequences that move the cursor, set the title or the clipboard, and ask the terminal to type something.
SEQUENCES = '\x1b[2J\x1b[1;1H\x1b]0;owned\x07\x1b]52;c;b3duZWQ=\x1b\\\x1bP$q"p\x1b\\\x9b6n\x9d0;owned\x9c\x1bc'
TEXT = f"be{CONTROLS}{SEQUENCES}fore\r\ncondget: forged"
#: The characters that XML can hold, as references or as they are.
XML = "".join(c for c in TEXT if c in "\t\r\n" or " " <= c < "\ud800" or c in "\ufeff\ufff9\ufffa\ufffb")
#: The characters that a field of a response can hold.
FIELD = "".join(map(chr, range(0x80, 0x100))) + "\tx"


def is_safe(text: str, *, lines: int | None = None) -> bool:
    return not set(text) & (set(CONTROLS) - {"\n", "\t"}) and (lines is None or text.count("\n") == lines)


def rss(text: str, item: str = "") -> bytes:
    text = escape(text)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>{text}</title><link>{text}</link>'
        f"<item><guid>{text}{item}</guid><title>{text}{item}</title><link>https://example.org/{text}</link>"
        f"<description>{text}</description><pubDate>{text}</pubDate></item></channel></rss>"
    ).encode("utf-8", "replace")


def json_feed(text: str) -> bytes:
    item = {
        "id": text,
        "title": text,
        "url": f"https://example.org/{text}",
        "content_text": text,
        "date_published": text,
    }
    return json.dumps({"version": f"https://jsonfeed.org/version/1{text}", "title": text, "items": [item]}).encode()


@pytest.mark.parametrize("content", [rss(XML), json_feed(TEXT)], ids=["rss", "json"])
@pytest.mark.parametrize("form", FORMATS)
def test_f9_a_hostile_feed(invoke: Run, origin: Origin, form: str, content: bytes) -> None:
    """F9: in every report, in list and explain, and in doctor."""
    url = origin.url("/feed")
    origin.script("/feed", ok(content, etag=f'"{FIELD}"', last_modified=FIELD))
    for options in (["--entries"], ["--all", "--force"], ["-v", "--force"]):
        done = invoke("poll", "-f", form, *options, url)
        assert done.returncode == 0
        assert is_safe(done.stdout + done.stderr)
    origin.script("/feed", ok(rss(XML, " II"), etag=f'"{FIELD}"'))
    assert is_safe(invoke("poll", "-f", form, "--edited", "--force", url).stdout)
    for command in ("list", "explain", "doctor", "dead", "moved", "export"):
        done = invoke(command, url)
        assert is_safe(done.stdout + done.stderr), command
        assert "\ncondget: forged" not in done.stdout


@pytest.mark.parametrize(
    "answer",
    [
        Answer(503, body=TEXT.encode("utf-8", "replace"), fields=[("Retry-After", FIELD)], reason=FIELD),
        Answer(429, body=b"<h1>" + FIELD.encode("latin-1"), fields=[("Retry-After", "3600"), ("Content-Type", FIELD)]),
        Answer(404, body=TEXT.encode("utf-16", "replace"), fields=[("Content-Type", "text/html; charset=utf-16")]),
        Answer(200, body=f"<html><title>{XML}</title><p>{XML}".encode("utf-8", "replace")),
        Answer(200, body=TEXT.encode("utf-8", "replace")),
        Answer(200, body=f'<!DOCTYPE x [<!ENTITY a "{XML}">]><{CONTROLS[3]}x>'.encode("utf-8", "replace")),
        Answer(200, fields=[("Content-Encoding", FIELD)], body=b"x"),
        redirect(f"http://ex{FIELD}ample.invalid/"),
        redirect(f"{FIELD}:x"),
        Answer(200, body=b"\0" * 9),
    ],
    ids=["503", "429", "404", "page", "text", "document type", "coding", "host", "scheme", "zeros"],
)
def test_f9_a_hostile_answer(invoke: Run, origin: Origin, answer: Answer) -> None:
    """F9: in errors of every command."""
    origin.script("*", answer)
    url = origin.url("/feed")
    polls = [["poll", "-v", "--force", "-f", form] for form in FORMATS]
    for command in (*polls, ["list"], ["explain"], ["doctor"]):
        done = invoke(*command, url)
        assert is_safe(done.stdout + done.stderr), command
        assert "internal error" not in done.stderr
        assert "\ncondget: forged" not in done.stdout + done.stderr
    for options in ([], ["-v"], ["--head"], ["--mode", "reload"]):
        done = invoke("get", *options, "-o", "content", url)
        assert is_safe(done.stdout + done.stderr)
        assert "internal error" not in done.stderr
        if options == ["--head"]:
            assert is_safe(invoke("get", "--head", url).stdout)


@pytest.mark.parametrize(
    "line",
    [
        f"https://example.org/{CONTROLS}",
        f"https://{CONTROLS}.example.org/",
        f"{CONTROLS}",
        f"x{CONTROLS}:y",
        f"https://example.org/ {CONTROLS}",
        f"https://example.org/ {CONTROLS}=1",
        f"https://example.org/ every={CONTROLS}",
        f"https://example.org/ validators={CONTROLS}",
        f"https://example.org/ private-network={CONTROLS}",
        f"https://example.org/ header={CONTROLS}:x",
        f"https://example.org/ header=X:{CONTROLS}",
        f"https://example.org/ header=X:@file:{CONTROLS}",
        f"https://example.org/ header=X:@env:{CONTROLS}",
        f'http://127.0.0.1:1/ name="{CONTROLS}"',
    ],
    ids=range(14),
)
def test_f9_a_hostile_list(invoke: Run, tmp_path: Path, line: str) -> None:
    """F9, D9: in refusals and in names."""
    # As bytes, what is left of the line after its line ends is the bad one.
    (tmp_path / "feeds.txt").write_bytes(line.encode("utf-8", "surrogatepass"))
    polls = [["poll", "-v", "--force", "-f", form] for form in FORMATS]
    for command in (*polls, ["poll", "-n"], ["list"], ["explain", "http://127.0.0.1:1/"], ["export"], ["moved"]):
        done = invoke(*command, "feeds.txt")
        assert is_safe(done.stdout + done.stderr), command
        assert "internal error" not in done.stderr


@pytest.mark.parametrize("attribute", ["text", "title", "condget:name", "condget:every", "header", "xmlUrl"])
def test_f9_a_hostile_opml(invoke: Run, tmp_path: Path, attribute: str) -> None:
    """F9, D9"""
    value = escape(XML).replace("\n", "&#10;").replace("\r", "&#13;")
    url = "" if attribute == "xmlUrl" else 'xmlUrl="http://127.0.0.1:1/"'
    text = f'<opml><body><outline {attribute}="x{value}" {url}/><outline xmlUrl="exec{value}:x"/></body></opml>'
    (tmp_path / "feeds.opml").write_text(text, encoding="utf-8", errors="replace")
    commands = (
        ["poll", "-v"],
        ["list"],
        ["explain", "http://127.0.0.1:1/"],
        ["import"],
        ["export"],
        ["dead"],
        ["moved"],
    )
    for command in (*commands, *(["poll", "--force", "-f", form] for form in FORMATS)):
        done = invoke(*command, "feeds.opml")
        assert is_safe(done.stdout + done.stderr), command
        assert "internal error" not in done.stderr
        assert "\ncondget: forged" not in done.stdout + done.stderr


def test_f9_hostile_stored_responses(invoke: Run, origin: Origin) -> None:
    """F9: what the cache lists and shows."""
    origin.script("*", ok(b"x", etag=f'"{FIELD}"', cache_control=f"max-age=600, {FIELD}", content_type=FIELD))
    url = origin.url("/page?")
    for command in (["get", "-v", url], ["get", "-I", url], ["cache", "list"], ["cache", "info"], ["cache", "export"]):
        done = invoke(*command)
        assert (done.returncode, is_safe(done.stdout + done.stderr)) == (0, True), command


def test_f9_a_hostile_state(invoke: Run, origin: Origin) -> None:
    """F9, A3: an export is safe to look at, and loses nothing of a validator."""
    origin.script("/feed", ok(rss(XML), etag=f'"\x7f{FIELD}"'), Answer(304))
    invoke("poll", origin.url("/feed"))
    exported = invoke("state", "export")
    assert is_safe(exported.stdout + exported.stderr)
    assert exported.stdout.isascii()


def test_f9_a_hostile_page(invoke: Run, origin: Origin, tmp_path: Path) -> None:
    """F9: the feeds that it names."""
    link = '<link rel="alternate" type="application/rss+xml" title="{}" href="/{}">'
    page = "".join(link.format(escape(XML), n) for n in "ab") + link.format("x", escape(XML))
    origin.script("*", ok(f"<html><head><title>{XML}</title>{page}".encode("utf-8", "replace")))
    (tmp_path / "feeds.txt").write_text("http://127.0.0.1:1/\n")
    for command in (["doctor"], ["poll"], ["add"]):
        done = invoke(*command, origin.url("/"), *(["feeds.txt"] if command == ["add"] else []))
        assert is_safe(done.stdout + done.stderr), command
        assert "internal error" not in done.stderr
        assert "\ncondget: forged" not in done.stdout + done.stderr
