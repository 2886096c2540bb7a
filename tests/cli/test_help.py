"""The help of a command with many options is short, and says where the rest is."""

from __future__ import annotations

import re

import pytest

from tests.cli.conftest import Run


def _options(text: str) -> set[str]:
    return set(re.findall(r"--[a-z-]+", text.partition("\nOptions:\n")[2]))


@pytest.mark.parametrize("command", ["poll", "watch"])
def test_help_fits_a_screen_and_names_every_option(invoke: Run, command: str) -> None:
    short, full = invoke(command, "--help"), invoke(command, "--help-all")
    assert (short.returncode, full.returncode) == (0, 0)
    assert len(short.stdout.splitlines()) <= 58
    assert _options(short.stdout) == _options(full.stdout)
    assert "Total time for one feed" not in short.stdout
    assert "Total time for one feed" in full.stdout
    assert f"condget {command} --help-all" in short.stdout
    assert f"${'CONDGET_' + command.upper()}_FORMAT or [{command}] in condget.toml" in short.stdout
    assert all(len(line) <= 80 for line in (short.stdout + full.stdout).splitlines())


def test_a_command_with_few_options_has_one_help(invoke: Run) -> None:
    assert "--help-all" not in invoke("list", "--help").stdout
    assert invoke("list", "--help-all").returncode == 2
