"""Errors of SQLite and the file system, in words that tell what to do (F11)."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from condget.stores.faults import is_corrupt, store_error

PATH = Path("/var/lib/condget/feeds.sqlite3")


def sqlite_error(code: int, text: str = "?") -> sqlite3.Error:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (sqlite_error(sqlite3.SQLITE_FULL), "its disk is full; free some space"),
        (sqlite_error(sqlite3.SQLITE_IOERR_WRITE), "its disk is full or broken"),
        (sqlite_error(sqlite3.SQLITE_READONLY_DIRECTORY), "it is read-only; make the file and its directory writable"),
        (sqlite_error(sqlite3.SQLITE_CANTOPEN), "it cannot be opened; check that the file and its directory"),
        (sqlite_error(sqlite3.SQLITE_BUSY), "another process has kept it locked for too long"),
        (sqlite_error(sqlite3.SQLITE_CORRUPT), "it is corrupt"),
        (sqlite_error(sqlite3.SQLITE_ERROR, "no such table: feeds"), "SQLite says: no such table: feeds"),
        (sqlite3.ProgrammingError("closed"), "SQLite says: closed"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "its disk is full; free some space"),
        (OSError(errno.EIO, os.strerror(errno.EIO)), "its disk reports an I/O error; it was left as it is"),
        (OSError(errno.EACCES, os.strerror(errno.EACCES)), "Permission denied; check its directory"),
        (ValueError("odd"), "odd"),
    ],
)
def test_every_fault_is_told_with_the_file_and_what_to_do(error: Exception, words: str) -> None:
    """F11"""
    assert str(store_error(error, PATH)).startswith(f"The file {PATH} cannot be used: {words}")


@pytest.mark.parametrize(
    ("error", "corrupt"),
    [
        (sqlite_error(sqlite3.SQLITE_NOTADB), True),
        (sqlite_error(sqlite3.SQLITE_CORRUPT_VTAB), True),
        (sqlite_error(sqlite3.SQLITE_FULL), False),
        (sqlite3.ProgrammingError("closed"), False),
        (OSError(errno.EIO, "?"), False),
    ],
)
def test_a_damaged_file_is_told_from_one_that_cannot_be_used_now(error: Exception, corrupt: bool) -> None:
    """F11"""
    assert is_corrupt(error) is corrupt
