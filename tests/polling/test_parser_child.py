"""The child process that reads documents, as its parent sees it: tasks go to its stdin, frames come from its stdout."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import IO, Any

import pytest

from condget.errors import DocumentError
from condget.feeds.values import Document
from condget.polling.parser_child import FRAME
from tests.polling.support import rss


class Child:
    """A child that calls one function."""

    def __init__(self, function: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from condget.polling.parser_child import serve; serve()", function],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._tasks: IO[bytes] = self.process.stdin
        self._answers: IO[bytes] = self.process.stdout

    def ask(self, content: bytes, seconds: float = 20.0) -> None:
        self._tasks.write(pickle.dumps((seconds, len(content), None, "http://feed.example/", "")) + content)
        self._tasks.flush()

    def frame(self) -> tuple[int, Any]:
        """Return the length of the next frame, and what is in it."""
        length = int.from_bytes(self._answers.read(8), "big")
        return length, pickle.loads(self._answers.read(length))

    def end(self) -> int:
        self._tasks.close()
        code = self.process.wait(20)
        self._answers.close()
        return code


@pytest.fixture
def reader() -> Iterator[Child]:
    child = Child("condget.feeds.documents:parse")
    yield child
    child.end()


def test_one_child_reads_one_document_after_the_other(reader: Child) -> None:
    for posts in ((1,), (1, 2)):
        reader.ask(rss(*posts))
        _, (document, count) = reader.frame()
        assert isinstance(document, Document)
        assert (document.title, document.entries, count) == ("Tea", (), len(posts))
        _, entries = reader.frame()
        assert len(entries) == count


def test_f1_entries_come_in_frames_that_are_read_at_once(reader: Child) -> None:
    """F1: of a few hundred entries, and of about a megabyte"""
    reader.ask(rss(*range(2 * FRAME)))
    _, (_, count) = reader.frame()
    assert [len(reader.frame()[1]) for _ in range(2)] == [FRAME, FRAME] == [count // 2] * 2
    long = rss(*range(20)).replace(b"</item>", b"<description>" + b"tea " * 50_000 + b"</description></item>")
    reader.ask(long)
    _, (_, count) = reader.frame()
    lengths, entries = [], 0
    while entries < count:
        length, found = reader.frame()
        lengths.append(length)
        entries += len(found)
    assert len(lengths) > 3
    assert max(lengths) <= 1_000_000


def test_f4_an_error_is_an_answer_and_is_not_endless(reader: Child) -> None:
    """F4: the words may quote the document"""
    reader.ask(b"<" + b"a" * 100_000 + b"/>")
    _, (error, count) = reader.frame()
    assert isinstance(error, DocumentError)
    assert (count, str(error)[:30]) == (0, "no feed but markup with the ro")
    assert len(str(error)) == 2_000


def test_what_a_library_prints_does_not_get_between_the_answers() -> None:
    child = Child("tests.polling.hostile:parse")
    child.ask(b"good")
    assert child.frame()[1][0].title == "good"
    assert child.end() == 0


def test_f3_a_child_ends_itself_when_a_document_takes_too_long() -> None:
    """F3: nobody has to kill it, so that not even an orphan goes on"""
    child = Child("tests.polling.hostile:parse")
    child.ask(b"hang", 0.2)
    assert child.process.wait(20) == -signal.SIGALRM
    child.end()
