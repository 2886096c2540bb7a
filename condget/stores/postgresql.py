"""A PostgreSQL database: its connections, its faults as `StoreError`s, and the second attempt after a lost connection.

libpq reads what the URL leaves out: PGPASSWORD, ~/.pgpass, PGSERVICE and the like. No password is part of a message.
psycopg is imported when a database is opened.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from condget.after_fork import renew_after_fork
from condget.errors import StoreError, UsageError

if TYPE_CHECKING:
    import psycopg

#: Seconds for which a connection that was lost is sought again: a server takes some to recover from a crash.
PATIENCE = 20.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0

#: A network that swallows everything is noticed after half a minute, rather than after a quarter of an hour.
_DEFAULTS = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "fallback_application_name": "condget",
}

#: Most connections that wait for their next use.
_MOST_IDLE = 4

_ADVICE = {
    "25006": "it is read-only, such as a replica; name the primary server",
    "42501": "its role lacks a privilege ({}); grant it, or make the role the owner of the database",
    "53100": "the disk of its server is full; free some space and run again",
}

T = TypeVar("T")


class Database:
    """A database whose connections threads share; one is opened when it is first needed. It is closed once, for good.

    Args:
        url: Its URL.
        prepare: Called with the first connection, to make or check the tables.
        limits: Parameters of libpq about time, instead of the usual ones.
        patience: Seconds for which a connection that was lost is sought again; None: `PATIENCE`.

    Raises:
        UsageError: psycopg is not installed, or the URL cannot be read.
    """

    def __init__(
        self,
        url: str,
        *,
        prepare: Callable[[psycopg.Connection], None],
        limits: Mapping[str, str] | None = None,
        patience: float | None = None,
    ) -> None:
        try:
            import psycopg
            from psycopg.conninfo import conninfo_to_dict
        except ImportError:
            raise UsageError(
                "A postgresql:// URL needs psycopg, which is not installed; install condget[postgresql]."
            ) from None
        try:
            given = conninfo_to_dict(url)
        except psycopg.Error:
            given = None
        if given is None or _is_misread(given):
            # The words of libpq would quote a part of the URL, which may be a part of the password.
            raise UsageError(
                "The postgresql:// URL cannot be read; its form is postgresql://USER@HOST:PORT/DATABASE, with special "
                "characters percent-encoded."
            )
        #: For messages.
        self.name = _name(given)
        self._secrets = [str(value) for key, value in given.items() if "password" in key and value]
        defaults = _DEFAULTS | dict(limits or {})
        self._parameters = {key: value for key, value in defaults.items() if f"PG{key.upper()}" not in os.environ}
        self._parameters |= {key: str(value) for key, value in given.items() if value is not None}
        self._parameters["client_encoding"] = "UTF8"
        self._patience = patience
        self._prepare = prepare
        self._prepared = False
        self._was_open = False
        #: Set: no connection is sought again.
        self._leaving = threading.Event()
        self._is_closed = False
        self._lock = threading.Lock()
        self._idle: list[psycopg.Connection] = []
        renew_after_fork(self)

    def rows(self, query: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[Any]:
        """Return the rows of one query."""
        return self.run(lambda connection: connection.execute(query.encode(), values, binary=True).fetchall())

    def write(self, work: Callable[[psycopg.Connection], T]) -> T:
        """Do something in one transaction, as `run` does it."""

        def in_transaction(connection: psycopg.Connection) -> T:
            with connection.transaction():
                return work(connection)

        return self.run(in_transaction)

    def run(self, work: Callable[[psycopg.Connection], T]) -> T:
        """Do something with a connection; once more where the connection was lost meanwhile, or others were in the way.

        It may have been done although the connection was lost before the answer, so it must do no harm twice.

        Raises:
            StoreError: the database cannot be used.
        """
        import psycopg

        for last in (False, True):
            connection = self._taken()
            with contextlib.ExitStack() as stack:
                stack.callback(connection.close)
                try:
                    result = work(connection)
                except (psycopg.Error, UnicodeEncodeError) as error:
                    conflict = isinstance(error, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure)
                    if last or not (connection.closed or conflict):
                        raise self._store_error(error) from error
                    if connection.closed:  # the same has become of the others
                        self._drop_idle()
                else:
                    stack.pop_all()
                    self._give_back(connection)
                    return result
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def connected(self) -> Iterator[psycopg.Connection]:
        """Hold a connection, for what lasts longer than a query.

        Raises:
            StoreError: the database cannot be used.
        """
        import psycopg

        connection = self._taken()
        try:
            yield connection
        except psycopg.Error as error:
            raise self._store_error(error) from error
        finally:
            connection.close()

    def leave(self) -> None:
        """Seek no connection again from now on: the last that is done is not worth any waiting."""
        self._leaving.set()

    def close(self) -> None:
        """Close all connections, those that are in use after that."""
        self._leaving.set()
        self._is_closed = True
        self._drop_idle()

    def after_fork(self) -> None:
        # The parent goes on using its connections: they are kept, out of reach.
        _of_the_parent.extend(self._idle)
        self._idle = []
        self._lock = threading.Lock()

    def _taken(self) -> psycopg.Connection:
        import psycopg

        with self._lock:
            if self._is_closed:
                raise StoreError(f"The database {self.name} is closed.")
            while self._idle:
                connection = self._idle.pop()
                if not connection.closed:
                    return connection
        deadline = time.monotonic() + (self._longest_wait if self._was_open else 0.0)
        pause = _FIRST_PAUSE
        while True:
            try:
                connection = self._opened()
            except psycopg.OperationalError as error:
                if time.monotonic() + pause >= deadline or self._leaving.wait(pause):
                    raise self._store_error(error) from error
                pause = min(2 * pause, _LONGEST_PAUSE)
            except psycopg.Error as error:
                raise self._store_error(error) from error
            else:
                self._was_open = True
                return connection

    @property
    def _longest_wait(self) -> float:
        return PATIENCE if self._patience is None else self._patience

    def _opened(self) -> psycopg.Connection:
        import psycopg

        # Statements are not prepared: PgBouncer can stand between, and each plan knows how much is asked for.
        parameters: dict[str, Any] = self._parameters
        connection = psycopg.connect("", autocommit=True, prepare_threshold=None, **parameters)
        try:
            # On any other, text of feeds may not be stored.
            if connection.info.parameter_status("server_encoding") != "UTF8":
                raise StoreError(f"The database {self.name} cannot be used: its encoding is not UTF8; create another.")
            if not self._prepared:
                self._prepare(connection)
                self._prepared = True
        except BaseException:
            connection.close()
            raise
        return connection

    def _drop_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _give_back(self, connection: psycopg.Connection) -> None:
        with self._lock:
            if len(self._idle) < _MOST_IDLE and not self._is_closed:
                self._idle.append(connection)
                return
        connection.close()

    def _store_error(self, error: Exception) -> StoreError:
        words = (str(error).splitlines() or [type(error).__name__])[0].removeprefix("connection failed: ").rstrip(". ")
        for secret in self._secrets:
            words = words.replace(secret, "***")
        advice = _ADVICE.get(getattr(error, "sqlstate", None) or "", "{}").format(words)
        return StoreError(f"The database {self.name} cannot be used: {advice}.")


#: A connection must not be closed in a forked child: that would end the parent's session.
_of_the_parent: list[psycopg.Connection] = []


def _is_misread(given: Mapping[str, Any]) -> bool:
    """Whether a character that is not percent-encoded made a part of a password something else."""
    port, name = str(given.get("port") or ""), str(given.get("dbname") or "")
    return "@" in name or not (port or "0").replace(",", "").isdigit()


def _name(given: Mapping[str, Any]) -> str:
    """Return the URL of a database without what may be secret."""
    if given.get("service"):
        return f"postgresql://?service={given['service']}"
    user, port = given.get("user"), given.get("port")
    host = given.get("host") or given.get("hostaddr") or ""
    if host.startswith("/"):
        return f"postgresql:///{given.get('dbname') or ''}?host={host}"
    return f"postgresql://{f'{user}@' if user else ''}{host}{f':{port}' if port else ''}/{given.get('dbname') or ''}"
