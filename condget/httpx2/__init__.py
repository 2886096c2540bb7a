"""condget for httpx2: the clients and transports of condget, bound to httpx2 in place of httpx.

>>> import condget.httpx2
>>> with condget.httpx2.Client() as client:  # doctest: +SKIP
...     client.get("https://example.org/")

Caches, `Policy` and `CacheStatus` are those of `condget`. Needs the package httpx2: `pip install condget[httpx2]`.
"""

from condget.binding import bound
from condget.cache.status import status

_client = bound("condget.client")
_caching = bound("condget.transports.caching")

Client = _client.Client
AsyncClient = _client.AsyncClient
get = _client.get
CacheTransport = _caching.CacheTransport
AsyncCacheTransport = _caching.AsyncCacheTransport

__all__ = ["AsyncCacheTransport", "AsyncClient", "CacheTransport", "Client", "get", "status"]
