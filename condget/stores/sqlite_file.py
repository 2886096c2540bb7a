"""The common part of condget's SQLite files: whose a file is, its version, its upgrade, its transactions.

A file that is not condget's, or is of a newer condget, is refused before a byte is written (F11). An older file is
upgraded in place by numbered steps.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from condget.errors import ForeignFile, NewerState
from condget.stores.faults import UnreadableRow

#: A write-ahead log of its header alone, in bytes: SQLite 3.40 reports a log that a killed run left like this as a
#: locking protocol error.
_LOG_HEADER = 32


_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master"

#: Versions of condget's files are lower: such a number is damaged.
_FIRST_IMPOSSIBLE_VERSION = 1000


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file: its name in messages, the application id in its header, and its versions."""

    name: str
    application_id: int
    #: Each step brings a file from the version that is its index to the next. Steps are only ever added.
    steps: tuple[tuple[str, ...], ...]

    @property
    def version(self) -> int:
        """The version that this condget writes."""
        return len(self.steps)


def connect(path: Path, parameters: str, busy: float) -> sqlite3.Connection:
    """Return a connection without implicit transactions; `parameters` are those of an SQLite URI, `busy` in seconds."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{parameters}",
        uri=True,
        timeout=busy,
        isolation_level=None,
        check_same_thread=False,
    )


def connect_for_reading(path: Path, busy: float) -> tuple[sqlite3.Connection, bool]:
    """Return a connection that writes no byte and creates no file, and whether it treats the file as immutable.

    Without a write-ahead log, nobody has the file open for writing. With a log, of a run that goes on or was killed,
    SQLite reads both files and keeps its index of the log in memory rather than in the -shm file.
    """
    if file_size(Path(f"{path}-wal")) <= _LOG_HEADER:
        return connect(path, "mode=ro&immutable=1", busy), True
    # A log without its -shm file was copied from elsewhere: SQLite has to make one.
    shared = "" if file_size(Path(f"{path}-shm")) < 0 else "&readonly_shm=1"
    return connect(path, f"mode=ro{shared}", busy), False


def version_of(connection: sqlite3.Connection, path: Path, kind: Format) -> int:
    """Return the version of a file, 0 for an empty one.

    Raises:
        ForeignFile: the file belongs to another program.
        NewerState: a newer condget wrote it.
        UnreadableRow: its header is damaged.
    """
    # One statement, so that all three are of one instant.
    ((application, version, tables),) = connection.execute(
        """SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)
        FROM pragma_application_id, pragma_user_version"""
    ).fetchall()
    if application != kind.application_id and (application or version or tables):
        if _is_almost(_id_bytes(application), _id_bytes(kind.application_id)):
            raise UnreadableRow("the application id is damaged")
        raise ForeignFile(f"The file {path} is a database of another program; name another {kind.name}.")
    if (version == 0 and tables) or not 0 <= version < _FIRST_IMPOSSIBLE_VERSION:
        raise UnreadableRow("the version is damaged")
    if version > kind.version:
        raise NewerState(
            f"The {kind.name} {path} was written by a newer condget (version {version}, this one knows "
            f"{kind.version}) and is left untouched; upgrade condget, or name another {kind.name}."
        )
    if version == kind.version and not _schema(kind).issubset(connection.execute(_SCHEMA)):
        raise UnreadableRow("the tables are damaged")
    return int(version)


@lru_cache(maxsize=4)
def _schema(kind: Format) -> frozenset[tuple[str, ...]]:
    """Return the tables and indexes of the present version, as SQLite itself describes them."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for step in kind.steps:
            for statement in step:
                connection.execute(statement)
        return frozenset(connection.execute(_SCHEMA))


def check_ours(path: Path, kind: Format) -> None:
    """Make sure that a file is one of condget's: by its header, in which one byte may be wrong.

    Not to be used on a file that this process has open and that is in order: to close it drops SQLite's locks on it.

    Raises:
        ForeignFile: it is not.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        header = file.read(100)
    if not _is_almost(header[:16] + header[68:72], b"SQLite format 3\0" + _id_bytes(kind.application_id)):
        raise ForeignFile(
            f"The file {path} is not a {kind.name} of condget and is left untouched; name another {kind.name}, "
            "or move this one away."
        )


def check_may_be_written(path: Path) -> None:
    """Make sure that the header allows writing. Not to be used on a file that this process has open, as `check_ours`.

    Raises:
        UnreadableRow: it names a version of the file format that makes SQLite take the file for read-only.
    """
    with path.open("rb") as file:
        if file.read(20)[18:] not in (b"\1\1", b"\2\2"):
            raise UnreadableRow("the header is damaged")


def _is_almost(found: bytes, expected: bytes) -> bool:
    """Whether bytes are the expected ones, or differ in a single byte."""
    return len(found) == len(expected) and sum(a != b for a, b in zip(found, expected, strict=True)) <= 1


def _id_bytes(application_id: int) -> bytes:
    return (application_id & 0xFFFFFFFF).to_bytes(4, "big")


def upgrade(connection: sqlite3.Connection, path: Path, kind: Format) -> None:
    """Bring a file to this version in one transaction, which also shows that the file can be written.

    A new file is not in WAL mode yet, so that its header says from the beginning whose it is.
    """
    with transaction(connection):
        version = version_of(connection, path, kind)  # another process may have been quicker
        for step in kind.steps[version:]:
            for statement in step:
                connection.execute(statement)
        if version < kind.version:
            connection.execute(f"PRAGMA application_id = {kind.application_id}")
            connection.execute(f"PRAGMA user_version = {kind.version}")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, patience: float = 0.0) -> Iterator[sqlite3.Connection]:
    """Write in one transaction: all of it or nothing. Another process's is awaited `patience` seconds, at least."""
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # SQLite may have rolled back by itself, as it does on a full disk.
        if connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def file_size(path: Path) -> int:
    """Return the length of a file in bytes, -1 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1
