"""The ledger in PostgreSQL keeps the contract of ledgers, on a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from condget.errors import StoreError
from condget.feeds.values import Outcome
from condget.stores.postgresql_ledger import PostgresqlLedger, PostgresqlLedgerReader
from tests.servers import Forwarder, Postgresql
from tests.stores.ledger_contract import URL, EnrollingLedgerContract, entry, outcome


class TestPostgresqlLedger(EnrollingLedgerContract):
    @pytest.fixture
    def empty(self, postgresql: Postgresql) -> Iterator[PostgresqlLedger]:
        with PostgresqlLedger(postgresql.database()) as ledger:
            yield ledger

    @pytest.fixture
    def second(self, postgresql: Postgresql) -> Iterator[PostgresqlLedger]:
        with PostgresqlLedger(postgresql.database()) as ledger:
            yield ledger


@pytest.fixture
def ledger(postgresql: Postgresql) -> Iterator[PostgresqlLedger]:
    with PostgresqlLedger(postgresql.database()) as ledger:
        yield ledger


def test_urls_of_any_length_and_words_with_any_character_are_kept(ledger: PostgresqlLedger) -> None:
    """F11: one odd feed does not keep the others from being remembered."""
    long = URL + "?" + "q" * 100_000
    ledger.commit([outcome(long, moved_to=long + "moved"), outcome(reason="a\0b\ud800c")])
    assert list(ledger.urls()) == sorted([URL, long])
    assert ledger.moves([long + "moved"]) == {long + "moved": long}
    assert ledger.due([URL])[URL].reason == "ab?c"


def test_no_userinfo_is_written(ledger: PostgresqlLedger) -> None:
    """F12"""
    with_userinfo = "https://ann:secret@example.org/feed"
    ledger.commit([outcome(with_userinfo)])
    assert list(ledger.urls()) == ["https://example.org/feed"]
    assert list(ledger.load([with_userinfo])) == [with_userinfo]
    assert ledger.forget([with_userinfo]) == 1


def test_a_row_that_another_program_changed_is_a_store_error(ledger: PostgresqlLedger) -> None:
    """F11"""
    ledger.commit([outcome()])
    for damage in ("states SET state = '[]'", "states SET state = 'x'", "feeds SET next_poll = 'NaN'"):
        ledger._database.run(lambda connection: connection.execute("UPDATE condget_state." + damage))  # noqa: B023
        with pytest.raises(StoreError, match="has a row that cannot be read"):
            ledger.load([URL])


def test_the_server_crashes_in_the_middle_of_a_commit_and_the_commit_happens(durable_postgresql: Postgresql) -> None:
    """B7: nothing of the first attempt is left, and the second one writes everything once."""
    attempts: list[int] = []

    class Outcomes:
        def __iter__(self) -> Iterator[Outcome]:
            attempts.append(1)
            for number in range(1200):
                if number == 1000 and len(attempts) == 1:
                    durable_postgresql.restart()
                yield outcome(f"{URL}?{number}")

    with PostgresqlLedger(durable_postgresql.database(), lease=600) as ledger:
        ledger.hold_hosts(["example.org"])
        ledger.commit(Outcomes())
        assert len(ledger.urls()) == 1200
        assert len(attempts) == 2
        assert ledger.hold_hosts(["example.org"]) == {"example.org"}


def test_a_commit_that_cannot_be_repeated_is_an_error_after_a_crash(durable_postgresql: Postgresql) -> None:
    """B7: the report comes again, since nothing is marked as seen."""

    def outcomes() -> Iterator[Outcome]:
        yield from [outcome()] * 600
        durable_postgresql.restart()
        yield outcome()

    with PostgresqlLedger(durable_postgresql.database(), lease=600) as ledger:
        with pytest.raises(StoreError, match="the last part of the report comes again with the next run"):
            ledger.commit(outcomes())
        assert list(ledger.urls()) == []


@pytest.mark.parametrize("piece", range(8))
def test_a_commit_that_is_cut_off_anywhere_happens_once(piece: int, postgresql: Postgresql) -> None:
    """B7: before, in the middle, or while the server's confirmation is on its way."""
    name = postgresql.database().rpartition("/")[2]
    count = 0

    def fault(data: bytes) -> bool:
        nonlocal count
        count += 1
        if count == piece + 1:
            threading.Timer(0.2, network.mend).start()
            return True
        return False

    with (
        closing(Forwarder(postgresql.port)) as network,
        PostgresqlLedger(postgresql.url(name, port=network.port), lease=600) as ledger,
    ):
        ledger.commit([replace(outcome(title="first"), seen=(entry("a"), entry("b")))])
        ledger.load([URL])
        network.fault = fault
        ledger.commit([replace(outcome(title="second"), seen=(entry("c"),), forget=("a",))])
        network.fault = None
        assert ledger.load([URL])[URL].title == "second"
        assert set(ledger.seen(URL)) == {"b", "c"}


def test_a_server_that_stays_away_is_an_error_and_nothing_is_half_written(postgresql: Postgresql) -> None:
    """F11"""
    name = postgresql.database().rpartition("/")[2]
    with closing(Forwarder(postgresql.port)) as network:
        ledger = PostgresqlLedger(postgresql.url(name, port=network.port), lease=3)
        ledger.commit([outcome(title="first")])
        network.cut()
        with pytest.raises(StoreError, match=r"The database postgresql://.* cannot be used: .*"):
            ledger.commit([outcome(title="second")])
        ledger.close()
        with pytest.raises(StoreError, match="is closed"):
            ledger.urls()
    with PostgresqlLedgerReader(postgresql.url(name)) as reader:
        assert reader.load([URL])[URL].title == "first"
