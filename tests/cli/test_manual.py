"""The manual page says what `--help` says, and is clean roff."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from condget.cli.manual import manual
from tests.cli.conftest import Run
from tests.cli.test_shell import _commands

ROOT = Path(__file__).parents[2]


def _plain(text: str) -> str:
    """Return text without roff's requests and escapes, its white space folded."""
    text = re.sub(r"^\.\w+ ?", "", text, flags=re.MULTILINE)
    text = re.sub(r"\\f[BIR]|\\&", "", text).replace("\\-", "-").replace("\\e", "\\")
    return " ".join(text.split())


def test_every_command_and_option_is_in_the_page_with_its_help(invoke: Run) -> None:
    page = _plain(manual())
    for names in _commands():
        done = invoke(*names, "--help-all")
        if done.returncode:
            done = invoke(*names, "--help")
        assert f"condget {' '.join(names)} " in page
        options = done.stdout.partition("\nArguments:\n")[2].partition("\nCommands:\n")[0]
        words = " ".join(options.partition("\n  Defaults are set by ")[0].split())
        for heading in re.findall(r"^([A-Z][\w ]+):$", done.stdout, re.MULTILINE):
            words = words.replace(f"{heading}: ", " ")
        for option in re.findall(r"--[a-z][a-z-]+", words):
            assert option in page, f"{' '.join(names)} {option}"
        for sentence in re.findall(r"(?<=\. )[A-Z][^.]{20,}\.", words):
            assert " ".join(sentence.split()) in page, sentence


def test_the_page_tells_exit_codes_and_variables() -> None:
    page = manual()
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "EXIT CODES", "ENVIRONMENT"):
        assert f"\n.SH {section}\n" in page
    assert "75   another run holds the state" in page


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff here")
def test_the_page_is_clean_roff() -> None:
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tascii", "-z"], input=manual(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_wheel_is_built_with_the_page() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    targets = project["tool"]["hatch"]["build"]["targets"]
    hook = Path(targets["wheel"]["hooks"]["custom"]["path"])
    assert (ROOT / hook).exists()
    assert f"/{hook.parts[0]}" in targets["sdist"]["include"]
    (typer,) = [one for one in project["project"]["dependencies"] if one.startswith("typer")]
    assert typer in project["build-system"]["requires"]
