"""The benchmark of a state in PostgreSQL runs, on few feeds."""

from __future__ import annotations

import pytest

from tests.bench import scale_postgresql
from tests.servers import require_postgresql


def test_it_measures_leases_and_commits(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    require_postgresql()
    for name, value in (("PORTION", 100), ("COMMIT", 10), ("ROUNDS", 2)):
        monkeypatch.setattr(scale_postgresql, name, value)
    scale_postgresql.measure(300)
    lines = capsys.readouterr().out.splitlines()
    for beginning in ("leases, 100 hosts at a time", "feeds of portions", "outcomes unchanged, 100 a commit"):
        assert any(line.startswith(beginning) and "a second" in line for line in lines)
