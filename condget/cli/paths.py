"""`condget paths`: where condget keeps what it remembers, and where it looks for its configuration."""

from __future__ import annotations

from condget import settings
from condget.cli.configuration import PRECEDENCE
from condget.cli.output import put
from condget.cli.records import Format, is_jsonl, put_record


def paths(format_: Format = "text") -> None:
    """Print where state, cache and configuration are, and what counts.

    \b
    State and cache are two files, so that clearing the cache announces no
    entry again. $CONDGET_STATE_DIR, $CONDGET_CACHE_DIR and
    $CONDGET_CONFIG_DIR move them.

    \b
    Examples:
      condget paths
      condget paths --format jsonl
    """
    config = settings.config_path()
    if is_jsonl(format_):
        files = {"state": settings.state_path(), "cache": settings.cache_path(), "config": config}
        put_record("condget.paths/1", {name: str(path) for name, path in files.items()})
        return
    put(f"state  {settings.state_path()}")
    put(f"cache  {settings.cache_path()}")
    put(f"config {config}{'' if config.is_file() else ' (not there)'}")
    put("What an option is set to, the first of these says:")
    for number, source in enumerate(PRECEDENCE, 1):
        put(f"  {number}. {source}")
