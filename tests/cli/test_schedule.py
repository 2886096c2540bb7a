"""`condget schedule`: what cron and systemd are given."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def feeds(tmp_path: Path) -> Path:
    file = tmp_path / "my feeds 100%.txt"
    file.write_text("https://example.org/feed.xml header=Authorization:@env:TOKEN\n")
    return file


def test_a_crontab_line_has_absolute_paths_and_runs(invoke: Run, feeds: Path, environment: dict[str, str]) -> None:
    done = invoke("schedule", "cron", feeds.name, "--every", "10m")
    assert (done.returncode, done.stderr) == (0, "")
    *above, line = done.stdout.splitlines()
    assert f"CONDGET_STATE_DIR={environment['CONDGET_STATE_DIR']}" in above
    assert any(comment.startswith("# TOKEN=...") for comment in above)
    when, command = re.fullmatch(r"([0-9]-59/10) \* \* \* \*  (.*)", line).groups()  # type: ignore[union-attr]
    words = shlex.split(command.replace("\\%", "%"))
    assert words[-2:] == ["poll", str(feeds)]
    assert Path(words[0]).is_absolute()
    assert "%" not in command.replace("\\%", "")
    ran = subprocess.run(
        [*words, "-n"],
        env={"HOME": environment["HOME"], "PATH": "/usr/bin:/bin", "TOKEN": "x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert when == invoke("schedule", "cron", feeds.name, "--every", "10m").stdout.splitlines()[-1].split()[0]


def test_the_units_of_systemd_are_valid(invoke: Run, feeds: Path, tmp_path: Path) -> None:
    done = invoke("schedule", "systemd", feeds.name)
    assert (done.returncode, done.stderr) == (0, "")
    _, service, timer = re.split(r"^# (?=condget\.(?:service|timer)$)", done.stdout, flags=re.MULTILINE)
    assert f'poll "{str(feeds).replace("%", "%%")}"' in service
    assert "NoNewPrivileges=yes" in service
    assert "OnCalendar=*:0/5\n" in timer
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here")
    units = tmp_path / "units"
    units.mkdir()
    (units / "condget.service").write_text(service.partition("\n")[2])
    (units / "condget.timer").write_text(timer.partition("\n")[2])
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(units / "condget.service"), str(units / "condget.timer")],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in checked.stderr.splitlines() if str(units) in line or "condget" in line]
    assert (checked.returncode, said) == (0, []), checked.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cron", "-"], "a scheduled run has no stdin"),
        (["at", "https://example.org/"], '"at" is neither cron nor systemd'),
        (["cron", "https://example.org/", "--every", "7m"], "minutes that divide the hour"),
        (["cron", "https://example.org/", "--every", "5"], "--every: "),
    ],
)
def test_what_cannot_be_scheduled_is_said(invoke: Run, arguments: list[str], words: str) -> None:
    done = invoke("schedule", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_this_condget_is_meant_whatever_the_path_says(invoke: Run) -> None:
    command = invoke("schedule", "cron", "https://example.org/").stdout.splitlines()[-1].split("  ")[1]
    assert command.split()[0] in (str(Path(sys.executable).with_name("condget")), sys.executable)
