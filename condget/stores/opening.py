"""Opens the ledger or the store of responses that a location names. The one place that knows which one is meant."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from condget import settings
from condget.errors import UsageError
from condget.shown import address

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from condget.stores.protocols import Ledger, LedgerReader, Store

#: The name of a state or a cache: a path, or a URL whose scheme chooses the store; None: the user's own file.
Location = str | os.PathLike[str] | None

#: The group of entry points by which other distributions offer stores of responses. The name of an entry point is a
#: scheme of URLs, and its object makes a `Store` of such a URL.
STORE_GROUP = "condget.stores"

#: The schemes of URLs that libpq takes.
_POSTGRESQL = ("postgresql", "postgres")

#: The stores of condget's own, by scheme: module, callable that takes the URL, and the extra that it needs.
_REDIS = ("condget.stores.redis_store", "RedisCache", "redis")
_STORES = dict.fromkeys(("redis", "rediss", "unix", "valkey", "valkeys"), _REDIS)
_STORES |= dict.fromkeys(_POSTGRESQL, ("condget.stores.postgresql_cache", "PostgresqlCache", "postgresql"))

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


@contextlib.contextmanager
def open_ledger(
    location: Location = None, *, wait: float = 0, alone: bool = True, clock: settings.Clock = time.time
) -> Iterator[Ledger]:
    """Open a ledger to write to it; the block holds its lock, or takes part in a state that several runs share.

    Args:
        location: A path, or a postgresql:// URL; None: the user's own state file.
        wait: How many seconds to wait for another run to end.
        alone: Wait also for runs that hold some hosts only (see `Ledger.hold_hosts`).
        clock: Gives the present instant.

    Raises:
        StateLocked: another run still holds it; the text says which pid and since when.
        ForeignFile: it names a file that is not a state file of condget.
        StoreError: it cannot be used.
        UsageError: it is a URL of an unknown scheme, or psycopg is not installed.
    """
    if (url := _postgresql_url(location)) is not None:
        from condget.stores.postgresql_ledger import PostgresqlLedger

        with PostgresqlLedger(url, alone=alone, wait=wait, clock=clock) as shared:
            yield shared
        return
    from condget.stores.ledger import SqliteLedger
    from condget.stores.lock import lock

    path = _path(location)
    with lock(path, wait, alone=alone, clock=clock) as held, SqliteLedger(path, lock=held, clock=clock) as ledger:
        yield ledger


@contextlib.contextmanager
def open_ledger_for_reading(location: Location = None) -> Iterator[LedgerReader]:
    """Open a ledger to read it, also while a run writes to it; nothing is created or changed.

    Raises:
        StoreError: it cannot be read.
        UsageError: it is a URL of an unknown scheme, or psycopg is not installed.
    """
    if (url := _postgresql_url(location)) is not None:
        from condget.stores.postgresql_ledger import PostgresqlLedgerReader

        with PostgresqlLedgerReader(url) as shared:
            yield shared
        return
    from condget.stores.ledger_reader import SqliteLedgerReader

    with SqliteLedgerReader(_path(location)) as reader:
        yield reader


def _postgresql_url(location: Location) -> str | None:
    """Return the URL of a database, or None for a file.

    Raises:
        UsageError: it is a URL of an unknown scheme.
    """
    text = "" if location is None else os.fspath(location)
    scheme = _SCHEME.match(text)
    if scheme is None:
        return None
    if scheme[1].lower() in _POSTGRESQL:
        return text
    raise UsageError(
        f"The state {shown_location(text)} cannot be opened: condget knows no store for {scheme[1]}; name a file or a "
        "postgresql:// database."
    )


def _path(location: Location) -> Path:
    return settings.state_path() if location is None else Path(location)


def open_store(location: Location = None, *, clock: settings.Clock = time.time) -> Store:
    """Return the store of responses that a location names; it connects when it is first used.

    Args:
        location: A directory or a file; a URL such as redis://host/0, whose scheme chooses the store; ":memory:" for
            one in memory; None: the user's own cache.
        clock: Gives the present instant, to stores on disk.

    Raises:
        UsageError: the URL is of an unknown scheme or makes no sense, or its store needs a package that is missing.
    """
    if location == ":memory:":
        from condget.stores.memory_cache import MemoryCache

        return MemoryCache()
    scheme = scheme_of(location)
    if scheme is None:
        from condget.stores.disk_cache import Cache

        return Cache(location, clock=clock)
    assert isinstance(location, str)
    if scheme in _STORES:
        module, name, extra = _STORES[scheme]
        try:
            make = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            raise UsageError(
                f"The cache {shown_location(location)} needs the package {error.name}; install condget[{extra}]."
            ) from None
    else:
        make = _loaded(_entry_point(scheme, location))
    store: Store = make(location)
    return store


def scheme_of(location: Location) -> str | None:
    """Return the scheme of a location that is a URL, in lower case; None: it is a path."""
    if not isinstance(location, str):
        return None
    scheme = _SCHEME.match(location)
    return None if scheme is None else scheme[1].lower()


def shown_location(location: str) -> str:
    """Return a URL as messages show it: without userinfo and query, which may hold a password.

    >>> shown_location("redis://ann:secret@cache.example.org/0?password=secret")
    'redis://cache.example.org/0'
    """
    return address(location.partition("?")[0].partition("#")[0])


def _entry_point(scheme: str, location: str) -> EntryPoint:
    from importlib.metadata import entry_points  # takes 10 ms, and few programs need it

    found = next(iter(entry_points(group=STORE_GROUP, name=scheme)), None)
    if found is None:
        cache = f"The cache {shown_location(location)}"
        raise UsageError(f"{cache} cannot be opened: no store is installed for {scheme}; name a directory.")
    return found


def _loaded(entry_point: EntryPoint) -> Callable[[str], Store]:
    try:
        loaded: Callable[[str], Store] = entry_point.load()
    except Exception as error:
        of = entry_point.dist.name if entry_point.dist is not None else "another distribution"
        raise UsageError(
            f"The store for {entry_point.name} of {of} cannot be loaded ({type(error).__name__}: {error}); "
            "mend or remove it."
        ) from error
    return loaded
