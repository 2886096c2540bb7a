"""httpx and httpx2 under one name, and condget's binding to each: for tests that run on both.

`from tests.library import condget, httpx`, and a test with the parameter `kind` (sync or async) runs once for each
library. A name is looked up when it is used, so tests use it inside functions.
"""

from __future__ import annotations

import importlib
from typing import Any

MODULES = {
    "httpx": {"httpx": ("httpx",), "condget": ("condget",)},
    "httpx2": {"httpx": ("httpx2",), "condget": ("condget.httpx2", "condget")},
}

_current = "httpx"


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
    _current = name


def current() -> str:
    return _current


def bound(module: str) -> str:
    """Return the name of a module of condget that names httpx, as the current library has it."""
    return module if _current == "httpx" else f"condget.httpx2.{module.rpartition('.')[2]}"
