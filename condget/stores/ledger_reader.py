"""SqliteLedgerReader: the state file for those who only read. Takes no lock, writes not a byte, makes no file (F10)."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from condget.errors import StoreError
from condget.stores import ledger_queries
from condget.stores.faults import UNREADABLE, may_be_damage, store_error
from condget.stores.files import check_regular
from condget.stores.ledger_format import BUSY, STATE
from condget.stores.sqlite_file import check_ours, connect_for_reading, file_size, version_of

if TYPE_CHECKING:
    from condget.feeds.pace import Due
    from condget.feeds.values import FeedState, HostHold, SeenEntry


class SqliteLedgerReader:
    """A state file as it is now, also while a run writes to it; a missing file reads as empty.

    To be used by one thread at a time.

    Raises:
        NewerState: a newer condget wrote the file.
        StoreError: the file cannot be read; every method may raise it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        #: Tells whether the file was written to; None: SQLite notices that by itself.
        self._signature: object = None
        self._rows("SELECT 1")

    def due(self, urls: Sequence[str]) -> Mapping[str, Due]:
        with self._translated():
            return ledger_queries.due(self._rows, urls)

    def holds(self) -> Mapping[str, HostHold]:
        with self._translated():
            return ledger_queries.holds(self._rows)

    def load(self, urls: Sequence[str]) -> Mapping[str, FeedState]:
        with self._translated():
            return ledger_queries.load(self._rows, urls)

    def seen(self, url: str) -> Mapping[str, SeenEntry]:
        with self._translated():
            return ledger_queries.seen(self._rows, url)

    def moves(self, urls: Sequence[str]) -> Mapping[str, str]:
        with self._translated():
            return ledger_queries.moves(self._rows, urls)

    def spellings(self) -> Mapping[str, str]:
        with self._translated():
            return ledger_queries.spellings(self._rows)

    def urls(self) -> Sequence[str]:
        with self._translated():
            return ledger_queries.urls(self._rows)

    def last_reached(self) -> float:
        with self._translated():
            return ledger_queries.last_reached(self._rows)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __enter__(self) -> SqliteLedgerReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _rows(self, query: str, parameters: Sequence[object] = ()) -> list[Any]:
        with self._translated():
            while True:
                # An immutable file is read without locks: if a run wrote meanwhile, read again.
                try:
                    self._look()
                    rows = self._connection.execute(query, parameters).fetchall() if self._connection else []
                except (*UNREADABLE, StoreError):
                    if self._is_unchanged():
                        raise
                else:
                    if self._is_unchanged():
                        return rows

    def _look(self) -> None:
        """Have a connection to the file as it is now, or none where there is no file, or an empty one."""
        if self._connection is not None and self._is_unchanged():
            return
        self.close()
        check_regular(self.path)
        self._signature = _signature(self.path)
        if not self.path.exists():
            return
        connection, immutable = connect_for_reading(self.path, BUSY)
        try:
            version = version_of(connection, self.path, STATE)
            if 0 < version < STATE.version:
                raise StoreError(f"The state file {self.path} is of an older version; the next poll upgrades it.")
        except BaseException:
            connection.close()
            raise
        if not immutable:
            self._signature = None
        if version:
            self._connection = connection
        else:
            connection.close()

    def _is_unchanged(self) -> bool:
        return self._signature is None or self._signature == _signature(self.path)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:
            if may_be_damage(error):
                check_ours(self.path, STATE)
                raise StoreError(
                    f"The state file {self.path} is damaged; the next poll keeps what can be read of it."
                ) from error
            raise store_error(error, self.path) from error


def _signature(path: Path) -> tuple[int, int, int, int]:
    """Return what tells whether a file was written to, or is about to be."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return (0, 0, 0, 0)
    return (status.st_ino, status.st_size, status.st_mtime_ns, file_size(Path(f"{path}-wal")))
