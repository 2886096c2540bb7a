"""condget: conditional requests done right. A caching httpx client, and a poller of feeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from condget.settings import __version__

if TYPE_CHECKING:
    from condget.cache.fields import Fields
    from condget.cache.policy import Policy
    from condget.cache.preconditions import evaluate, make_etag
    from condget.cache.status import CacheStatus, status
    from condget.client import AsyncClient, Client, get
    from condget.errors import (
        CondgetError,
        DocumentError,
        FetchError,
        ForbiddenTarget,
        NewerState,
        StateLocked,
        StoreError,
        SubscriptionError,
        UsageError,
    )
    from condget.feeds.documents import parse_feed
    from condget.feeds.feed import Feed
    from condget.feeds.values import Entry, Outcome
    from condget.polling.library import async_poll, poll
    from condget.stores.disk_cache import Cache
    from condget.stores.memory_cache import MemoryCache
    from condget.stores.postgresql_cache import PostgresqlCache
    from condget.stores.redis_store import RedisCache
    from condget.transports.caching import AsyncCacheTransport, CacheTransport

# Imported when first used: `condget --version` and a poll with nothing due must not pay for httpx.
_HOMES = {
    "AsyncCacheTransport": "condget.transports.caching",
    "AsyncClient": "condget.client",
    "Cache": "condget.stores.disk_cache",
    "CacheStatus": "condget.cache.status",
    "CacheTransport": "condget.transports.caching",
    "Client": "condget.client",
    "CondgetError": "condget.errors",
    "DocumentError": "condget.errors",
    "Entry": "condget.feeds.values",
    "Feed": "condget.feeds.feed",
    "FetchError": "condget.errors",
    "Fields": "condget.cache.fields",
    "ForbiddenTarget": "condget.errors",
    "MemoryCache": "condget.stores.memory_cache",
    "NewerState": "condget.errors",
    "Outcome": "condget.feeds.values",
    "Policy": "condget.cache.policy",
    "PostgresqlCache": "condget.stores.postgresql_cache",
    "RedisCache": "condget.stores.redis_store",
    "StateLocked": "condget.errors",
    "StoreError": "condget.errors",
    "SubscriptionError": "condget.errors",
    "UsageError": "condget.errors",
    "async_poll": "condget.polling.library",
    "evaluate": "condget.cache.preconditions",
    "get": "condget.client",
    "make_etag": "condget.cache.preconditions",
    "parse_feed": "condget.feeds.documents",
    "poll": "condget.polling.library",
    "status": "condget.cache.status",
}

__all__ = [  # noqa: RUF022 - by topic
    "Client",
    "AsyncClient",
    "get",
    "CacheTransport",
    "AsyncCacheTransport",
    "Cache",
    "MemoryCache",
    "PostgresqlCache",
    "RedisCache",
    "Policy",
    "status",
    "CacheStatus",
    "Fields",
    "make_etag",
    "evaluate",
    "poll",
    "async_poll",
    "Feed",
    "Outcome",
    "Entry",
    "parse_feed",
    "CondgetError",
    "UsageError",
    "SubscriptionError",
    "FetchError",
    "ForbiddenTarget",
    "DocumentError",
    "StoreError",
    "StateLocked",
    "NewerState",
    "__version__",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'condget' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
