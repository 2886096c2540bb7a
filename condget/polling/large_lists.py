"""Text lists that are too long for memory: read as a stream once, then by the positions of their lines.

A list with more than `LARGE` lines is enrolled in the ledger by the digest of its content. As long as that stays, a run
reads only the lines of feeds that are due. OPML, stdin and several sources at once are read whole by `polling.lists`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from condget.errors import SubscriptionError
from condget.feeds.subscriptions import RefusedLine, Subscription, list_text, read_line
from condget.polling.lists import LINES_SHOWN, Listed, Source, in_directory

if TYPE_CHECKING:
    from condget.stores.protocols import EnrolledFeed, EnrollingLedger

#: Lines above which a list is large; the feeds of a shorter one take less than 50 MB.
LARGE = 50_000

#: Bytes of the shortest line that names a feed, such as `http://a`.
_SHORTEST = 9

#: Bytes that are read at once.
_BLOCK = 1 << 20

#: Bytes of a line that are read at once, and bytes that are read around it.
_LINE, _BUFFER = 1 << 12, 1 << 14

#: Part of the digest: where a later version reads lines otherwise, lists are enrolled anew.
_RULES = b"condget list 1\n"


class LargeList:
    """A large list, open for one run.

    A list that is replaced by a new file meanwhile is read on as it was. One that is edited in place is not: a line
    that holds another feed than before is passed over, and comes with the next run.
    """

    def __init__(self, name: str, path: Path) -> None:
        self._name = name
        self._path = path
        self._open_file: BinaryIO | None = None
        #: Of the content, once the list is enrolled.
        self.digest = ""
        #: How many lines name a feed.
        self.feeds = 0
        #: Whether this run enrolled it.
        self.is_new = False
        #: How many lines were found to hold another feed than before.
        self._missing = 0

    def enrol(self, ledger: EnrollingLedger) -> Listed:
        """Have the ledger know the lines; return what is to be said about the list, without its feeds.

        Raises:
            StoreError: the lines cannot be written.
            SubscriptionError: they cannot be read any more.
        """
        try:
            self._open_file = self._path.open("rb", buffering=_BUFFER)
            self.digest = _digest(self._open_file)
        except OSError as error:
            raise SubscriptionError(f"the list {self._name} cannot be read ({error.strerror})") from None
        skipped: tuple[str, ...] = ()
        remark = ledger.enrolment(self.digest)
        if remark is None:
            self.is_new = True
            lines = _Lines(self._name, self._file)
            feeds = ledger.enrol(self.digest, str(self._path), lines.feeds(), lines.remark)
            if (more := lines.named - feeds) > 0:
                skipped = (f"{self._name}: {more:,} lines name a feed of an earlier line, which counts",)
            remark = lines.remark()
        import json  # a run over short lists has no need of it

        facts = json.loads(remark)
        self.feeds = facts["feeds"]
        refused = tuple(
            line
            for number, position in facts["refused"]
            if isinstance(line := self._line(number, position), RefusedLine)
        )
        return Listed((), refused, skipped=skipped, more_refused=facts["more_refused"])

    def read(self, feeds: Iterable[EnrolledFeed]) -> list[Subscription]:
        """Return the feeds of enrolled lines, in the order in which they are named."""
        directory = self._path.parent
        found: list[Subscription] = []
        for feed in feeds:
            line = self._line(feed.line, feed.position)
            if isinstance(line, Subscription) and line.key == feed.key:
                found.append(in_directory(directory, line))
            else:
                self._missing += 1
        return found

    @property
    def unread(self) -> str | None:
        """Why feeds were not read, in a sentence; None: all were."""
        if not self._missing:
            return None
        return f"{self._name} was edited during the run; {self._missing:,} feeds of it come with the next run"

    def _line(self, number: int, position: int) -> Subscription | RefusedLine | None:
        self._file.seek(position)
        raw = b""
        # Where carriage returns alone end lines, there is no line feed before the end of the list.
        while (part := self._file.readline(_LINE)) and b"\n" not in raw and b"\r" not in raw:
            raw += part
        return read_line(_text(re.split(rb"[\r\n]", raw, maxsplit=1)[0], position), self._name, number)

    @property
    def _file(self) -> BinaryIO:
        assert self._open_file is not None, "the list is enrolled first"
        return self._open_file

    def close(self) -> None:
        """Close the file."""
        if self._open_file is not None:
            self._open_file.close()


class _Lines:
    """The lines of a list, read once, and the count of what they are."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self._name = name
        self._file = file
        self.named = 0
        self._refused: list[tuple[int, int]] = []
        self._more_refused = 0

    def feeds(self) -> Iterator[EnrolledFeed]:
        from condget.fetching.targets import host_of
        from condget.stores.protocols import EnrolledFeed

        self._file.seek(0)
        for number, position, raw in _lines(self._file):
            line = read_line(_text(raw, position), self._name, number)
            if isinstance(line, Subscription):
                self.named += 1
                is_open = line.userinfo is None and not line.options.headers
                yield EnrolledFeed(line.key, host_of(line.url), number, position, is_open)
            elif line is not None and len(self._refused) < LINES_SHOWN:
                self._refused.append((number, position))
            elif line is not None:
                self._more_refused += 1

    def remark(self) -> str:
        """Return what is to be known of the list by every run; a refused line may hold a secret, its place does not."""
        import json

        return json.dumps({"feeds": self.named, "refused": self._refused, "more_refused": self._more_refused})


def large_list(feeds: Sequence[Source], large: int | None = None) -> LargeList | None:
    """Return the list that is the only source, if it is a large one; None: it is to be read whole.

    Args:
        feeds: the sources.
        large: lines above which a list is large; None: `LARGE`.
    """
    large = LARGE if large is None else large
    if len(feeds) != 1 or not isinstance(source := feeds[0], str | os.PathLike) or source == "-":
        return None
    if isinstance(source, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", source):
        return None
    # A list that cannot be read is said where it is read whole.
    with suppress(OSError, ValueError):
        path = Path(source)
        if path.is_file() and path.stat().st_size >= large * _SHORTEST:
            with path.open("rb") as file:
                if _is_text(file) and _has_more_lines(file, large):
                    return LargeList(str(source), path.absolute())
    return None


def _is_text(file: BinaryIO) -> bool:
    """Whether a list is text of a line for each feed, in an encoding in which a line feed is one byte."""
    head = file.read(_BLOCK)
    return not head.startswith((b"\xff\xfe", b"\xfe\xff")) and head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (
        b"<",
        b"",
    )


def _has_more_lines(file: BinaryIO, large: int) -> bool:
    file.seek(0)
    lines = 0
    while lines <= large and (block := file.read(_BLOCK)):
        lines += max(block.count(b"\n"), block.count(b"\r"))
    return lines > large


def _digest(file: BinaryIO) -> str:
    from hashlib import blake2b  # loads OpenSSL

    digest = blake2b(_RULES, digest_size=16)
    file.seek(0)
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _lines(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, position and content of each line; a carriage return ends a line, too."""
    number = position = 0
    for raw in file:
        start, rest = position, raw.removesuffix(b"\n").removesuffix(b"\r")
        for line in rest.split(b"\r") if b"\r" in rest else (rest,):
            number += 1
            yield number, start, line
            start += len(line) + 1
        position += len(raw)


def _text(raw: bytes, position: int) -> str:
    return raw.decode("utf-8", "surrogateescape") if position else list_text(raw).removeprefix("\ufeff")
