"""The state file: the contract of ledgers, then what a file can suffer (F10, F11, F12, B6, B7)."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from unittest.mock import ANY

import pytest

from condget.cache.fields import Fields
from condget.cache.messages import StoredResponse
from condget.errors import ForeignFile, NewerState, StoreError
from condget.feeds.values import FeedState, HostHold, Outcome
from condget.stores import ledger_queries
from condget.stores.ledger import SqliteLedger
from condget.stores.ledger_format import STATE as STATE_FORMAT
from condget.stores.ledger_reader import SqliteLedgerReader
from condget.stores.transfer import export_state
from tests.stores.ledger_contract import NOW, STATE, URL, EnrollingLedgerContract, entry, outcome
from tests.stores.support import Recording, directory, run_and_kill

#: How many bytes are flipped; by hand, give it a few thousand.
FLIPS = int(os.environ.get("CONDGET_TEST_FLIPS", "40"))


class TestSqliteLedger(EnrollingLedgerContract):
    @pytest.fixture
    def empty(self, tmp_path: Path) -> SqliteLedger:
        return SqliteLedger(tmp_path / "state" / "feeds.sqlite3")

    @pytest.fixture
    def second(self, tmp_path: Path) -> SqliteLedger:
        return SqliteLedger(tmp_path / "second.sqlite3")


class TestPrivacy:
    @pytest.mark.parametrize("umask", [0o000, 0o777])
    def test_file_and_directory_belong_to_their_owner_alone(self, tmp_path: Path, umask: int) -> None:
        """F12"""
        path = tmp_path / "a" / "b" / "feeds.sqlite3"
        before = os.umask(umask)
        try:
            ledger = SqliteLedger(path)
            ledger.commit([outcome()])
        finally:
            os.umask(before)
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        assert {stat.S_IMODE(d.stat().st_mode) for d in (path.parent, path.parent.parent)} == {0o700}
        assert len(list(path.parent.iterdir())) == 3
        ledger.close()

    def test_a_file_that_others_may_read_is_closed_to_them(self, filled: Path) -> None:
        """F12"""
        filled.chmod(0o644)
        SqliteLedger(filled).close()
        assert stat.S_IMODE(filled.stat().st_mode) == 0o600

    def test_no_secret_reaches_the_file_or_an_export(self, path: Path) -> None:
        """F12, D8"""
        url = "https://user:hunter2@example.org/feed?q=a@b"
        fields = Fields(
            [("Set-Cookie", "hunter2"), ("Authorization", "hunter2"), ("cookie", "hunter2"), ("ETag", '"a"')]
        )
        stored = StoredResponse(url, 200, fields, NOW, NOW)
        state = FeedState(url, moved_to=url, stored=stored, chain=(url,), last_polled=NOW)
        with SqliteLedger(path) as ledger:
            ledger.commit([Outcome(url, "new", state=state, seen=(entry("a"),))])
            assert set(ledger.due([url])) == {url}
            loaded = ledger.load([url])[url]
            assert loaded.url == url
            assert loaded.stored is not None
            assert loaded.stored.fields.pairs == (("ETag", '"a"'),)
            assert loaded.chain == ("https://example.org/feed?q=a@b",)
            assert set(ledger.seen(url)) == {"a"}
            assert "hunter2" not in "".join(export_state(ledger))
            for file in path.parent.iterdir():
                assert b"hunter2" not in file.read_bytes()


class TestDamage:
    @pytest.mark.parametrize("damage", ["truncated", "header"])
    def test_a_damaged_file_is_set_aside_and_said(self, filled: Path, damage: str) -> None:
        """F11"""
        whole = filled.read_bytes()
        content = {"truncated": whole[:9000], "header": b"x" + whole[1:]}[damage]
        filled.write_bytes(content)
        with SqliteLedger(filled, clock=lambda: NOW) as ledger:
            aside = filled.with_name("feeds.sqlite3.corrupt-20260302T020500Z")
            assert aside.read_bytes() == content
            (notice,) = ledger.take_notices()
            assert str(aside) in notice
            assert "every feed will be new once" in notice
            assert not ledger.take_notices()
            assert ledger.urls() == []
            ledger.commit([outcome()])
        filled.write_bytes(content)
        SqliteLedger(filled, clock=lambda: NOW).close()
        assert filled.with_name("feeds.sqlite3.corrupt-20260302T020500Z-2").read_bytes() == content

    @pytest.mark.parametrize("content", [b"https://example.org/feed.xml\n", b"junk" * 1000, b"SQLite format 3\0" * 30])
    def test_a_file_that_is_not_a_state_file_is_never_moved(self, path: Path, content: bytes) -> None:
        """F11: a list of feeds, say, that was named as the state by mistake."""
        path.parent.mkdir()
        path.write_bytes(content)
        before = directory(path)
        with pytest.raises(ForeignFile, match="is not a state file of condget and is left untouched; name another"):
            SqliteLedger(path)
        assert directory(path) == before

    def test_damage_found_in_the_middle_of_a_run_costs_what_cannot_be_read(self, filled: Path) -> None:
        """F11"""
        content = bytearray(filled.read_bytes())
        content[4096:] = b"\xff" * (len(content) - 4096)
        filled.write_bytes(content)
        with SqliteLedger(filled, clock=lambda: NOW) as ledger:
            assert ledger.urls() == []
            (notice,) = ledger.take_notices()
            assert "set aside as" in notice
            ledger.commit([outcome()])
            assert ledger.urls() == [URL]

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE states SET state = '{' WHERE feed = 1",
            "UPDATE states SET state = '[]' WHERE feed = 1",
            """UPDATE states SET state = '{"stored": 5}' WHERE feed = 1""",
            """UPDATE states SET state = '{"first_polled": 1e300}' WHERE feed = 1""",
            "UPDATE states SET state = CAST(x'7bff7d' AS TEXT) WHERE feed = 1",
            "DELETE FROM states WHERE feed = 1",
            "UPDATE feeds SET next_poll = 'soon' WHERE id = 1",
            "UPDATE feeds SET last_polled = 9e999 WHERE id = 1",
            "UPDATE feeds SET reason = CAST(x'ff' AS TEXT) WHERE id = 1",
            "UPDATE feeds SET reason = x'41' WHERE id = 1",
            "UPDATE seen SET fingerprint = CAST(x'ff' AS TEXT) WHERE feed = 1",
            "UPDATE seen SET key = x'ff' WHERE feed = 1",
            "UPDATE seen SET last_seen = 1e300 WHERE feed = 1",
        ],
    )
    def test_a_row_that_cannot_be_read_costs_its_feed_which_is_new_once(self, filled: Path, statement: str) -> None:
        """F11: its name is said, the other feeds go on, and so do the silences of hosts."""
        other, hold = "https://example.org/2", HostHold("example.org", NOW + 60, "held")
        with SqliteLedger(filled) as ledger:
            ledger.commit([replace(outcome(other), seen=(entry("b"),), hold=hold)])
        with contextlib.closing(sqlite3.connect(filled, isolation_level=None)) as connection:
            connection.execute(statement)
        with SqliteLedger(filled, clock=lambda: NOW) as ledger:
            ledger.set_back(NOW)
            assert set(ledger.due([URL, other])) >= {other}
            assert (dict(ledger.seen(URL)), ledger.seen(other)) == (
                {} if "seen" in statement else ANY,
                {"b": entry("b")},
            )
            assert ledger.load([URL, other]) == {other: outcome(other).state}
            assert ledger.holds() == {"example.org": hold}
            (notice,) = ledger.take_notices()
            assert f"new once: {URL}." in notice
            ledger.commit([Outcome(URL, "new", state=STATE, seen=(entry("c"),))])
            assert ledger.load([URL]) == {URL: STATE}
        with SqliteLedger(filled) as ledger:
            assert set(ledger.due([URL, other])) == {URL, other}
            assert not ledger.take_notices()

    @pytest.mark.parametrize(
        "statement",
        [
            "DROP TABLE items",
            "ALTER TABLE feeds RENAME COLUMN reason TO reasom",
            "DROP INDEX moves",
        ],
    )
    def test_damaged_tables_are_rebuilt_from_what_can_be_read(self, filled: Path, statement: str) -> None:
        """F11"""
        with contextlib.closing(sqlite3.connect(filled, isolation_level=None)) as connection:
            connection.execute(statement)
        for _ in range(2):
            with SqliteLedger(filled, clock=lambda: NOW) as ledger:
                ledger.due([URL])
                ledger.load([URL])
                ledger.commit([outcome()])
                ledger.moves([URL])
        with SqliteLedger(filled) as ledger:
            assert ledger.load([URL]) == {URL: outcome().state}

    def test_a_flipped_byte_costs_a_feed_or_nothing_and_never_stops_the_polls(self, filled: Path) -> None:
        """F11: any byte of a small state; after a few runs there is no more to say."""
        with SqliteLedger(filled) as ledger:
            ledger.commit(replace(outcome(f"https://example.org/{n}"), seen=(entry("e"),)) for n in range(3))
            urls = list(ledger.urls())
        whole = filled.read_bytes()
        used = [position for position, byte in enumerate(whole) if byte]
        rolls = random.Random(11)
        for position in [18, 19, *rolls.sample(used, min(FLIPS, len(used)))]:
            content = bytearray(whole)
            content[position] ^= rolls.choice((1, 4, 32, 128, 255))
            for file in filled.parent.iterdir():
                file.unlink()
            filled.write_bytes(content)
            try:
                _poll(filled, urls)
            except (ForeignFile, NewerState):
                # A header that says so: of the magic number and the version, and nothing else.
                assert position in (*range(16), *range(60, 64), *range(68, 72))
                assert filled.read_bytes() == content
                continue
            # Damage of a page may come to light only when the page is written to.
            for _ in range(3):
                _poll(filled, urls)
            with SqliteLedger(filled) as ledger:
                assert set(ledger.due(urls)) == set(urls)
                assert set(ledger.load(urls)) == set(urls)
                assert not ledger.take_notices(), position

    def test_a_newer_file_is_left_untouched(self, filled: Path) -> None:
        """F11"""
        with sqlite3.connect(filled) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
        before = directory(filled)
        for kind in (SqliteLedger, SqliteLedgerReader):
            with pytest.raises(NewerState, match=r"newer condget .version 99"):
                kind(filled)
        assert directory(filled) == before

    def test_the_database_of_another_program_is_left_untouched(self, path: Path) -> None:
        """F11"""
        path.parent.mkdir()
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE theirs (x)")
        connection.close()
        before = directory(path)
        for kind in (SqliteLedger, SqliteLedgerReader):
            with pytest.raises(StoreError, match="another program"):
                kind(path)
        assert directory(path) == before

    def test_an_older_file_is_upgraded_in_place(self, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """B6"""
        _one_version_later(monkeypatch, "ALTER TABLE feeds ADD COLUMN more TEXT")
        with pytest.raises(StoreError, match="older version; the next poll upgrades it"):
            SqliteLedgerReader(filled)
        with SqliteLedger(filled) as ledger:
            assert ledger.load([URL]) == {URL: STATE}
        with SqliteLedgerReader(filled) as ledger:
            assert set(ledger.seen(URL)) == {"a"}

    def test_an_upgrade_that_fails_changes_nothing(self, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """B6"""
        with monkeypatch.context() as patched:
            _one_version_later(patched, "ALTER TABLE feeds ADD COLUMN more TEXT", "nonsense")
            with pytest.raises(StoreError, match="syntax error"):
                SqliteLedger(filled)
        with SqliteLedger(filled) as ledger:
            assert ledger.load([URL]) == {URL: STATE}

    def test_nothing_is_forgotten_on_a_timer(self, filled: Path) -> None:
        """B6"""
        for _ in range(9):
            with SqliteLedger(filled) as ledger:
                ledger.commit([outcome("https://example.org/other", last_polled=NOW + 9 * 86400)])
        with SqliteLedger(filled) as ledger:
            assert ledger.load([URL]) == {URL: STATE}


class TestDisk:
    def test_a_full_disk_is_said_and_loses_nothing_that_was_committed(self, filled: Path) -> None:
        """F11, B7"""
        ledger = SqliteLedger(filled)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
            with pytest.raises(StoreError, match=r"feeds.sqlite3 cannot be used: its disk is full"):
                ledger.commit(outcome(f"https://example.org/{n}", error="x" * 500) for n in range(1000))
            assert ledger.urls() == [URL]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, ignored)
        ledger.commit([outcome("https://example.org/2")])
        assert len(ledger.urls()) == 2
        ledger.close()

    def test_space_for_a_run_is_taken_before_it_and_given_to_its_commit(self, filled: Path) -> None:
        """F11: the next file that grows takes the last of the disk."""
        before = directory(filled)
        with SqliteLedger(filled) as ledger:
            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            ledger.reserve(3)
            ledger.reserve(3)
            try:
                resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
                with pytest.raises(
                    StoreError, match=r"feeds.sqlite3 cannot be used: its disk is full; free some space"
                ):
                    ledger.reserve(3)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            assert {name for name in directory(filled) if "-" not in name} == set(before)
            ledger.commit([outcome()])
        assert set(directory(filled)) == set(before)

    def test_a_place_where_nothing_can_be_written_is_said_before_anything_is_asked(self) -> None:
        """F11"""
        with pytest.raises(StoreError, match=r"The file /dev/null/feeds.sqlite3 cannot be used"):
            SqliteLedger(Path("/dev/null/feeds.sqlite3"))

    def test_a_read_only_file_is_said_before_anything_is_asked(self) -> None:
        """F11"""
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "feeds.sqlite3"
            SqliteLedger(path).close()
            path.chmod(0o444)
            Path(name).chmod(0o555)
            code = (
                "import sys; from pathlib import Path; from condget.stores.ledger import SqliteLedger\n"
                "from condget.errors import StoreError\n"
                "try: SqliteLedger(Path(sys.argv[1]))\n"
                "except StoreError as error: print(error)"
            )
            # root may write everywhere: do it as somebody else.
            user = 65534 if os.geteuid() == 0 else None
            preload = "import os; import condget.stores.ledger, encodings.idna; " + (
                f"os.setuid({user})\n" if user else "\n"
            )
            run = subprocess.run(
                [sys.executable, "-c", preload + code, str(path)],
                cwd=Path(__file__).parents[2],
                capture_output=True,
                text=True,
                check=True,
            )
            Path(name).chmod(0o755)
        assert "is read-only; make the file and its directory writable" in run.stdout

    @pytest.mark.parametrize("what", ["file", "directory", "replaced"])
    def test_a_state_that_goes_away_during_a_run_is_said_and_the_next_run_is_well(
        self, filled: Path, what: str
    ) -> None:
        """F11, B7: what is written to a deleted file would be lost in silence."""
        with SqliteLedger(filled) as ledger:
            ledger.commit([outcome()])
            if what == "replaced":
                other = filled.with_name("other")
                SqliteLedger(other).close()
                other.replace(filled)
            elif what == "file":
                filled.unlink()
            else:
                shutil.rmtree(filled.parent)
            with pytest.raises(
                StoreError, match="was deleted or replaced during this run; the last part of its report"
            ):
                ledger.commit([outcome()])
        with SqliteLedger(filled) as ledger:
            assert ledger.urls() == []
            assert not ledger.take_notices()
            ledger.commit([outcome()])
        with SqliteLedger(filled) as ledger:
            assert ledger.urls() == [URL]

    def test_another_programs_transaction_is_awaited_before_a_report_is_given_up(
        self, filled: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """F11, B7: somebody looks into the file with another program, and takes longer than SQLite waits."""
        monkeypatch.setattr("condget.stores.ledger.BUSY", 0.05)
        with (
            SqliteLedger(filled) as ledger,
            contextlib.closing(sqlite3.connect(filled, isolation_level=None, check_same_thread=False)) as other,
        ):
            other.execute("BEGIN IMMEDIATE")
            ends = threading.Timer(0.5, lambda: other.execute("ROLLBACK"))
            ends.start()
            ledger.commit([outcome(title="written")])
            ends.join()
            assert ledger.load([URL])[URL].title == "written"
            monkeypatch.setattr("condget.stores.ledger._PATIENCE", 0.1)
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="another process has kept it locked for too long; try again later"):
                ledger.commit([outcome()])
            other.execute("ROLLBACK")
            ledger.commit([outcome()])

    def test_a_closed_ledger_says_so(self, filled: Path) -> None:
        ledger = SqliteLedger(filled)
        ledger.close()
        ledger.close()
        with pytest.raises(StoreError, match="closed"):
            ledger.commit([outcome()])


def test_killed_at_any_instant_a_commit_is_there_whole_or_not_at_all(path: Path) -> None:
    """B7"""
    code = """
for turn in range(1, 10**6):
    ledger.commit(
        replace(outcome(f"https://example.org/{n}", failures=turn), seen=(entry(f"{turn}"),)) for n in range(40)
    )
    print(turn, flush=True)
"""
    reported = 0
    for _ in range(6):
        lines = run_and_kill(path, code, after=random.uniform(0.0, 0.08))
        with SqliteLedger(path) as ledger:
            urls = ledger.urls()
            turns = {state.failures for state in ledger.load(urls).values()}
            assert len(turns) <= 1
            committed = max(turns, default=0)
            assert committed >= (lines[-1] if lines else 0)
            for url in urls:
                assert str(committed) in ledger.seen(url)
            assert not ledger.take_notices()
        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        reported += len(lines)
    assert reported


def test_a_feed_without_news_costs_one_small_row(filled: Path) -> None:
    """B6: what a 304 leaves as it was is not written again, however long it is."""
    log = Path(f"{filled}-wal")
    with SqliteLedger(filled) as ledger:
        ledger.commit([outcome(title="t" * 100_000, recall="i" * 100_000)])
        state = replace(ledger.load([URL])[URL], next_poll=NOW + 7200, last_polled=NOW + 60, interval=90.0)
        before = log.stat().st_size
        ledger.commit([Outcome(URL, "unchanged", state=state)])
        assert log.stat().st_size - before < 20_000
        assert ledger.load([URL]) == {URL: state}


def test_among_many_feeds_a_few_are_looked_up_alone(path: Path) -> None:
    """Due feeds among a million cost the same as among a thousand: no table is read from end to end."""
    with SqliteLedger(path) as ledger:
        ledger.commit(outcome(f"https://example.org/{number}") for number in range(3_000))
    with contextlib.closing(Recording(path)) as rows:
        ledger_queries.due(rows, [URL])
        ledger_queries.load(rows, [URL])
        ledger_queries.seen(rows, URL)
        ledger_queries.moves(rows, [URL])
        ledger_queries.spellings(rows)
        assert len(rows.queries) == 6
        steps = rows.steps()
    assert not [step for step in steps if "SCAN" in step and "json_each" not in step and "INDEX" not in step], steps


def test_50_000_feeds_are_looked_up_by_two_queries(path: Path) -> None:
    urls = [f"https://host{number}.example.org/blog/feed.xml" for number in range(50_000)]
    with SqliteLedger(path) as ledger:
        ledger.commit(outcome(url, reason="rarely changes: every 3 h; next at 02:05Z") for url in urls)
    with contextlib.closing(Recording(path)) as rows:
        assert len(ledger_queries.due(rows, urls)) == 50_000
        assert len(rows.queries) == 2


def _poll(path: Path, urls: Sequence[str]) -> None:
    """Do with a state file what a poll does."""
    with SqliteLedger(path, clock=lambda: NOW) as ledger:
        ledger.set_back(NOW)
        ledger.due(urls)
        ledger.holds()
        ledger.moves(urls)
        ledger.spellings()
        states = ledger.load(urls)
        for url in urls:
            ledger.seen(url)
            state = states.get(url) or FeedState(url)
            state = replace(state, last_polled=NOW, next_poll=NOW + 60, title="polled", reason="because")
            ledger.commit([Outcome(url, "changed", state=state, seen=(entry("e"),))])


def _one_version_later(monkeypatch: pytest.MonkeyPatch, *statements: str) -> None:
    """Have condget know a version of the state file that its next release might have."""
    later = replace(STATE_FORMAT, steps=(*STATE_FORMAT.steps, statements))
    for module in ("ledger", "ledger_reader"):
        monkeypatch.setattr(f"condget.stores.{module}.STATE", later)
