"""The common part of all commands: help, versions, exit codes, imports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from condget import cli, settings
from condget.errors import (
    CondgetError,
    DocumentError,
    FetchError,
    ForbiddenTarget,
    NewerState,
    StateLocked,
    StoreError,
    SubscriptionError,
    UsageError,
)
from tests.cli.conftest import Run

HEAVY = ("httpx", "httpcore", "feedparser", "sqlite3", "asyncio", "rich", "ssl")


def _loaded(environment: dict[str, str], *arguments: str) -> set[str]:
    """Return which heavy modules a command has loaded when it ends."""
    code = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print('loaded', *[m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr))\n"
        f"sys.argv[1:] = {list(arguments)!r}\n"
        "from condget.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["poll", "--help"], ["get", "--help"], ["paths"]])
def test_cheap_commands_load_nothing_heavy(environment: dict[str, str], arguments: list[str]) -> None:
    assert _loaded(environment, *arguments) == set()


def test_version_is_printed_without_typer(environment: dict[str, str]) -> None:
    code = (
        "import sys\n"
        "from condget.cli import main\n"
        "sys.argv[1:] = ['--version']\n"
        "main()\n"
        "assert 'typer' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"condget {settings.__version__}\n"


def test_version_wins_over_what_follows_it(invoke: Run) -> None:
    done = invoke("--version", "get")
    assert (done.returncode, done.stdout) == (0, f"condget {settings.__version__}\n")


def _commands() -> list[tuple[str, ...]]:
    from typer.main import get_command

    from condget.cli.shell import app

    root = get_command(app)
    found: list[tuple[str, ...]] = []
    for name in cli.COMMANDS:
        command = root.get_command(None, name)  # type: ignore[attr-defined]
        inner = getattr(command, "commands", {})
        found += [(name,), *((name, sub) for sub in inner)]
    return found


def test_every_command_has_help_with_an_example_that_fits_80_columns() -> None:
    from typer.testing import CliRunner

    from condget.cli.shell import app

    runner = CliRunner(env={"COLUMNS": "80"})
    for command in _commands():
        done = runner.invoke(app, [*command, "--help"], prog_name="condget")
        assert done.exit_code == 0, command
        assert f"  condget {' '.join(command)}" in done.stdout, f"{command} has no example"
        assert max(map(len, done.stdout.splitlines())) <= 80, command


def test_help_names_all_commands_and_exit_codes(invoke: Run) -> None:
    done = invoke("--help")
    assert done.returncode == 0
    listed = [line.split()[0] for line in done.stdout.partition("Commands:\n")[2].splitlines() if line.startswith("  ")]
    assert listed[: len(cli.COMMANDS)] == list(cli.COMMANDS)
    for code in (0, 1, 2, 75, 130):
        assert f"\n    {code} " in done.stdout
    assert all(len(line) <= 80 and not line.rstrip().endswith("...") for line in done.stdout.splitlines()[3:])


@pytest.mark.parametrize("arguments", [["nosuch"], ["get"], ["get", "--nosuch"], ["paths", "extra"]])
def test_wrong_usage_exits_with_2_and_words_on_stderr(invoke: Run, arguments: list[str]) -> None:
    done = invoke(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Error: " in done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (SubscriptionError("x"), 2),
        (StateLocked("x"), 75),
        (StoreError("x"), 1),
        (NewerState("x"), 1),
        (FetchError("x"), 1),
        (ForbiddenTarget("x"), 1),
        (DocumentError("x"), 1),
        (CondgetError("x"), 1),
        (KeyError("x"), 1),
        (OSError(28, "No space left on device"), 1),
        (FileNotFoundError(2, "No such file or directory", "feeds.txt"), 1),
    ],
)
def test_errors_have_exit_codes_and_one_line_on_stderr(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.exit_code(error) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("condget: ")
    assert err.count("\n") == 1


def test_interruption_exits_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.exit_code(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_without_a_traceback(
    environment: dict[str, str], tmp_path: Path, number: int, code: int
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [sys.executable, "-m", "condget", "cache", "import", str(pipe)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    writer = os.open(pipe, os.O_WRONLY)  # blocks until the command reads, and keeps it reading
    try:
        process.send_signal(number)
        assert process.wait(timeout=30) == code
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    finally:
        os.close(writer)
        process.stderr.close()  # type: ignore[union-attr]
        process.kill()


def test_a_reader_that_went_away_is_no_error_to_speak_of(environment: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "condget", "paths"],
        env=environment,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("arguments", [["paths"], ["--version"], ["get", "--help"]])
def test_a_full_disk_is_told(environment: dict[str, str], arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "condget", *arguments],
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "condget: No space left on device\n")


def test_paths_follow_the_environment(invoke: Run, home: Path) -> None:
    done = invoke("paths")
    assert done.stdout.startswith(f"state  {home}/state/feeds.sqlite3\ncache  {home}/cache/cache.sqlite3\n")
    assert list(home.iterdir()) == []


def test_shell_completion_knows_commands(condget: Run) -> None:
    done = condget(env={"_CONDGET_COMPLETE": "complete_bash", "COMP_WORDS": "condget ca", "COMP_CWORD": "1"})
    assert done.stdout.split() == ["cache"]
