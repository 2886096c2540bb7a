"""Any call of the operating system may fail: no response and no report is lost, and the next run is clean (F11, G6).

A small library, preloaded, fails the n-th open, read, write, sync and rename below a directory for every n that a run
makes; see `driver.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COMPILER = shutil.which("cc")
ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason="there is no C compiler (cc) for the library that makes calls fail"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="LD_PRELOAD is Linux's"),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faults") / "libfaults.so"
    source = Path(__file__).with_name("faults.c")
    subprocess.run([str(COMPILER), "-shared", "-fPIC", "-O1", "-o", path, source, "-ldl"], check=True)
    return path


@pytest.mark.parametrize("fault", ["open EACCES once", "read EIO once", "write ENOSPC lasting", "sync EIO once"])
@pytest.mark.parametrize("what", ["state", "cache"])
def test_a_call_that_fails_loses_nothing(library: Path, tmp_path: Path, what: str, fault: str) -> None:
    """B7, F11, G6"""
    assert calls_that_failed(library, tmp_path, what, fault) > 2


def test_a_disk_that_cannot_be_read_moves_no_state(library: Path, tmp_path: Path) -> None:
    """F11: SQLite reports the disk's error as damage of the file."""
    assert calls_that_failed(library, tmp_path, "state", "read EIO lasting") > 2


@pytest.mark.parametrize("fault", ["write ENOSPC lasting", "sync EIO once", "rename EIO once", "rename EIO lasting"])
def test_a_call_that_fails_while_a_damaged_state_is_mended_loses_nothing(
    library: Path, tmp_path: Path, fault: str
) -> None:
    """B7, F11"""
    assert calls_that_failed(library, tmp_path, "damaged", fault) >= 1


def calls_that_failed(library: Path, directory: Path, what: str, fault: str) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.driver", library, directory, what, *fault.split()],
        cwd=ROOT,
        env=os.environ | {"LD_PRELOAD": str(library), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return int(done.stdout)
