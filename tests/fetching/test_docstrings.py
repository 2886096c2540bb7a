"""The examples in the docstrings of the package run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from condget import fetching


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(fetching.__path__)])
def test_the_examples_in_docstrings_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"condget.fetching.{name}")).failed == 0
