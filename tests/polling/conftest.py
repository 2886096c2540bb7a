"""Fixtures of the poller's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from condget.feeds.documents import parse
from tests.polling.support import Poller, rss
from tests.watchdog import watched


@pytest.fixture
def poller() -> Poller:
    """A poller with an empty memory, at noon."""
    return Poller()


@pytest.fixture(scope="session", autouse=True)
def _warm() -> None:
    """Modules that are loaded and compiled once take no time of a stranger."""
    import h11  # noqa: F401

    import condget.fetching.h11_response  # noqa: F401

    parse(rss(1), None, "http://feed.example/")


@pytest.fixture(autouse=True)
def _watchdog(_warm: None) -> Iterator[None]:
    """No run of the poller may be held by one stranger (F1)."""
    with watched():
        yield
