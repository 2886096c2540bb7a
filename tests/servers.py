"""Real servers from Debian's packages, in temporary directories, for tests: PostgreSQL.

A server listens on a free loopback port and in a Unix socket of its own directory, and ends with the process that
started it. PostgreSQL refuses to run as root, so root starts it as the user that the package made.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

#: Seconds for a server to begin or to end, on a busy machine.
_PATIENCE = 60.0

_PR_SET_PDEATHSIG = 1

#: For tests whose subject is not what survives a crash of the machine.
_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


def free_port() -> int:
    """Return a loopback port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_until(is_so: Callable[[], object], what: str) -> None:
    """Return once `is_so()` is true; fail if that takes too long."""
    deadline = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def popen(command: Sequence[str], user: str | None, death_signal: signal.Signals, **options: Any) -> subprocess.Popen:  # type: ignore[type-arg]
    """Start a server as that user (None: as this process's own); it gets the signal if this process dies first."""

    def follow() -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal)

    given: dict[str, Any] = (
        {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": ()}
    )
    return subprocess.Popen(command, preexec_fn=follow, stdin=subprocess.DEVNULL, **given, **options)


class Postgresql:
    """A PostgreSQL server with databases for tests.

    `settings` such as `fsync=off` are those of its configuration.
    """

    def __init__(self, settings: Sequence[str] = _FAST) -> None:
        self._user = "postgres" if os.geteuid() == 0 else None
        self.role = self._user or pwd.getpwuid(os.geteuid()).pw_name
        self._settings = settings
        self.directory = Path(tempfile.mkdtemp(prefix="condget-postgresql-"))
        self._numbers = itertools.count(1)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        if self._user is not None:
            shutil.chown(self.directory, self._user)
        initdb = popen(
            [_program("initdb"), "-D", str(self._data), "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            self._user,
            signal.SIGTERM,
            stdout=subprocess.DEVNULL,
        )
        assert initdb.wait(_PATIENCE) == 0
        self.start()

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        settings = (
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self.directory}",
            "max_connections=50",
            *self._settings,
        )
        log = (self.directory / "log").open("ab")
        with log:
            self._process = popen(
                [_program("postgres"), "-D", str(self._data), *(part for text in settings for part in ("-c", text))],
                self._user,
                signal.SIGQUIT,
                stdout=log,
                stderr=log,
            )
        wait_until(self._is_ready, "PostgreSQL did not start")

    def crash(self) -> None:
        """End it at once, as `pg_ctl stop -m immediate` does: what was not committed is lost."""
        self._end(signal.SIGQUIT)

    def restart(self) -> None:
        """Crash, and recover."""
        self.crash()
        self.start()

    def database(self) -> str:
        """Return the URL of a new database."""
        import psycopg

        name = f"test{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, database: str, *, port: int | None = None) -> str:
        """Return the URL of a database; `port` is that of a forwarder."""
        return f"postgresql://{self.role}@127.0.0.1:{port or self.port}/{database}"

    def close(self) -> None:
        self._end(signal.SIGINT)
        shutil.rmtree(self.directory)

    def _is_ready(self) -> bool:
        import psycopg

        assert self._process is not None
        assert self._process.poll() is None, (self.directory / "log").read_text()
        try:
            psycopg.connect(self.url("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(_PATIENCE)


@functools.cache
def why_no_postgresql() -> str | None:
    """Return why no test can have a PostgreSQL server, or None."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed"
    if _newest("initdb") is None:
        return "there is no PostgreSQL server (Debian's package postgresql)"
    return None


def require_postgresql() -> None:
    """Skip the test where there is no PostgreSQL."""
    if (reason := why_no_postgresql()) is not None:
        pytest.skip(reason)


@functools.cache
def _newest(program: str) -> str | None:
    found = Path("/usr/lib/postgresql").glob(f"*/bin/{program}")
    versions = sorted(found, key=lambda path: float(path.parent.parent.name))
    return str(versions[-1]) if versions else shutil.which(program)


def _program(name: str) -> str:
    path = _newest(name)
    assert path is not None
    return path
