"""Faults of SQLite and of the file system, as `StoreError`s that say what to do (F11)."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from condget.errors import StoreError

#: The first instant that no calendar can show, in POSIX seconds.
YEAR_10000 = 253_402_300_800.0

_PRIMARY = 0xFF
_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_ADVICE = {
    sqlite3.SQLITE_FULL: "its disk is full; free some space and run again",
    sqlite3.SQLITE_IOERR: "its disk is full or broken; free some space and run again",
    sqlite3.SQLITE_READONLY: "it is read-only; make the file and its directory writable, or name another file",
    sqlite3.SQLITE_PERM: "it is read-only; make the file and its directory writable, or name another file",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that the file and its directory may be read and written",
    sqlite3.SQLITE_BUSY: "another process has kept it locked for too long; try again later",
    sqlite3.SQLITE_LOCKED: "another process has kept it locked for too long; try again later",
    sqlite3.SQLITE_CORRUPT: "it is corrupt",
    sqlite3.SQLITE_NOTADB: "it is corrupt",
}


class UnreadableRow(ValueError):
    """A row of a file holds values that condget did not write."""


#: Errors that reading a damaged file may raise: a message of SQLite that quotes damaged text is a UnicodeDecodeError.
UNREADABLE = (sqlite3.Error, UnreadableRow, UnicodeDecodeError)


def is_corrupt(error: BaseException) -> bool:
    """Whether an error says that the file itself is damaged, or is not a database."""
    return isinstance(error, sqlite3.Error) and _code(error) in _CORRUPT


def is_interrupted(error: BaseException) -> bool:
    """Whether a query was ended by its own time limit."""
    return isinstance(error, sqlite3.Error) and _code(error) == sqlite3.SQLITE_INTERRUPT


def may_be_damage(error: BaseException) -> bool:
    """Whether damage of the file can be the cause of an error: its pages, its schema, a row, a text in a row."""
    return (
        isinstance(error, UnreadableRow | UnicodeDecodeError)
        or is_corrupt(error)
        # A query of condget's own fails like this only where tables, columns or texts are not what they were.
        or (isinstance(error, sqlite3.OperationalError) and _code(error) in (0, sqlite3.SQLITE_ERROR))
        or (isinstance(error, sqlite3.Error) and _code(error) == sqlite3.SQLITE_CONSTRAINT)
    )


def store_error(error: Exception, path: Path) -> StoreError:
    """Return the `StoreError` for an error of SQLite or of the file system."""
    if isinstance(error, sqlite3.Error):
        cause = _ADVICE.get(_code(error), f"SQLite says: {error}")
    elif isinstance(error, OSError) and error.errno in _FULL:
        cause = _ADVICE[sqlite3.SQLITE_FULL]
    elif isinstance(error, OSError) and error.errno == errno.EIO:
        cause = "its disk reports an I/O error; it was left as it is, check the disk and run again"
    elif isinstance(error, OSError):
        cause = f"{error.strerror or error}; check its directory, or name another file"
    else:
        cause = str(error)
    return StoreError(f"The file {path} cannot be used: {cause}.")


def is_instant(value: object) -> bool:
    """Whether a value can be an instant in POSIX seconds: damage makes others, at which calendars break."""
    return isinstance(value, float) and 0 <= value < YEAR_10000


def _code(error: sqlite3.Error) -> int:
    # Errors that Python's module itself raises carry no code.
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY
