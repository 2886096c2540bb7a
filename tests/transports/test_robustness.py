"""A store that fails, is locked or corrupt never fails or hangs a request: it steps aside and says so once (G6)."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from condget.cache.messages import StoredResponse
from condget.errors import StoreError
from tests.library import condget, httpx
from tests.origin import Origin, conditional
from tests.transports.scenarios import KINDS, SyncCalls, answer, calling, together

both = pytest.mark.parametrize("kind", KINDS)
FRESH = "Cache-Control: max-age=3600"
ROOT = str(Path(condget.__file__).parents[1])


@pytest.fixture
def pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failure, ask the store again at once."""
    monkeypatch.setattr("condget.transports.guarded_store._PAUSE", 0.0)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def the_file(directory: Path) -> Path:
    return directory / "cache.sqlite3"


def fill(origin: Origin, directory: Path) -> None:
    """Leave a cache with a small and a long response, and no -wal."""
    origin.script(
        "*", lambda request: answer(FRESH, request.path.encode() * (400_000 if "long" in request.path else 1))
    )
    with calling("sync", cache=directory) as calls:
        calls.get(origin.url("/small"))
        calls.get(origin.url("/long"))
    with sqlite3.connect(the_file(directory)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def overwrite(at: int, data: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        content = bytearray(path.read_bytes())
        content[at : at + len(data)] = data
        path.write_bytes(bytes(content))

    return damage


def execute(statement: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        connection = sqlite3.connect(path)
        connection.execute(statement)
        connection.commit()
        connection.close()

    return damage


def foreign(path: Path) -> None:
    path.unlink()
    execute("CREATE TABLE bookmarks (url)")(path)


def directory_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE: dict[str, Callable[[Path], None]] = {
    "no header": overwrite(0, b"garbage" * 20),
    "a broken header": overwrite(16, b"garbage" * 7),
    "a broken first page": overwrite(100, b"\xff" * 3000),
    "broken pages": overwrite(4096, b"\xff" * 4096 * 8),
    "half of it is gone": lambda path: os.truncate(path, path.stat().st_size // 2),
    "all but a little is gone": lambda path: os.truncate(path, 60),
    "it is empty": lambda path: os.truncate(path, 0),
    "it is a text file": lambda path: path.write_text("hello\n" * 99) and None,
    "a table is missing": execute("DROP TABLE chunks"),
    "heads that cannot be read": execute("UPDATE responses SET head = 'x'"),
    "heads of another form": execute("UPDATE responses SET head = '{}'"),
    "contents are missing": execute("DELETE FROM chunks"),
    "totals are missing": execute("DELETE FROM totals"),
    "another program's file": foreign,
    "a newer version": execute("PRAGMA user_version = 99"),
    "a directory": directory_instead,
    "it is gone": lambda path: path.unlink(),
}
#: After these nothing is stored any more: the file is not ours to touch.
LEFT_ALONE = (
    "another program's file",
    "a newer version",
    "no header",
    "it is a text file",
    "all but a little is gone",
    "a directory",
)


@both
@pytest.mark.parametrize("damage", DAMAGE)
def test_requests_go_on_when_the_file_was_damaged(
    damage: str, kind: str, origin: Origin, tmp_path: Path, caplog: pytest.LogCaptureFixture, pause: None
) -> None:
    """G6, F11: it is told once; a damaged file is set aside; what is not ours is left alone."""
    fill(origin, tmp_path)
    DAMAGE[damage](the_file(tmp_path))
    before = the_file(tmp_path).read_bytes() if damage in LEFT_ALONE[:-1] else b""
    with calling(kind, cache=tmp_path) as calls:
        for _ in range(3):
            for path in ("/small", "/long", "/other"):
                response = calls.get(origin.url(path))
                assert response.content == path.encode() * (400_000 if "long" in path else 1)
                assert response.extensions["condget"].hit or response.extensions["condget"].fwd
        if damage not in LEFT_ALONE:
            assert calls.get(origin.url("/small")).extensions["condget"].hit
            assert calls.get(origin.url("/long")).extensions["condget"].hit
    messages = said(caplog)
    assert len(messages) == len(set(messages))
    assert len(messages) <= 3, messages
    if damage in LEFT_ALONE:
        assert messages
    if damage in LEFT_ALONE[:-1]:
        assert the_file(tmp_path).read_bytes() == before
    if damage in ("a broken header", "a table is missing", "totals are missing"):
        assert list(tmp_path.glob("*.corrupt-*"))


@both
@pytest.mark.parametrize("damage", ["a broken header", "it is a text file", "broken pages", "half of it is gone"])
def test_requests_go_on_when_the_file_is_damaged_while_it_is_open(
    damage: str, kind: str, origin: Origin, tmp_path: Path, pause: None
) -> None:
    """G6"""
    fill(origin, tmp_path)
    with calling(kind, cache=tmp_path) as calls:
        calls.get(origin.url("/small"))
        DAMAGE[damage](the_file(tmp_path))
        for number in range(12):
            path = f"/{number % 3}long" if number % 2 else "/small"
            assert calls.get(origin.url(path)).content == path.encode() * (400_000 if number % 2 else 1)


@both
@pytest.mark.parametrize("what", ["file", "directory", "moved"])
def test_a_file_that_is_deleted_while_open_is_made_anew(
    what: str, kind: str, origin: Origin, tmp_path: Path, pause: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G6"""
    directory = tmp_path / "cache"
    origin.script("*", lambda request: answer(FRESH, request.path.encode() * 400_000))
    with calling(kind, cache=directory) as calls:
        calls.get(origin.url("/1"))
        if what == "directory":
            shutil.rmtree(directory)
        elif what == "moved":
            directory.rename(tmp_path / "elsewhere")
        else:
            for file in directory.iterdir():
                file.unlink()
        for path in ("/2", "/1", "/3"):
            assert calls.get(origin.url(path)).content == path.encode() * 400_000
        calls.pause(0.6)  # looks for its file now and then
        calls.get(origin.url("/4"))
        assert calls.get(origin.url("/4")).extensions["condget"].hit
        assert the_file(directory).exists()
        assert the_file(directory).stat().st_mode & 0o077 == 0


@both
@pytest.mark.parametrize("statements", [["BEGIN IMMEDIATE"], ["PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE"]])
def test_a_locked_file_costs_a_bounded_time_and_one_line_of_log(
    kind: str, statements: list[str], origin: Origin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """G6"""
    fill(origin, tmp_path)
    origin.clear()
    connection = sqlite3.connect(the_file(tmp_path), isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    with calling(kind, cache=tmp_path) as calls:
        start = time.monotonic()
        for number in range(6):
            assert calls.get(origin.url(f"/{number}")).content == f"/{number}".encode()
        results = together(calls, origin.url("/x"), *[{}] * 6)
        assert all(result.content == b"/x" for result in results if not isinstance(result, BaseException))
        assert len(results) == 6
        assert time.monotonic() - start < 4
        assert len(said(caplog)) == 1
        assert "locked" in said(caplog)[0]
        connection.close()
    with calling(kind, cache=tmp_path) as calls:
        calls.get(origin.url("/0"))
        assert calls.get(origin.url("/0")).extensions["condget"].hit


@both
def test_what_was_invalidated_while_the_file_was_locked_is_not_used(
    kind: str, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G1, G6: whoever changed something never gets to see the old state from the cache."""
    monkeypatch.setattr("condget.transports.guarded_store._PAUSE", 0.1)
    origin.script("/", answer(FRESH, b"old"), answer(status=204), answer(FRESH, b"new"))
    with calling(kind, cache=tmp_path) as calls:
        calls.get(origin.url())
        connection = sqlite3.connect(the_file(tmp_path), isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        assert calls.request("PUT", origin.url()).status_code == 204
        assert calls.get(origin.url()).content == b"new"
        connection.close()
        calls.pause(0.12)
        assert calls.get(origin.url()).content == b"new"
        assert calls.get(origin.url()).extensions["condget"].hit


class Failing:
    """A store of which one method fails, in the way of somebody else's code."""

    def __init__(self, store: Any, method: str) -> None:
        self._store, self._method = store, method
        self._fails: Any = RuntimeError(f"{method} fails")

    def __getattr__(self, name: str) -> Any:
        if name == self._method:

            def fail(*_: object) -> None:
                raise self._fails

            return fail
        found = getattr(self._store, name)
        if name == "writer":
            return lambda *arguments: Failing(found(*arguments), self._method)
        return found


METHODS = [
    "load",
    "content",
    "writer",
    "write",
    "commit",
    "abort",
    "freshen",
    "discard",
    "invalidate",
    "touch",
    "close",
]


@both
@pytest.mark.parametrize("method", METHODS)
def test_whatever_a_store_raises_the_request_goes_on(
    method: str, kind: str, origin: Origin, tmp_path: Path, caplog: pytest.LogCaptureFixture, pause: None
) -> None:
    """G6, F11: a response that was received is never lost."""
    origin.script("/", conditional(b"body", etag='"a"'))
    cache = condget.Cache(tmp_path)
    with calling(kind, cache=Failing(cache, method)) as calls:
        assert calls.get(origin.url()).content == b"body"
        assert calls.get(origin.url()).content == b"body"
        calls.request("POST", origin.url())
        calls.read_some(origin.url("/closed-early"))
        assert calls.get(origin.url()).content == b"body"
    messages = said(caplog)
    assert len(messages) <= 1, messages
    cache.close()


class Evicted(condget.Cache):
    """A cache that another process clears between the look at the heads and the reading of content."""

    def content(self, stored: StoredResponse, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        with condget.Cache(self.path) as other:
            other.clear()
        return super().content(stored, start, stop)


@both
def test_what_another_process_evicted_is_a_miss_and_no_failure(
    kind: str, origin: Origin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """G6, G8: nothing is logged, and the store is not left alone."""
    origin.script("/", answer(FRESH, b"body"))
    with condget.Cache(tmp_path) as cache, Evicted(tmp_path) as evicted:
        with calling(kind, cache=cache) as calls:
            calls.get(origin.url())
        with calling(kind, cache=evicted) as calls:
            response = calls.get(origin.url())
            assert (response.content, response.extensions["condget"].stored) == (b"body", True)
        with calling(kind, cache=cache) as calls:
            assert calls.get(origin.url()).extensions["condget"].hit
    assert len(origin.requests) == 2
    assert said(caplog) == []


@both
@pytest.mark.parametrize("path", ["/small", "/long"])
def test_content_that_was_damaged_is_fetched_again_or_breaks_off_before_the_damage(
    kind: str, path: str, origin: Origin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """G5, G6: in the second chunk of the long one, when the first is with its reader already."""
    fill(origin, tmp_path)
    execute("UPDATE chunks SET data = zeroblob(length(data)) WHERE key / 1048576 = 1 OR key % 1048576 = 1")(
        the_file(tmp_path)
    )
    body = path.encode() * (400_000 if path == "/long" else 1)
    with calling(kind, cache=tmp_path) as calls:
        if path == "/long":
            with pytest.raises(httpx.ReadError, match="is not what was stored"):
                calls.get(origin.url(path))
        response = calls.get(origin.url(path))
        assert (response.content, response.extensions["condget"].hit) == (body, False)
        assert calls.get(origin.url(path)).extensions["condget"].hit
    assert said(caplog) == []


class Breaking(condget.Cache):
    """A cache whose content breaks off while it is read."""

    def content(self, stored: StoredResponse, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        yield next(super().content(stored, start, stop))[:1]
        raise StoreError("The disk is broken.")


@both
def test_a_hit_that_breaks_off_is_an_error_not_a_short_body(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G5, G6"""
    origin.script("/", answer(FRESH, b"body"))
    with calling(kind, cache=Breaking(tmp_path)) as calls:
        calls.get(origin.url())
        with pytest.raises(httpx.ReadError, match="broken"):
            calls.get(origin.url())


def child(source: str, *arguments: str, **more: Any) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source, *arguments], capture_output=True, text=True, cwd=ROOT, **more
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


NOBODY = 65534
ASK = """
import logging, os, sys, sysconfig
import condget.stores.disk_cache
from tests.library import condget, httpx
logging.basicConfig(format="%(message)s", stream=sys.stdout)
logging.getLogger(httpx.__name__).setLevel(logging.ERROR)
url, directory = sys.argv[1:3]
import json, sqlite3, hashlib
condget.Client, httpx.get(url, verify=False)  # imports the rest, which nobody else may be allowed to read
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
with condget.Client(cache=directory, verify=False) as client:
    for _ in range(3):
        assert client.get(url).content == b"body"
        assert client.get(url + "?2").content == b"body"
"""


@pytest.mark.parametrize("what", ["directory", "file", "absent", "beneath a file"])
def test_what_may_not_be_written_is_stepped_aside_from(what: str, origin: Origin, tmp_path: Path) -> None:
    """G6: as somebody who may not write there."""
    for parent in (tmp_path, *tmp_path.parents):
        if not parent.stat().st_mode & 0o001 and os.geteuid() == 0 and str(parent).startswith("/tmp/"):
            parent.chmod(0o711)
    origin.script("*", answer(FRESH, b"body"))
    directory = tmp_path / "cache"
    if what == "beneath a file":
        directory.write_text("a file")
        directory = directory / "cache"
    elif what != "absent":
        fill(origin, directory)
        origin.script("*", answer(FRESH, b"body"))
        the_file(directory).chmod(0o444)
        directory.chmod(0o555 if what == "directory" else 0o777)
    else:
        tmp_path.chmod(0o555)
    output = child(ASK, origin.url(), str(directory))
    tmp_path.chmod(0o700)
    assert output.count("\n") == 0
    assert "go on without the cache" in output


FULL = """
import logging, resource, signal, sys
from tests.library import condget, httpx
logging.basicConfig(format="%(message)s", stream=sys.stdout)
logging.getLogger(httpx.__name__).setLevel(logging.ERROR)
url, directory = sys.argv[1:3]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
with condget.Client(cache=directory, verify=False) as client:
    for n in range(12):
        response = client.get(f"{url}?{n % 6}")
        assert len(response.content) == 300_000
        assert response.extensions["condget"].stored in (True, False)
"""


def test_a_full_disk_is_stepped_aside_from(origin: Origin, tmp_path: Path) -> None:
    """G6, F11"""
    origin.script("*", answer(FRESH, b"x" * 300_000))
    output = child(FULL, origin.url(), str(tmp_path))
    assert output.count("go on without the cache") == 1
    connection = sqlite3.connect(the_file(tmp_path))
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


FORK = """
import os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from tests.library import condget
url, directory = sys.argv[1:3]
cache = condget.Cache(directory)
with condget.Client(cache=cache, verify=False) as client:
    client.get(url)
    pid = os.fork()
    if pid == 0:
        with condget.Client(cache=cache, verify=False) as mine:
            ok = mine.get(url).extensions["condget"].hit
            ok = ok and mine.get(url + "?child").content == b"body"
        cache.close()
        os._exit(0 if ok else 9)
    _, status = os.waitpid(pid, 0)
    assert status == 0, status
    assert client.get(url).extensions["condget"].hit
    assert client.get(url + "?child").extensions["condget"].hit
    assert client.get(url + "?parent").extensions["condget"].stored
"""


def test_a_cache_works_on_after_a_fork_on_both_sides(origin: Origin, tmp_path: Path) -> None:
    """G6, G8"""
    origin.script("*", answer(FRESH, b"body"))
    child(FORK, origin.url(), str(tmp_path), timeout=20)


FORK_IN_FLIGHT = """
import os, sys, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from tests.library import condget, httpx
url, directory = sys.argv[1:3]
cache = condget.Cache(directory)
transport = condget.CacheTransport(httpx.HTTPTransport(verify=False), cache=cache)
with httpx.Client(transport=transport) as client:
    other = threading.Thread(target=client.get, args=[url])
    other.start()
    time.sleep(0.2)
    with transport._flights._lock, cache._later_lock, cache._recent_lock:
        pid = os.fork()
        if pid == 0:
            began = time.monotonic()
            ok = client.get(url).content == b"body" and client.get(url).extensions["condget"].hit
            os._exit(0 if ok and time.monotonic() - began < 4 else 9)
    _, status = os.waitpid(pid, 0)
    assert status == 0, status
    other.join()
"""


def test_a_fork_while_another_thread_is_busy_leaves_no_lock_behind(origin: Origin, tmp_path: Path) -> None:
    """G6, G8"""
    origin.script("*", answer(FRESH, b"body", delay=0.6), answer(FRESH, b"body"))
    child(FORK_IN_FLIGHT, origin.url(), str(tmp_path), timeout=20)


MANY = """
import sys
from tests.library import condget
url, directory, name = sys.argv[1:4]
with condget.Client(cache=directory, verify=False) as client:
    for n in range(60):
        response = client.get(f"{url}?{name if n % 2 else ''}{n % 20}", extensions={"condget": "reload"})
        assert response.extensions["condget"].stored, response.extensions["condget"]
"""


def test_processes_share_one_file(origin: Origin, tmp_path: Path) -> None:
    """G8"""
    origin.script("*", answer(FRESH, b"body" * 5000))
    arguments = [sys.executable, "-c", MANY, origin.url(), str(tmp_path)]
    running = [
        subprocess.Popen([*arguments, name], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for name in "ab"
    ]
    outputs = [process.communicate(timeout=30) for process in running]
    assert [process.returncode for process in running] == [0, 0], outputs
    origin.clear()
    with calling("sync", cache=tmp_path) as calls:
        for name in ("a1", "b1", "0", "18"):
            assert calls.get(f"{origin.url()}?{name}").extensions["condget"].hit
    connection = sqlite3.connect(the_file(tmp_path))
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_another_process_that_comes_and_goes_takes_nothing_away(origin: Origin, tmp_path: Path) -> None:
    """G8: SQLite's locks are dropped when any descriptor of the file is closed; two caches of one process must not."""
    origin.script("*", answer(FRESH, b"body"))
    with calling("sync", cache=tmp_path) as one, calling("sync", cache=tmp_path) as two:
        one.get(origin.url("/1"))
        two.get(origin.url("/2"))
        child(MANY, origin.url(), str(tmp_path), "x")
        for number, calls in enumerate((one, two, one, two)):
            calls.get(origin.url(f"/more{number}"))
        for number in range(4):
            for calls in (one, two):
                assert calls.get(origin.url(f"/more{number}")).extensions["condget"].hit
    with calling("sync", cache=tmp_path) as calls:
        for path in ("/1", "/2", "/more0", "/more1", "/more2", "/more3"):
            assert calls.get(origin.url(path)).extensions["condget"].hit, path


@both
def test_one_of_two_clients_may_close(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G6"""
    origin.script("*", answer(FRESH, b"body"))
    with condget.Cache(tmp_path) as cache, calling(kind, cache=cache) as one:
        with calling("sync", cache=cache) as two, calling(kind, cache=tmp_path) as three:
            for calls in (one, two, three):
                assert calls.get(origin.url()).content == b"body"
        assert one.get(origin.url()).extensions["condget"].hit
        cache.close()
        assert one.get(origin.url()).extensions["condget"].hit
        assert one.get(origin.url("/2")).extensions["condget"].stored
    assert len(origin.requests) == 2


def test_a_cache_itself_raises_store_errors_only(tmp_path: Path) -> None:
    """G6"""
    path = tmp_path / "cache.sqlite3"
    foreign_file = sqlite3.connect(path)
    foreign_file.execute("CREATE TABLE bookmarks (url)")
    foreign_file.close()
    with pytest.raises(StoreError, match="another program"):
        condget.Cache(path).load("http://a/", "")


def test_nothing_is_made_before_it_is_needed(tmp_path: Path) -> None:
    with calling("sync", cache=tmp_path / "new") as calls:
        assert isinstance(calls, SyncCalls)
    assert not (tmp_path / "new").exists()
