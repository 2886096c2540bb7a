"""The HTTP library that condget itself uses: httpx, or httpx2 where only that is installed."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType


def own() -> ModuleType:
    """Return the library that condget itself uses: httpx, or httpx2 where httpx is not installed.

    Raises:
        ModuleNotFoundError: neither is installed.
    """
    try:
        return importlib.import_module("httpx")
    except ModuleNotFoundError as error:
        if error.name != "httpx" or importlib.util.find_spec("httpx2") is None:
            raise
    return importlib.import_module("httpx2")


def bound_to_own(name: str) -> ModuleType:
    """Return a module that names httpx, or its twin, for the library that condget itself uses."""
    if own().__name__ == "httpx":
        return importlib.import_module(name)
    from condget.binding import bound

    return bound(name)
