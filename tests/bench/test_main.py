"""`python -m tests.bench` names every benchmark, and that of the library runs."""

from __future__ import annotations

import subprocess
import sys

from tests.bench import ROOT, scale
from tests.bench.poller import BENCHMARKS


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_help_names_every_benchmark() -> None:
    text = _bench("--help").stdout
    assert all(f" {name} " in text for name in ("library", *BENCHMARKS, *scale.BENCHMARKS))


def test_an_unknown_benchmark_is_refused() -> None:
    done = _bench("poller", "nosuch")
    assert done.returncode == 2
    assert "there is no benchmark nosuch; choose from unchanged, " in done.stderr


def test_the_benchmark_of_the_library_prints_its_ratios() -> None:
    done = _bench("library", "--quick", "--rounds", "1", "--only", "condget")
    assert done.returncode == 0, done.stderr
    assert "304: condget to bare httpx " in done.stdout
