"""The servers that tests start."""

from __future__ import annotations

from tests.servers import Postgresql


def test_a_postgresql_server_survives_a_crash_with_what_was_committed(durable_postgresql: Postgresql) -> None:
    import psycopg

    url = durable_postgresql.database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE facts (fact text)")
        connection.execute("INSERT INTO facts VALUES ('committed')")
    durable_postgresql.restart()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT fact FROM facts").fetchall() == [("committed",)]
