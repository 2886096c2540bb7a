"""Fixtures of the poller's tests."""

from __future__ import annotations

import pytest

from tests.polling.support import Poller


@pytest.fixture
def poller() -> Poller:
    """A poller with an empty memory, at noon."""
    return Poller()
