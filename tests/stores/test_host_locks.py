"""Runs that hold hosts of one state at once, in one process and in several."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from condget.errors import StateLocked
from condget.stores.host_locks import HostLocks
from condget.stores.lock import lock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite3"


def test_b9_a_host_is_held_by_one_run(path: Path) -> None:
    """B9, C12: the other gets the rest, and all once the first has ended."""
    first, second = HostLocks(path), HostLocks(path)
    assert first.take(["a.example", "b.example"]) == {"a.example", "b.example"}
    assert second.take(["b.example", "c.example"]) == {"c.example"}
    assert not HostLocks(path).take_all()
    first.close()
    assert second.take(["a.example", "b.example"]) == {"a.example", "b.example"}
    second.close()
    assert HostLocks(path).take_all()


def test_b9_a_host_that_was_released_is_anybodys(path: Path) -> None:
    """B9: but for hosts that share a byte with another one that is held."""
    first, second = HostLocks(path), HostLocks(path)
    hosts = [f"{number}.example" for number in range(3_000)]
    assert first.take(hosts) == set(hosts)
    first.release([*hosts[:-1], "unknown.example"])
    assert len(second.take(hosts)) >= len(hosts) - 2
    assert hosts[-1] not in second.take(hosts)
    first.close()
    second.close()


def test_a_killed_run_holds_nothing(path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from condget.stores.host_locks import HostLocks\n"
        "locks = HostLocks(Path(sys.argv[1])); print(sorted(locks.take(['a.example'])), flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "['a.example']\n"
        mine = HostLocks(path)
        assert mine.take(["a.example", "b.example"]) == {"b.example"}
        other.kill()
        other.wait()
    assert mine.take(["a.example"]) == {"a.example"}
    mine.close()


def test_a_run_that_holds_hosts_lets_others_in_but_not_alone(path: Path) -> None:
    with lock(path, alone=False) as first:
        with pytest.raises(StateLocked), lock(path, alone=False):
            pass
        assert first.hold_hosts(["a.example"]) == {"a.example"}
        with lock(path, alone=False) as second:
            assert second.hold_hosts(["a.example", "b.example"]) == {"b.example"}
        with pytest.raises(StateLocked, match="for some hosts"), lock(path):
            pass
    with lock(path) as alone:
        assert alone.hold_hosts(["a.example"]) == {"a.example"}
        with pytest.raises(StateLocked), lock(path, alone=False):
            pass


def test_a_run_learns_that_another_holds_hosts_or_will(path: Path) -> None:
    """B9, C12: also while the other holds no host at all, as between two parts of a long list."""
    with lock(path, alone=False) as first:
        assert not first.is_shared()
        assert first.hold_hosts([]) == frozenset()
        assert first.is_shared()
        with lock(path, alone=False) as second:
            assert second.is_shared()
            assert second.hold_hosts(["a.example"]) == {"a.example"}
            assert first.hold_hosts(["a.example", "b.example"]) == {"b.example"}
    with lock(path, alone=False) as third:
        assert not third.is_shared()
    with lock(path) as alone:
        assert not alone.is_shared()
