"""Names and defaults that more than one layer needs: version, user agent, default paths, environment names.

Importing this module touches no file; `platformdirs` is imported when a path is needed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from condget.errors import UsageError

__version__ = "0.1.0"

PROJECT_URL = "https://github.com/condget/condget"
USER_AGENT = f"condget/{__version__} (+{PROJECT_URL})"

#: Instants are POSIX seconds everywhere; a clock is any callable that returns one.
Clock = Callable[[], float]

#: Environment names. Each overrides the platform's default directory.
CACHE_DIR_ENV = "CONDGET_CACHE_DIR"
STATE_DIR_ENV = "CONDGET_STATE_DIR"
CONFIG_DIR_ENV = "CONDGET_CONFIG_DIR"
#: POSIX seconds that replace the clock of the command line, for tests and to try out a schedule.
NOW_ENV = "CONDGET_NOW"
#: Seconds without a sign of a run after which other runs on the same PostgreSQL state take its hosts.
LEASE_ENV = "CONDGET_LEASE"
_LEASE = 60.0
_YEAR_10000 = 253_402_300_800


def cache_path() -> Path:
    """Return the default file of the library's cache (`$CONDGET_CACHE_DIR`, else the XDG cache directory)."""
    return _directory(CACHE_DIR_ENV, "user_cache_path") / "cache.sqlite3"


def config_path() -> Path:
    """Return the user's configuration file (`$CONDGET_CONFIG_DIR`, else the XDG configuration directory)."""
    return _directory(CONFIG_DIR_ENV, "user_config_path") / "condget.toml"


def state_path() -> Path:
    """Return the default state file of the poller (`$CONDGET_STATE_DIR`, else the XDG state directory)."""
    return _directory(STATE_DIR_ENV, "user_state_path") / "feeds.sqlite3"


def clock() -> Clock:
    """Return the clock of the command line: the system's, or one that stands still at `$CONDGET_NOW`.

    Raises:
        UsageError: `$CONDGET_NOW` is not a number, or not an instant before the year 10000.
    """
    fixed = os.environ.get(NOW_ENV)
    if not fixed:
        return time.time
    try:
        instant = float(fixed)
    except ValueError:
        instant = -1.0
    if not 0 <= instant < _YEAR_10000:
        raise UsageError(f"${NOW_ENV} is not a number of POSIX seconds; fix or unset it")
    return lambda: instant


def lease() -> float:
    """Return the seconds without a sign after which a run on a shared state counts as dead (`$CONDGET_LEASE`, else 60).

    Raises:
        UsageError: `$CONDGET_LEASE` is not a number of seconds from 1 to 3600.
    """
    given = os.environ.get(LEASE_ENV)
    if not given:
        return _LEASE
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 3600:
        raise UsageError(f"${LEASE_ENV} is not a number of seconds from 1 to 3600; fix or unset it")
    return seconds


def _directory(env: str, function: str) -> Path:
    override = os.environ.get(env)
    if override:
        return Path(override).expanduser()
    import platformdirs

    path: Path = getattr(platformdirs, function)("condget", appauthor=False)
    return path
