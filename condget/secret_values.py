"""Secrets that are written as where to find them: `@env:NAME` for a variable, `@file:PATH` for a file (F12)."""

from __future__ import annotations

import os
from pathlib import Path


def is_reference(value: str) -> bool:
    """Whether a value says where the secret is, instead of being the secret."""
    return value.startswith(("@env:", "@file:"))


def resolved(value: str) -> str:
    """Return a value, read from its variable or file if it names one. The caller must not keep it.

    Raises:
        ValueError: there is no such variable or file, or it is empty; the text says so in a clause.
    """
    if not is_reference(value):
        return value
    kind, _, place = value.partition(":")
    if kind == "@env":
        if place not in os.environ:
            raise ValueError(f"the variable {place} is not set; set it, or take the header out")
        secret = os.environ[place]
    else:
        try:
            secret = Path(place).expanduser().read_text(encoding="latin-1")
        except (OSError, RuntimeError) as error:  # RuntimeError: there is no home directory for "~"
            raise ValueError(f"{place} cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if not secret.strip():
        raise ValueError(f"{place} is empty")
    return secret.strip()
