"""The tables in PostgreSQL are upgraded by numbered steps, once, and never written where a newer condget wrote them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from condget.errors import NewerState, StoreError
from condget.stores.postgresql import Database
from condget.stores.postgresql_format import Tables, upgrade, version_of
from condget.stores.postgresql_ledger import PostgresqlLedger, PostgresqlLedgerReader
from tests.servers import Postgresql
from tests.stores.ledger_contract import URL

if TYPE_CHECKING:
    import psycopg

FIRST = Tables("made_up", ("CREATE TABLE made_up.facts (fact text); INSERT INTO made_up.facts VALUES ('old')",))
SECOND = Tables("made_up", (*FIRST.steps, "ALTER TABLE made_up.facts ADD number integer DEFAULT 7"))


def prepared(url: str, tables: Tables) -> Database:
    def prepare(connection: psycopg.Connection) -> None:
        upgrade(connection, tables, "here")

    return Database(url, prepare=prepare)


def test_what_is_there_is_upgraded_and_kept(postgresql: Postgresql) -> None:
    url = postgresql.database()
    for tables, rows in ((FIRST, [("old",)]), (FIRST, [("old",)]), (SECOND, [("old", 7)]), (SECOND, [("old", 7)])):
        with closing(prepared(url, tables)) as database:
            assert database.rows("SELECT * FROM made_up.facts") == rows
            assert [row[0] for row in database.rows("SELECT version FROM made_up.versions ORDER BY 1")] == [
                *range(1, tables.version + 1)
            ]


def test_processes_that_begin_at_once_upgrade_once(postgresql: Postgresql) -> None:
    url = postgresql.database()

    def begin(_: int) -> list[tuple[str, int]]:
        with closing(prepared(url, SECOND)) as database:
            return database.rows("SELECT * FROM made_up.facts")

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(begin, range(16))) == [[("old", 7)]] * 16


def test_a_step_that_fails_leaves_the_version_before(postgresql: Postgresql) -> None:
    url = postgresql.database()
    with closing(prepared(url, FIRST)) as database:
        database.rows("SELECT 1")
    broken = Tables("made_up", (*FIRST.steps, "DROP TABLE made_up.facts; SELECT nonsense"))
    with pytest.raises(StoreError, match="nonsense"):
        prepared(url, broken).rows("SELECT 1")
    with closing(prepared(url, SECOND)) as database:
        assert database.rows("SELECT * FROM made_up.facts") == [("old", 7)]


@pytest.mark.parametrize("opened", [PostgresqlLedger, PostgresqlLedgerReader])
def test_a_newer_state_is_left_as_it_is(
    opened: type[PostgresqlLedger] | type[PostgresqlLedgerReader], postgresql: Postgresql
) -> None:
    """F11"""
    url = postgresql.database()
    PostgresqlLedger(url).close()
    with closing(Database(url, prepare=lambda connection: None)) as database:
        database.run(lambda connection: connection.execute("INSERT INTO condget_state.versions VALUES (99)"))
        with pytest.raises(NewerState, match="A newer condget wrote the tables condget_state of postgresql://"):
            opened(url)
        assert database.rows("SELECT count(*) FROM condget_state.versions WHERE version = 99") == [(1,)]


def test_reading_makes_no_tables_and_finds_nothing(postgresql: Postgresql) -> None:
    """F10"""
    url = postgresql.database()
    with PostgresqlLedgerReader(url) as reader:
        assert (reader.urls(), reader.load([URL]), reader.due([URL]), reader.moves([URL])) == ([], {}, {}, {})
        assert (reader.holds(), reader.seen(URL), reader.last_reached()) == ({}, {}, 0)
    with closing(Database(url, prepare=lambda connection: version_of(connection, FIRST, "") and None)) as database:
        assert database.rows("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'condget%%'") == []
