"""`condget cache ...`."""

from __future__ import annotations

from pathlib import Path

import pytest

from condget.stores.disk_cache import Cache
from tests.cli.conftest import Run
from tests.origin import Origin, ok
from tests.redis_server import RedisServer


@pytest.fixture
def filled(invoke: Run, origin: Origin) -> Origin:
    """A cache with two stored responses, and their origin."""
    origin.script("/a", ok(b"unmistakable", etag='"a"', cache_control="max-age=600"))
    origin.script("/b", ok(b"bb", etag='"b"', last_modified="yesterday", cache_control="max-age=0"))
    for path in ("/a", "/b"):
        assert invoke("get", origin.url(path)).returncode == 0
    return origin


def test_info_says_where_the_cache_is_and_what_it_holds(invoke: Run, filled: Origin, home: Path) -> None:
    done = invoke("cache", "info")
    assert done.returncode == 0
    assert f"{home}/cache/cache.sqlite3" in done.stdout
    assert "2 responses of 1 host\n" in done.stdout


def test_list_shows_size_freshness_validators_and_url(invoke: Run, filled: Origin) -> None:
    first, second = invoke("cache", "list").stdout.splitlines()
    assert first.split()[:2] == ["200", "12"]
    assert first.split()[2] == "fresh"
    assert first.endswith(f"Z  {filled.url('/a')}")
    assert second.split()[2] == "stale"
    assert (first.split()[5], second.split()[5]) == ("etag", "etag+date")
    assert second.endswith(f"Z  {filled.url('/b')}")
    assert invoke("cache", "list", filled.url("/b")).stdout.split()[-1] == filled.url("/b")
    assert invoke("cache", "list", "--host", "example.org").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (["{url}/a"], ["/b"]),
        (["{url}/a#part"], ["/b"]),
        (["--host", "127.0.0.1"], []),
        (["--host", "example.org"], ["/a", "/b"]),
        (["--older-than", "1h"], ["/a", "/b"]),
    ],
)
def test_delete_by_url_host_or_age(invoke: Run, filled: Origin, arguments: list[str], left: list[str]) -> None:
    done = invoke("cache", "delete", *[a.format(url=filled.url("")) for a in arguments])
    number = 2 - len(left)
    assert done.stdout == f"{number} stored response{'' if number == 1 else 's'} deleted\n"
    assert [line.split()[-1] for line in invoke("cache", "list").stdout.splitlines()] == [*map(filled.url, left)]


@pytest.mark.parametrize("command", ["info", "list", "clear", "prune", "verify", "export"])
def test_no_cache_is_made_to_look_into(invoke: Run, tmp_path: Path, command: str) -> None:
    done = invoke("cache", command, "--cache", tmp_path / "nosuch")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no cache in" in done.stderr
    assert not (tmp_path / "nosuch").exists()


def test_an_empty_cache_was_never_used(invoke: Run) -> None:
    done = invoke("cache", "info")
    assert "0 responses of 0 hosts" in done.stdout
    assert "last used" not in done.stdout


def test_delete_wants_to_know_what(invoke: Run, filled: Origin) -> None:
    assert invoke("cache", "delete").returncode == 2
    assert invoke("cache", "delete", "--older-than", "soon").returncode == 2
    assert '--older-than: "2" has no unit' in invoke("cache", "delete", "--older-than", "2").stderr
    assert len(invoke("cache", "list").stdout.splitlines()) == 2


def test_clear_deletes_all(invoke: Run, filled: Origin) -> None:
    assert invoke("cache", "clear").stdout == "2 stored responses deleted\n"
    assert invoke("cache", "list").stdout == ""
    invoke("get", filled.url("/a"))
    assert len(filled.requests_for("/a")) == 2


def test_prune_keeps_what_can_be_validated(invoke: Run, filled: Origin) -> None:
    assert invoke("cache", "prune").stdout == "0 stored responses deleted\n"


def test_verify_finds_content_that_was_changed(invoke: Run, filled: Origin, home: Path) -> None:
    assert invoke("cache", "verify").stdout == "2 stored responses in order\n"
    file = home / "cache" / "cache.sqlite3"
    damaged = file.read_bytes().replace(b"unmistakable", b"unmistaKable")
    assert damaged != file.read_bytes()
    file.write_bytes(damaged)
    done = invoke("cache", "verify")
    assert done.returncode == 1
    assert filled.url("/a") in done.stdout


def test_export_and_import_move_a_cache(condget: Run, invoke: Run, filled: Origin, tmp_path: Path) -> None:
    exported = invoke("cache", "export").stdout
    (tmp_path / "cache.jsonl").write_text(exported)
    for number, (argument, given) in enumerate([("cache.jsonl", None), ("-", exported)]):
        there = tmp_path / f"there{number}"
        done = condget("cache", "import", argument, "--cache", there, input=given)
        assert done.stdout == "2 stored responses added\n"
        with Cache(there) as cache:
            assert sorted(stored.url for stored in cache.responses()) == [filled.url("/a"), filled.url("/b")]
    assert invoke("get", "--cache", tmp_path / "there0", filled.url("/a")).stdout == "unmistakable"
    assert len(filled.requests_for("/a")) == 1


def test_import_of_something_else_is_refused(invoke: Run, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("nonsense\n")
    assert invoke("cache", "import", "x.jsonl").returncode == 2
    done = invoke("cache", "import", "missing.jsonl")
    assert (done.returncode, done.stderr) == (1, "condget: No such file or directory: missing.jsonl\n")


def test_a_file_that_is_no_cache_is_refused(invoke: Run, tmp_path: Path) -> None:
    """F11."""
    file = tmp_path / "there" / "cache.sqlite3"
    file.parent.mkdir()
    file.write_bytes(b"not a database" * 100)
    for arguments in (("info",), ("clear",), ("list",)):
        done = invoke("cache", *arguments, "--cache", file.parent)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"The file {file} is not a cache of condget and is left untouched" in done.stderr
    done = invoke("get", "--cache", file.parent, "http://127.0.0.1:1/")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not a cache of condget" in done.stderr
    assert file.read_bytes() == b"not a database" * 100


def test_a_damaged_cache_is_set_aside_and_told(invoke: Run, filled: Origin, home: Path) -> None:
    """F11."""
    file = home / "cache" / "cache.sqlite3"
    damaged = file.read_bytes()[:4096] + b"damage" * 9000
    file.write_bytes(damaged)
    done = invoke("cache", "info")
    assert done.returncode == 0
    assert "was damaged; it was set aside as" in done.stderr
    assert damaged in [path.read_bytes() for path in file.parent.iterdir()]


def test_a_cache_in_redis_is_filled_looked_into_and_cleared(
    invoke: Run, origin: Origin, redis_server: RedisServer, tmp_path: Path
) -> None:
    origin.script("/a", ok(b"unmistakable", cache_control="max-age=600"))
    where = ("--cache", redis_server.url)
    assert [invoke("get", *where, origin.url("/a")).stdout for _ in range(2)] == ["unmistakable"] * 2
    assert len(origin.requests_for("/a")) == 1
    assert (
        f"url        {redis_server.address}\nstored     1 response of 1 host\n"
        in invoke("cache", "info", *where).stdout
    )
    assert invoke("cache", "list", *where).stdout.endswith(f"{origin.url('/a')}\n")
    assert invoke("cache", "verify", *where).stdout == "1 stored response in order\n"
    (tmp_path / "lines").write_text(invoke("cache", "export", *where).stdout, encoding="utf-8")
    assert invoke("cache", "prune", *where).stdout == "0 stored responses deleted\n"
    assert invoke("cache", "clear", *where).stdout == "1 stored response deleted\n"
    assert invoke("cache", "import", *where, "lines").stdout == "1 stored response added\n"
    assert invoke("cache", "delete", *where, "--host", "127.0.0.1").stdout == "1 stored response deleted\n"


def test_a_cache_in_redis_that_is_not_there_is_named(condget: Run) -> None:
    done = condget("cache", "info", "--cache", "redis://ann:secret@127.0.0.1:1/0")
    assert done.returncode == 1
    assert "The cache redis://127.0.0.1:1/0 cannot be used" in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_url_without_a_store_is_wrong_usage(condget: Run) -> None:
    done = condget("cache", "info", "--cache", "teapot://host")
    assert (done.returncode, "no store is installed for teapot" in done.stderr) == (2, True)
