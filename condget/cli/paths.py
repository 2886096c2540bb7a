"""`condget paths`: where condget keeps what it remembers."""

from __future__ import annotations

from condget import settings
from condget.cli.output import put


def paths() -> None:
    """Print where the state of the poller and the cache are stored.

    \b
    They are two files, so that clearing the cache announces no entry again.
    $CONDGET_STATE_DIR and $CONDGET_CACHE_DIR move them.

    \b
    Examples:
      condget paths
    """
    put(f"state  {settings.state_path()}")
    put(f"cache  {settings.cache_path()}")
