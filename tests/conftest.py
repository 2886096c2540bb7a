"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.origin import Origin


@pytest.fixture
def origin() -> Iterator[Origin]:
    """A scripted origin on a loopback port of its own."""
    with Origin() as started:
        yield started
