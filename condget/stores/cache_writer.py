"""CacheWriter: how a response enters the cache. Its content is written as it comes, out of sight; head and content
become visible together.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace

from condget.cache.freshness import current_age, explicit_lifetime
from condget.cache.messages import StoredResponse
from condget.cache.validators import has_validator
from condget.errors import StoreError
from condget.settings import Clock
from condget.stores.cache_file import CHUNK, INCOMPLETE, SPAN, CacheFile
from condget.stores.protocols import ContentTooLong
from condget.stores.records import to_head, to_text

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
        make_room: Callable[[sqlite3.Connection, int], None],
    ) -> None:
        self._file = file
        self._stored = stored
        self._max_size = max_size
        self._clock = clock
        self._make_room = make_room
        self._replaces = [(old.id,) for old in replaces]
        self._buffer = bytearray()
        self._digest = hashlib.blake2b(digest_size=16)
        self._length = 0
        self._row = 0
        self._chunks = 0

    def write(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        self._length += len(chunk)
        self._buffer += chunk
        while len(self._buffer) > CHUNK:
            if self._length > self._max_size:
                raise self._too_long()
            with self._file.writing() as connection:
                if not self._row:
                    self._row = self._insert(connection, INCOMPLETE, "", 0)
                self._put_chunk(connection, bytes(self._buffer[:CHUNK]))
            del self._buffer[:CHUNK]

    def commit(self) -> None:
        """Make head and content visible together, in place of what they replace; make room for them."""
        stored = replace(self._stored, content_length=self._length)
        text = to_text(to_head(stored))
        size = size_of(text, stored)
        if size > self._max_size:
            self.abort()
            raise self._too_long()
        with self._file.writing() as connection:
            if self._replaces:
                connection.executemany("DELETE FROM responses WHERE id = ?", self._replaces)
            if not self._row:
                self._row = self._insert(connection, stored.url, text, size)
            else:
                completed = connection.execute(
                    """UPDATE responses SET url = ?, head = ?, size = ?, digest = ?, useless_from = ?, used = ?
                    WHERE id = ? AND url = ?""",
                    (*self._columns(stored.url, text, size), self._row, INCOMPLETE),
                )
                if completed.rowcount != 1:  # the file is another one by now, and so is what has that id
                    raise StoreError(f"The cache {self._file.path} was replaced while {stored.url} was written to it.")
            if self._buffer:
                self._put_chunk(connection, bytes(self._buffer))
            connection.execute(
                """DELETE FROM responses WHERE id IN (
                    SELECT id FROM responses WHERE url = ? ORDER BY id DESC LIMIT -1 OFFSET ?
                )""",
                (stored.url, _MOST_ALIKE),
            )
            self._make_room(connection, self._row)

    def abort(self) -> None:
        """Forget what was written."""
        self._buffer.clear()
        row, self._row = self._row, 0
        if row:
            with self._file.writing() as connection:
                connection.execute("DELETE FROM responses WHERE id = ? AND url = ?", (row, INCOMPLETE))

    def _columns(self, url: str, head: str, size: int) -> tuple[object, ...]:
        return url, head, size, self._digest.digest(), useless_from(self._stored), self._clock()

    def _insert(self, connection: sqlite3.Connection, url: str, head: str, size: int) -> int:
        cursor = connection.execute(
            """INSERT INTO responses (url, head, size, digest, useless_from, used, partition)
            VALUES (?, ?, ?, ?, ?, ?, ?)""",
            (*self._columns(url, head, size), self._stored.partition),
        )
        return cursor.lastrowid or 0

    def _put_chunk(self, connection: sqlite3.Connection, data: bytes) -> None:
        connection.execute("INSERT INTO chunks VALUES (?, ?)", (self._row * SPAN + self._chunks, data))
        self._chunks += 1

    def _too_long(self) -> ContentTooLong:
        return ContentTooLong(f"{self._stored.url} is longer than the cache may be ({self._max_size} bytes).")


def size_of(head: str, stored: StoredResponse) -> int:
    """Return what a response counts for in the budget, in bytes."""
    return len(head) + (stored.content_length or 0) + _ROW_BYTES


def useless_from(stored: StoredResponse) -> float | None:
    """Return when a response without a validator stops being fresh; None: it can be validated."""
    if has_validator(stored.fields):
        return None
    stated = explicit_lifetime(stored)
    lifetime = stored.granted_lifetime if stated is None else stated
    return stored.response_time + lifetime - current_age(stored, stored.response_time)
