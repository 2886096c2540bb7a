"""Fixtures and settings that every test shares."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest

from tests.origin import Origin

# A shared machine is slow at times; slowness is not a failure.
hypothesis.settings.register_profile("condget", deadline=None)
hypothesis.settings.load_profile("condget")


@pytest.fixture
def origin() -> Iterator[Origin]:
    """A scripted origin on a loopback port of its own."""
    with Origin() as started:
        yield started
