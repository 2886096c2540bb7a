"""The package as a whole: its public names, its layers, its types, its style."""

from __future__ import annotations

import ast
import doctest
import importlib
import os
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

import condget

ROOT = Path(__file__).parents[1]
SCRIPTS = Path(sysconfig.get_path("scripts"))
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "condget").rglob("*.py"))
    if path.name != "__main__.py"
]


def test_the_three_lists_of_public_names_agree() -> None:
    """Type checkers read the imports, Python imports a name on first use, and `__all__` is for people and `*`."""
    tree = ast.parse((ROOT / "condget" / "__init__.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    typed = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert sorted(condget.__all__) == sorted([*typed, "__version__"])
    for name, module in typed.items():
        assert getattr(condget, name) is getattr(importlib.import_module(str(module)), name)


def test_the_source_distribution_has_every_file() -> None:
    """The tests pass in the unpacked sdist: they read the documentation, the examples and what CI runs."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    tracked = {path.partition("/")[0] for path in listed.stdout.splitlines()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = {path.strip("/") for path in project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]}
    always = {"pyproject.toml", "README.md", "LICENSE", ".gitignore"}
    assert tracked - included - always == set()


@pytest.mark.parametrize("name", condget.__all__)
def test_every_public_name_can_be_imported_and_has_a_docstring(name: str) -> None:
    value = getattr(condget, name)
    assert name == "__version__" or value.__doc__
    assert name in dir(condget)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nosuch"):
        condget.nosuch  # noqa: B018


def test_importing_condget_loads_nothing_heavy() -> None:
    code = (
        "import sys, condget; print(*sorted({'httpx', 'typer', 'rich', 'feedparser', 'pydantic', 'sqlite3', 'asyncio'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "\n"


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_it_decides_or_does(module: str) -> None:
    assert importlib.import_module(module).__doc__


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings_print_what_they_say(module: str) -> None:
    assert doctest.testmod(importlib.import_module(module)).failed == 0


def test_the_version_is_in_the_changelog() -> None:
    assert f"\n## {condget.__version__} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["lint-imports", "--no-cache"], id="layers and purity"),
        pytest.param(["ruff", "check", "--no-cache", "."], id="style"),
        pytest.param(["ruff", "format", "--check", "--no-cache", "."], id="format"),
        pytest.param(["mypy"], id="types"),
    ],
)
def test_the_tree_is_clean(command: list[str], tmp_path: Path) -> None:
    env = os.environ | {"MYPY_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    env.pop("PYTHONWARNINGS", None)
    done = subprocess.run(
        [str(SCRIPTS / command[0]), *command[1:]], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
