"""`condget paths`: where condget keeps what it remembers."""

from __future__ import annotations

import typer

from condget import settings


def paths() -> None:
    """Print where the state of the poller and the cache are.

    \b
    Clearing the cache never announces old entries again: they are two files.
    $CONDGET_STATE_DIR and $CONDGET_CACHE_DIR move them.

    \b
    Examples:
      condget paths
    """
    typer.echo(f"state  {settings.state_path()}")
    typer.echo(f"cache  {settings.cache_path()}")
