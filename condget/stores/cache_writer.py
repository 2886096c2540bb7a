"""CacheWriter: how a response enters the cache. Its content is written as it comes, out of sight; head and content
become visible together.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace

from condget.cache.messages import StoredResponse
from condget.settings import Clock
from condget.stores.cache_file import ABANDONED_AFTER, CHUNK, HIDDEN, SPAN, CacheFile, delete_abandoned, hide_or_delete
from condget.stores.protocols import ContentGone, ContentTooLong
from condget.stores.records import to_head, to_text
from condget.stores.usefulness import useless_from

DIGEST_SIZE = 16
#: The rough cost in bytes of a row besides its head and content.
_ROW_BYTES = 200
#: Most responses of one URL (variants, parts, partitions): their heads are looked at for each request.
_MOST_ALIKE = 64


class CacheWriter:
    """Takes the content of one response. Up to 1 MiB waits in memory; more is written as it comes, out of sight."""

    def __init__(
        self,
        file: CacheFile,
        stored: StoredResponse,
        replaces: Sequence[StoredResponse],
        *,
        max_size: int,
        clock: Clock,
        make_room: Callable[[sqlite3.Connection, int], bool],
    ) -> None:
        self._file = file
        self._stored = stored
        self._max_size = max_size
        self._clock = clock
        self._make_room = make_room
        self._replaces = replaces
        self._buffer = bytearray()
        self._length = 0
        #: Of each chunk, one behind the other, as they stand in the row.
        self._digests = b""
        self._id = 0

    def write(self, chunk: bytes) -> None:
        self._length += len(chunk)
        self._buffer += chunk
        while len(self._buffer) > CHUNK:
            if self._length > self._max_size:
                raise self._too_long()
            with self._file.writing() as connection:
                row = self._put_chunk(connection, bytes(self._buffer[:CHUNK]))
                if not self._make_room(connection, row):
                    raise self._too_long()
            del self._buffer[:CHUNK]

    def commit(self) -> None:
        """Make head and content visible together, in place of what they replace; make room for them."""
        stored = replace(self._stored, content_length=self._length)
        head = to_text(to_head(stored))
        size = size_of(head, stored)
        try:
            if size > self._max_size:
                raise self._too_long()
            with self._file.writing() as connection:
                self._complete(connection, stored, head, size)
        except ContentTooLong:
            self.abort()
            raise

    def _complete(self, connection: sqlite3.Connection, stored: StoredResponse, head: str, size: int) -> None:
        now = self._clock()
        old = [(row, old.url) for old in self._replaces if (row := self._file.row_of(old.id)) is not None]
        if old:
            hide_or_delete(connection, "id = ? AND url = ?", old, now)
        rest = bytes(self._buffer)
        facts = (stored.url, head, checksum(head.encode()), size, useless_from(stored), now)
        if self._id:
            row = self._put_chunk(connection, rest) if rest else self._row()
            connection.execute(
                """UPDATE responses
                SET url = ?, head = ?, checksum = ?, size = ?, useless_from = ?, used = ?, digest = ? WHERE id = ?""",
                (*facts, self._digests, row),
            )
        else:  # it fits one chunk, and was never out of sight
            cursor = connection.execute(
                """INSERT INTO responses (url, head, checksum, size, useless_from, used, digest, partition)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
                (*facts, digest_of(rest), stored.partition),
            )
            row = cursor.lastrowid or 0
            if rest:
                connection.execute("INSERT INTO chunks VALUES (?, ?)", (row * SPAN, rest))
        connection.execute(
            """DELETE FROM responses WHERE id IN (
                SELECT id FROM responses WHERE url = ? ORDER BY id DESC LIMIT -1 OFFSET ?
            )""",
            (stored.url, _MOST_ALIKE),
        )
        delete_abandoned(connection, now)
        if not self._make_room(connection, row):
            raise self._too_long()

    def abort(self) -> None:
        """Forget what was written."""
        self._buffer.clear()
        id, self._id = self._id, 0
        if id:
            with self._file.writing() as connection:
                if (row := self._file.row_of(id)) is not None:
                    connection.execute("DELETE FROM responses WHERE id = ? AND url = ?", (row, HIDDEN))

    def _row(self) -> int:
        """Return the row that was begun."""
        row = self._file.row_of(self._id)
        if row is None:
            raise self._gone()
        return row

    def _put_chunk(self, connection: sqlite3.Connection, data: bytes) -> int:
        """Write a chunk and return the row that it belongs to, which is begun with the first."""
        now = self._clock()
        if self._id:
            row = self._row()
            grown = connection.execute(
                "UPDATE responses SET size = size + ?, used = ?, useless_from = ? WHERE id = ? AND url = ?",
                (len(data), now, now + ABANDONED_AFTER, row, HIDDEN),
            )
            if grown.rowcount != 1:
                raise self._gone()
        else:
            cursor = connection.execute(
                "INSERT INTO responses (url, partition, head, size, useless_from, used) VALUES (?, ?, '', ?, ?, ?)",
                (HIDDEN, self._stored.partition, len(data), now + ABANDONED_AFTER, now),
            )
            row = cursor.lastrowid or 0
        number = len(self._digests) // DIGEST_SIZE
        if data:
            connection.execute("INSERT INTO chunks VALUES (?, ?)", (row * SPAN + number, data))
        self._id = self._file.id_of(row)
        self._digests += digest_of(data)
        return row

    def _gone(self) -> ContentGone:
        return ContentGone(f"The cache {self._file.path} was cleared while {self._stored.url} was written to it.")

    def _too_long(self) -> ContentTooLong:
        return ContentTooLong(f"{self._stored.url} is longer than the cache may be ({self._max_size} bytes).")


def digest_of(chunk: bytes) -> bytes:
    """Return what a chunk of content is checked with when it is read."""
    return hashlib.blake2b(chunk, digest_size=DIGEST_SIZE).digest()


def checksum(head: bytes) -> int:
    """Return what a head is checked with when it is read."""
    return int.from_bytes(hashlib.blake2b(head, digest_size=8).digest(), "big", signed=True)


def size_of(head: str, stored: StoredResponse) -> int:
    """Return what a response counts for in the budget, in bytes."""
    return len(head) + (stored.content_length or 0) + _ROW_BYTES
