"""httpx and httpx2 under one name, and condget's binding to each: for tests that run on both.

`from tests.library import condget, httpx`, and each test of clients and transports whose module has these names runs
once for each library. So do the child processes that it starts, which import them from here, too. A name is looked up
when it is used, so tests use it inside functions.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

MODULES = {
    "httpx": {"httpx": ("httpx",), "condget": ("condget",)},
    "httpx2": {"httpx": ("httpx2",), "condget": ("condget.httpx2", "condget")},
}

#: Hands the name of the current library on to child processes.
_ENVIRONMENT = "CONDGET_TESTED_LIBRARY"

_current = os.environ.get(_ENVIRONMENT, "httpx")


class Library:
    """A module of the library that the running test is for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        for module in map(importlib.import_module, MODULES[_current][self._name]):
            if hasattr(module, attribute):
                return getattr(module, attribute)
        raise AttributeError(f"{_current} has no {attribute}")


httpx: Any = Library("httpx")
condget: Any = Library("condget")


def use(name: str) -> None:
    """Run what follows on that library."""
    global _current
    _current = os.environ[_ENVIRONMENT] = name


def current() -> str:
    return _current


def bound(module: str) -> str:
    """Return the name of a module of condget that names httpx, as the current library has it."""
    return module if _current == "httpx" else f"condget.httpx2.{module.rpartition('.')[2]}"
