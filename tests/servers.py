"""Real servers from Debian's packages, in temporary directories, for tests: PostgreSQL.

A server listens on a free loopback port and in a Unix socket of its own directory, and ends with the process that
started it. PostgreSQL refuses to run as root, so root starts it as the user that the package made.
"""

from __future__ import annotations

import contextlib
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
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

#: Seconds for a server to begin or to end, on a busy machine.
_PATIENCE = 180.0

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
        self._empty: list[str] = []
        self._used: list[str] = []
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
        """Return the URL of an empty database."""
        import psycopg

        if not self._empty:
            self._empty.append(f"test{next(self._numbers)}")
            with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {self._empty[-1]}")
        name = self._empty.pop()
        self._used.append(name)
        return self.url(name)

    def clear(self) -> None:
        """Empty the databases, which takes a tenth of the time that new ones do."""
        import psycopg

        while self._used:
            name = self._used.pop()
            with psycopg.connect(self.url(name), autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid != pg_backend_pid()"
                )
                schemas = connection.execute(
                    r"SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|public$|information_schema$)'"
                )
                for (schema,) in schemas.fetchall():
                    connection.execute(f"DROP SCHEMA {schema} CASCADE")
                connection.execute("ALTER DATABASE " + name + " OWNER TO " + self.role)
            self._empty.append(name)

    def protected(self, role: str, password: str) -> str:
        """Return the URL of a new database of a role that needs this password; it is not in the URL."""
        import psycopg
        from psycopg import sql

        database = self.database().rpartition("/")[2]
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
            )
            connection.execute(f"ALTER DATABASE {database} OWNER TO {role}")
            rules = self._data / "pg_hba.conf"
            rules.write_text(f"host all {role} 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
            connection.execute("SELECT pg_reload_conf()")
        return self.url(database).replace(f"//{self.role}@", f"//{role}@")

    def url(self, database: str, *, port: int | None = None) -> str:
        """Return the URL of a database; `port` is that of a forwarder."""
        return f"postgresql://{self.role}@127.0.0.1:{port or self.port}/{database}"

    def close(self) -> None:
        self.crash()
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


class Forwarder:
    """A network between a client and a server on this machine, which can be cut.

    `fault`, if set, is asked about each piece that the client sends; where it returns true, the network is cut before
    the server gets the piece.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.fault: Callable[[bytes], bool] | None = None
        self._lock = threading.Lock()
        self._is_cut = False
        self._sockets: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break all connections, and each new one."""
        with self._lock:
            self._is_cut = True
            broken, self._sockets = self._sockets, set()
        for connection in broken:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self.fault = None
        self._is_cut = False

    def close(self) -> None:
        self.cut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with self._lock:
                    if self._is_cut:
                        client.close()
                        continue
                    server = socket.create_connection(("127.0.0.1", self._target))
                    self._sockets |= {client, server}
                for source, sink, is_client in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pass_on, args=(source, sink, is_client), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, is_client: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if is_client and self.fault is not None and self.fault(data):
                    self.cut()
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
        source.close()


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
