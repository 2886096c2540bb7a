"""Shared by tests of files: the content of a directory, and a process that is killed while it writes."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from condget.stores.disk_cache import Cache
from tests.stores.store_contract import URL

MIB = 1 << 20


class Recording:
    """Runs queries and keeps them."""

    def __init__(self, path: Path) -> None:
        self.queries: list[tuple[str, Sequence[object]]] = []
        self._connection = sqlite3.connect(path)

    def __call__(self, query: str, parameters: Sequence[object] = ()) -> list[Any]:
        self.queries.append((query, parameters))
        return self._connection.execute(query, parameters).fetchall()

    def close(self) -> None:
        self._connection.close()

    def steps(self) -> list[str]:
        """Return how SQLite carries out the queries that only read."""
        queries = [(query, values) for query, values in self.queries if query.lstrip().startswith("SELECT")]
        return [step for query, values in queries for *_, step in self(f"EXPLAIN QUERY PLAN {query}", values)]


def directory(path: Path) -> dict[str, tuple[bytes, int]]:
    return {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in path.parent.iterdir()}


def run_and_kill(path: Path, code: str, after: float = 0.0) -> list[int]:
    """Run code that has a `ledger` in a process of its own, kill it, and return the numbers that it printed."""
    head = (
        "import sys\nfrom dataclasses import replace\nfrom pathlib import Path\n"
        "from condget.stores.ledger import SqliteLedger\n"
        "from tests.stores.ledger_contract import entry, outcome\n"
        "ledger = SqliteLedger(Path(sys.argv[1]))\nprint('ready', flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", f"{head}{code}\nprint('done', flush=True)\nsys.stdin.read()", str(path)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if after:
            time.sleep(after)
        else:
            assert process.stdout.readline() == "done\n"
        process.kill()
        return [int(line) for line in process.stdout if line.endswith("\n") and line.strip().isdigit()]


def execute(cache: Cache, statement: str, *values: object) -> None:
    """Change the file as damage, or somebody else, might."""
    cache.close()
    with contextlib.closing(sqlite3.connect(cache.path, isolation_level=None)) as connection:
        connection.execute(statement, values)


def contents(cache: Cache, url: str = URL) -> list[bytes]:
    return [b"".join(cache.content(stored)) for stored in cache.load(url)]
