"""Connections to PostgreSQL: what is said when there is none, what is never said, and the second attempt."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from condget.errors import StoreError, UsageError
from condget.stores.opening import open_ledger, open_ledger_for_reading
from condget.stores.postgresql import Database
from tests.servers import Forwarder, Postgresql, free_port, require_postgresql

PASSWORD = "tea/with:milk"


def database(url: str) -> Database:
    return Database(url, prepare=lambda connection: None)


@pytest.mark.parametrize("opened", [open_ledger, open_ledger_for_reading])
def test_without_psycopg_the_extra_is_named(opened: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match=r"psycopg, which is not installed; install condget\[postgresql\]\."):
        opened("postgresql://localhost/feeds").__enter__()  # type: ignore[operator]


@pytest.mark.parametrize(
    "url", [f"postgresql://ann:{PASSWORD}@localhost/feeds", "postgresql://a?milk=no", "postgres://%"]
)
def test_a_url_that_cannot_be_read_is_not_quoted(url: str) -> None:
    """F9: a part of it may be a part of the password."""
    require_postgresql()
    with pytest.raises(UsageError, match=r"postgresql://USER@HOST:PORT/DATABASE") as caught:
        database(url)
    assert "tea" not in str(caught.value)
    assert "milk" not in str(caught.value)


def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    """F9"""
    require_postgresql()
    port = free_port()
    with pytest.raises(StoreError) as caught:
        database(f"postgresql://ann:secret@127.0.0.1:{port}/feeds?sslpassword=secret").rows("SELECT 1")
    assert str(caught.value).startswith(f"The database postgresql://ann@127.0.0.1:{port}/feeds cannot be used: ")
    assert "Connection refused" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_passwords_come_from_where_libpq_reads_them_and_are_never_told(
    postgresql: Postgresql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F9"""
    url = postgresql.protected("ann", PASSWORD)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    with pytest.raises(StoreError, match="no password supplied"):
        database(url).rows("SELECT 1")
    with pytest.raises(StoreError, match="password authentication failed") as caught:
        database(url.replace("ann@", "ann:milk@")).rows("SELECT 1")
    assert "milk" not in str(caught.value)
    with closing(database(url.replace("ann@", "ann:tea%2Fwith%3Amilk@"))) as with_url:
        assert with_url.rows("SELECT current_user") == [("ann",)]
        assert with_url.name == url
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with closing(database(url)) as by_variable:
        assert by_variable.rows("SELECT current_user") == [("ann",)]
    monkeypatch.delenv("PGPASSWORD")
    (tmp_path / "pgpass").write_text("*:*:*:ann:" + PASSWORD.replace(":", "\\:"))
    (tmp_path / "pgpass").chmod(0o600)
    with closing(database(url)) as by_file:
        assert by_file.rows("SELECT current_user") == [("ann",)]


def test_a_service_of_libpq_names_a_database(
    postgresql: Postgresql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = postgresql.database().rpartition("/")[2]
    services = tmp_path / "services"
    services.write_text(f"[feeds]\nhost=127.0.0.1\nport={postgresql.port}\nuser={postgresql.role}\ndbname={name}\n")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    with closing(database("postgresql://?service=feeds")) as by_service:
        assert by_service.rows("SELECT current_database()") == [(name,)]
    monkeypatch.setenv("PGSERVICE", "feeds")
    with closing(database("postgresql://")) as by_variable:
        assert by_variable.rows("SELECT current_database()") == [(name,)]


def test_a_database_of_another_encoding_is_refused(postgresql: Postgresql) -> None:
    with closing(database(postgresql.url("postgres"))) as server:
        server.run(lambda connection: connection.execute(
            "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'"
        ))  # fmt: skip
    with pytest.raises(StoreError, match="its encoding is not UTF8; create another"):
        database(postgresql.url("latin")).rows("SELECT 1")


def test_work_goes_on_with_a_new_connection_where_all_were_lost(postgresql: Postgresql) -> None:
    name = postgresql.database().rpartition("/")[2]
    with (
        closing(Forwarder(postgresql.port)) as network,
        closing(database(postgresql.url(name, port=network.port))) as shared,
    ):
        together = threading.Barrier(3)

        def use(number: int) -> list[tuple[int]]:
            def work(connection: object) -> list[tuple[int]]:
                together.wait(60)
                return connection.execute("SELECT %s", (number,)).fetchall()  # type: ignore[attr-defined, no-any-return]

            return shared.run(work)

        with ThreadPoolExecutor(3) as threads:
            assert list(threads.map(use, range(3))) == [[(0,)], [(1,)], [(2,)]]
        network.cut()
        network.mend()
        assert shared.rows("SELECT 2") == [(2,)]


def test_work_that_is_wrong_is_not_tried_again(postgresql: Postgresql) -> None:
    attempts: list[int] = []
    with closing(database(postgresql.database())) as shared:

        def work(connection: object) -> None:
            attempts.append(1)
            connection.execute("SELECT nonsense")  # type: ignore[attr-defined]

        with pytest.raises(StoreError, match=r'cannot be used: column "nonsense" does not exist\.'):
            shared.write(work)
        assert shared.rows("SELECT 1") == [(1,)]
    assert len(attempts) == 1


def test_a_role_that_may_not_make_tables_is_told_so(postgresql: Postgresql) -> None:
    url = postgresql.protected("bob", "biscuit")
    with closing(database(postgresql.url("postgres"))) as server:
        server.run(
            lambda connection: connection.execute("ALTER DATABASE " + url.rpartition("/")[2] + " OWNER TO postgres")
        )
    with pytest.raises(StoreError, match=r"its role lacks a privilege \(permission denied for database"):
        open_ledger(url.replace("bob@", "bob:biscuit@")).__enter__()
