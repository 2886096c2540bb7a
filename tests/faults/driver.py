"""Runs in a process that has `faults.c` preloaded: whatever fails, nothing is lost and the next run is clean.

    python -m tests.faults.driver LIBRARY DIRECTORY state|damaged|cache KIND ERRNO once|lasting

For the calls of a kind that a run makes, one run each in which that call fails, or all from that one on; then a run in
which none does. The later the call, the fewer are tried, unless CONDGET_TEST_FAULTS is set. Prints how many
calls there were.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import os
import shutil
import sqlite3
import sys
from pathlib import Path

import httpx

import condget
from condget.errors import StoreError
from condget.feeds.subscriptions import parse_list
from condget.polling import RunOptions, poll
from condget.polling.executors import InProcess
from condget.stores.opening import open_ledger
from tests.origin import Answer, Origin, RawRequest, not_modified, ok
from tests.polling.support import NOON, Inline, rss

_EVERY_CALL = bool(os.environ.get("CONDGET_TEST_FAULTS"))

KINDS = ("open", "read", "write", "sync", "rename")

#: Feeds, by path, and whether each has a new entry in the runs that are looked at.
FEEDS = {"/changed": True, "/unchanged": False, "/new": True}


#: The requests of the client, by path, and how long their content is.
LENGTHS = {"/fresh": 1000, "/stale": 1000, "/long": 1_300_000, "/new": 1000}


class StatePoll:
    """A poll of a few feeds, with the state in a directory."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._newest = 1
        origin.script("*", self._answer)

    def _answer(self, request: RawRequest) -> Answer:
        newest = self._newest if FEEDS[request.path] else 1
        etag = f'"{newest}"'
        if request.fields.get("if-none-match") == etag:
            return not_modified(etag=etag)
        return ok(rss(*range(newest, 0, -1)), etag=etag)

    def begin(self, directory: Path) -> None:
        """Have a state in which all feeds but one are known; then there is news."""
        self._newest = 1
        self._poll(directory, set(FEEDS) - {"/new"})
        self._newest = 2

    def faulty(self, directory: Path) -> set[tuple[str, str]]:
        reported: set[tuple[str, str]] = set()
        with contextlib.suppress(StoreError):
            self._poll(directory, set(FEEDS), reported)
        return reported

    def clean(self, directory: Path, reported: set[tuple[str, str]]) -> None:
        self._poll(directory, set(FEEDS), reported)
        expected = {("/changed", "id-2"), ("/new", "id-1"), ("/new", "id-2")}
        assert expected <= reported, reported
        third: set[tuple[str, str]] = set()
        notices = self._poll(directory, set(FEEDS), third)
        assert (third, notices) == (set(), [])

    def _poll(self, directory: Path, paths: set[str], reported: set[tuple[str, str]] | None = None) -> list[str]:
        subscriptions = parse_list("\n".join(self._origin.url(path) for path in sorted(paths)), "feeds.txt")
        executor = InProcess(lambda: NOON, sleep=_no_sleep, parser=Inline)
        with open_ledger(directory / "feeds.sqlite3", clock=lambda: NOON) as ledger:
            for outcome in poll(
                subscriptions,
                ledger,
                run_options=RunOptions(force=True),
                clock=lambda: NOON,
                executor=executor,
            ):
                assert outcome.status != "error", outcome.error
                if reported is not None:
                    path = outcome.url.removeprefix(self._origin.url(""))
                    reported |= {(path, str(entry.id)) for entry in outcome.entries}
            return list(ledger.take_notices())


class DamagedStatePoll(StatePoll):
    """A poll whose state has a row that cannot be read."""

    def begin(self, directory: Path) -> None:
        super().begin(directory)
        with contextlib.closing(sqlite3.connect(directory / "feeds.sqlite3", isolation_level=None)) as connection:
            connection.execute("UPDATE states SET state = '{' WHERE feed = 1")


class CachedRequests:
    """Requests of a client that has a cache in a directory."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        origin.script("*", self._answer)

    def _answer(self, request: RawRequest) -> Answer:
        if request.fields.get("if-none-match"):
            return not_modified(etag='"1"')
        maximum = "0" if request.path == "/stale" else "3600"
        return ok(self._body(request.path), etag='"1"', cache_control=f"max-age={maximum}")

    def _body(self, path: str) -> bytes:
        return (path.encode() * LENGTHS[path])[: LENGTHS[path]]

    def begin(self, directory: Path) -> None:
        self._request(directory, set(LENGTHS) - {"/new"})

    def faulty(self, directory: Path) -> None:
        self._request(directory, set(LENGTHS))

    def clean(self, directory: Path, faulty: None) -> None:
        for _ in range(2):
            statuses = self._request(directory, set(LENGTHS))
        assert all(status.hit or status.fwd == "stale" for status in statuses), statuses

    def _request(self, directory: Path, paths: set[str]) -> list[condget.CacheStatus]:
        statuses = []
        with condget.Client(cache=directory, verify=False) as client:
            for path in sorted(paths):
                try:
                    response = client.get(self._origin.url(path))
                except httpx.ReadError:  # a long hit that broke off: an error, never a short body
                    assert path == "/long"
                    response = client.get(self._origin.url(path))
                assert response.content == self._body(path), path
                statuses.append(response.extensions["condget"])
        return statuses


async def _no_sleep(seconds: float) -> None:
    pass


def main(library: str, root: str, what: str, kind: str, error: str, how: str) -> None:
    faults = ctypes.CDLL(library)
    number = 0
    with Origin() as origin:
        run = {"state": StatePoll, "damaged": DamagedStatePoll, "cache": CachedRequests}[what](origin)
        base, directory = Path(root) / "base", Path(root) / "faulty"
        base.mkdir()
        run.begin(base)  # type: ignore[attr-defined]
        while True:
            number += 1 if _EVERY_CALL else max(1, number // 3)
            shutil.rmtree(directory, ignore_errors=True)
            shutil.copytree(base, directory)
            faults.fault_arm(
                str(directory).encode(),
                KINDS.index(kind),
                ctypes.c_long(number),
                getattr(errno, error),
                how == "lasting",
            )
            try:
                result = run.faulty(directory)  # type: ignore[attr-defined]
            finally:
                calls = faults.fault_disarm()
            gc.collect()  # an exception's traceback may hold a connection, and with it files
            try:
                run.clean(directory, result)  # type: ignore[attr-defined]
                _check(directory, what)
            except BaseException:
                sys.stderr.write(f"after {kind} {number} failed with {error}, {how}\n")
                raise
            if calls < number:
                break
    sys.stdout.write(f"{calls}\n")


def _check(directory: Path, what: str) -> None:
    """Make sure that files are in order, and that none was left behind or set aside without need."""
    for file in directory.glob("*.sqlite3"):
        with contextlib.closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    names = {file.name for file in directory.iterdir()}
    asides = {name for name in names if ".corrupt-" in name}
    # Where the new file could not be put in place of a damaged one, that is set aside once more.
    assert len(asides) in ((1, 2) if what == "damaged" else (0,)), asides
    assert names - asides <= {"feeds.sqlite3", "feeds.sqlite3.lock", "cache.sqlite3"}, names


if __name__ == "__main__":
    main(*sys.argv[1:])
