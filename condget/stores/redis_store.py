"""RedisCache: stored responses in a Redis or Valkey server that several machines share.

Head and content of a response are one key, so the server loses both or neither. Every loss is harmless: a server that
is down, restarted, emptied or full costs requests to origins, and no more.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from condget.after_fork import renew_after_fork
from condget.cache.messages import StoredResponse
from condget.errors import StoreError, UsageError
from condget.shown import address, line
from condget.stores import redis_scripts as scripts
from condget.stores.abilities import StoreStats
from condget.stores.protocols import ContentGone, ContentTooLong
from condget.stores.records import from_head, from_text, to_head, to_text
from condget.stores.usefulness import kept_for, useless_from

if TYPE_CHECKING:
    import redis

#: Longest piece of content in one value: longer ones would hold up other clients of the server.
CHUNK = 1 << 18
_DIGEST_SIZE = 16
#: The rough cost in bytes of a response in Redis besides its head and content.
_OVERHEAD = 1000
#: Most bytes of content that stay in memory; the content that was read last stays.
_RECENT_BYTES = 16 << 20
#: How many uses wait to be sent, and how many seconds, at most.
_MOST_TOUCHED = 1000
_TOUCHED_SECONDS = 1.0
#: How many keys are asked for at once.
_PAGE = 200

#: Least number of bytes that are freed at once in a server that is full.
_LEAST_ROOM = 1 << 20

_MAX_SIZE = 1024**3
_PREFIX = "condget:"


class RedisCache:
    """A private HTTP cache in Redis 6.2 or later, or Valkey, shared by threads, processes and machines.

    Args:
        url: redis://, rediss:// (TLS), unix:// or valkey://, as redis-py takes it: redis://user:password@host:6379/0.
            `?max_size=` and `?prefix=` in its query are the arguments below.
        max_size: Most bytes of heads and contents that are kept; the least recently used go first. Where the server has
            a smaller `maxmemory`, the cache makes room in time.
        prefix: The beginning of all keys of this cache.
        timeout: Longest wait for the server, in seconds. A request waits with it.

    It connects when it is first used. Every method may raise `StoreError`; a client's requests go on all the same.

    Raises:
        UsageError: the URL makes no sense, or redis-py is not installed.
    """

    #: Calls wait for a network, so that an event loop hands them to a thread.
    is_remote = True

    def __init__(
        self, url: str, max_size: int | None = None, *, prefix: str | None = None, timeout: float = 0.5
    ) -> None:
        server, options = _split(url)
        self.location = address(server.partition("?")[0])
        self.max_size = _size(options.get("max_size"), self.location) if max_size is None else max_size
        self.prefix = options.get("prefix", _PREFIX) if prefix is None else prefix
        self._arguments = (url, max_size, prefix, timeout)
        self._redis = _client(server, timeout, self.location)
        self._scripts: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._touched: dict[int, None] = {}
        self._waiting_since = 0.0
        self._recent: dict[int, bytes] = {}
        self._recent_bytes = 0
        renew_after_fork(self)

    def __repr__(self) -> str:
        return f"RedisCache({self.location!r}, max_size={self.max_size})"

    def __reduce__(self) -> tuple[object, ...]:
        return _made, self._arguments

    def __enter__(self) -> RedisCache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def after_fork(self) -> None:
        """Make it usable in a forked process; redis-py sees to its connections."""
        self._lock = threading.Lock()

    # The protocol `condget.stores.protocols.Store`, for transports.

    def load(self, url: str, partition: str = "") -> Sequence[StoredResponse]:
        """Return the heads of all stored responses of that URL and partition, newest first."""
        found = self._run(scripts.LOAD, _digest(url), partition)
        intact: list[StoredResponse] = []
        damaged: list[int] = []
        for id, head in zip(map(int, found[::2]), found[1::2], strict=True):
            stored = _head(head, id)
            if stored is not None and stored.url == url and stored.partition == partition:
                intact.append(stored)
            else:
                damaged.append(id)
        if damaged:
            self._drop(damaged)
        return intact

    def content(self, stored: StoredResponse, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Return the stored content, or the bytes from `start` up to `stop`, in chunks of at most 256 KiB."""
        length = stored.content_length or 0
        stop = length if stop is None else min(stop, length)
        if stop <= start:
            return iter(())
        first, last = start // CHUNK, (stop - 1) // CHUNK
        begin, end = start - first * CHUNK, stop - first * CHUNK
        # Content that is gone is noticed now.
        data = self._whole(stored) if length <= CHUNK else self._chunk(stored, first)
        part = data if (begin, end) == (0, len(data)) else data[begin:end]
        return iter((part,)) if first == last else self._long_content(stored, part, range(first + 1, last + 1), stop)

    def _long_content(self, stored: StoredResponse, part: bytes, numbers: range, stop: int) -> Iterator[bytes]:
        yield part
        for number in numbers:
            yield self._chunk(stored, number)[: stop - number * CHUNK]

    def _whole(self, stored: StoredResponse) -> bytes:
        """Return content of one chunk, from memory where it was read before: content never changes under its id."""
        data = self._recent.get(stored.id)
        if data is None:
            data = self._chunk(stored, 0)
            with self._lock:
                self._recent_bytes += len(data) - len(self._recent.pop(stored.id, b""))
                self._recent[stored.id] = data
                while self._recent_bytes > _RECENT_BYTES:
                    self._recent_bytes -= len(self._recent.pop(next(iter(self._recent))))
        return data

    def _chunk(self, stored: StoredResponse, number: int) -> bytes:
        """Return a chunk that is checked against its digest.

        Raises:
            ContentGone: it is gone, or it is not what was stored; then the response is dropped.
        """
        with self._failing():
            value = self._redis.hget(f"{self.prefix}response:{stored.id}", str(number))
        if value is None:
            raise ContentGone(f"The stored content of {stored.url} is gone from {self.location}.")
        assert isinstance(value, bytes)
        data = _opened(stored.id, str(number), value)
        if data is None or len(data) != min(CHUNK, (stored.content_length or 0) - number * CHUNK):
            self._drop([stored.id])
            raise ContentGone(f"The stored content of {stored.url} is not what was stored; it is dropped.")
        return data

    def writer(self, stored: StoredResponse, replaces: Sequence[StoredResponse] = ()) -> RedisWriter:
        """Begin to store a response; on commit it takes the place of `replaces`."""
        return RedisWriter(self, replace(stored, id=secrets.randbits(63)), replaces)

    def freshen(self, stored: StoredResponse) -> None:
        """Replace the head of a stored response and keep its content."""
        head = _sealed(stored.id, "head", to_text(to_head(stored)).encode())
        self._run(scripts.FRESHEN, stored.id, _digest(stored.url), head, int(kept_for(stored)))

    def discard(self, stored: Iterable[StoredResponse]) -> None:
        """Delete these stored responses."""
        pairs = [part for old in stored for part in (old.id, _digest(old.url))]
        if pairs:
            self._run(scripts.DISCARD, *pairs)

    def invalidate(self, urls: Iterable[str]) -> None:
        """Delete every stored response of these URLs, in all partitions (RFC 9111 §4.4)."""
        self._run(scripts.INVALIDATE, *map(_digest, urls))

    def touch(self, stored: StoredResponse, now: float) -> None:
        """Note that a stored response was used. It is sent later, by the server's clock."""
        if not self._touched:
            self._waiting_since = time.monotonic()
        self._touched[stored.id] = None
        if len(self._touched) > _MOST_TOUCHED or time.monotonic() - self._waiting_since > _TOUCHED_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send what waits. Closing does so, too."""
        touched, self._touched = self._touched, {}
        if touched:
            self._run(scripts.TOUCH, *touched)

    def close(self) -> None:
        """Close the connections. A later use opens them again, so one of two users of a cache may close it."""
        with suppress(StoreError):  # only the order of eviction is at stake
            self.flush()
        self._redis.close()

    # Leases: `condget.stores.abilities.Leases`.

    def lease(self, name: str, seconds: float) -> str | None:
        """Take a lease and return its token; None: somebody else has it."""
        token = secrets.token_hex(8)
        with self._failing():
            taken = self._redis.set(self._lease(name), token, nx=True, px=max(1, int(seconds * 1000)))
        return token if taken else None

    def is_leased(self, name: str) -> bool:
        with self._failing():
            return bool(self._redis.exists(self._lease(name)))

    def prolong(self, name: str, token: str, seconds: float) -> None:
        """Let a lease end in so many seconds from now, unless it is somebody else's by now."""
        self._run(scripts.LEASE, token, max(1, int(seconds * 1000)), key=self._lease(name))

    def release(self, name: str, token: str) -> None:
        """Give a lease back, unless it is somebody else's by now."""
        self._run(scripts.LEASE, token, 0, key=self._lease(name))

    def _lease(self, name: str) -> str:
        return f"{self.prefix}lease:{_digest(name)}"

    # Managing: `condget.stores.abilities.ManagedStore`.

    def __len__(self) -> int:
        with self._failing():
            count: Any = self._redis.zcount(f"{self.prefix}used", "(0", "+inf")
        return int(count)

    def __bool__(self) -> bool:
        return True  # also when nothing is stored

    @property
    def size(self) -> int:
        """Bytes of heads and contents that are stored, half-written content included."""
        with self._failing():
            total: Any = self._redis.hget(f"{self.prefix}facts", "total")
        return int(total or 0)

    def responses(self, *, url: str | None = None, host: str | None = None) -> Iterator[StoredResponse]:
        """Return the heads of all stored responses, or those of a URL or a host, the least recently used first."""
        with self._failing():
            ids: Any = self._redis.zrange(f"{self.prefix}used", "(0", "+inf", byscore=True)
        for start in range(0, len(ids), _PAGE):
            page = [int(id) for id in ids[start : start + _PAGE]]
            with self._failing():
                pipeline = self._redis.pipeline(transaction=False)
                for id in page:
                    pipeline.hget(f"{self.prefix}response:{id}", "head")
                heads = pipeline.execute()
            for id, head in zip(page, heads, strict=True):
                stored = None if head is None else _head(head, id)
                if stored is not None and url in (None, stored.url) and host in (None, _host(stored.url)):
                    yield stored

    def clear(self) -> int:
        """Delete all stored responses, and return how many they were."""
        count, left = 0, 1
        while left:
            dropped, left = self._run(scripts.CLEAR)
            count += dropped
        return count

    def prune(self) -> int:
        """Delete what is expired and cannot be validated, and return how many they were."""
        now = time.time()
        useless = [stored for stored in self.responses() if (useless_from(stored) or now) < now]
        self.discard(useless)
        return len(useless)

    def stats(self) -> StoreStats:
        """Return how much is stored."""
        hosts = {_host(stored.url) for stored in self.responses()}
        with self._failing():
            used: Any = self._redis.zrange(f"{self.prefix}used", "(0", "+inf", byscore=True, withscores=True)
        return StoreStats(
            location=self.location,
            responses=len(used),
            hosts=len(hosts),
            size=self.size,
            max_size=self.max_size,
            oldest=used[0][1] if used else None,
            newest=used[-1][1] if used else None,
        )

    def verify(self) -> list[str]:
        """Read every stored content and return what is wrong, a sentence each."""
        problems = []
        for stored in self.responses():
            try:
                for number in range(-(-(stored.content_length or 0) // CHUNK)):
                    self._chunk(stored, number)
            except ContentGone as error:
                problems.append(str(error))
        return problems

    # Inside.

    def _drop(self, ids: Iterable[int]) -> None:
        """Delete what is damaged, so that the next response takes its place; where that fails, it is met again."""
        with suppress(StoreError):
            self._run(scripts.DROP, *ids)

    def _run(self, script: str, *values: Any, key: str | None = None) -> Any:
        """Run a script.

        Raises:
            ServerFull: the server has reached its `maxmemory`.
            StoreError: the server cannot be used.
        """
        run = self._scripts.get(script)
        if run is None:
            run = self._scripts[script] = self._redis.register_script(script)
        with self._failing():
            return run(keys=[self.prefix if key is None else key], args=values)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Turn what redis-py raises into a `StoreError`."""
        import redis

        try:
            yield
        except redis.OutOfMemoryError as error:
            raise _ServerFull(f"The cache {self.location} has no memory left; raise its maxmemory.") from error
        except redis.RedisError as error:
            # Another server may have its address by now, such as the new primary after a replica took over.
            self._redis.connection_pool.disconnect(inuse_connections=False)
            raise StoreError(f"The cache {self.location} cannot be used ({line(str(error)).rstrip('.')}).") from error


class RedisWriter:
    """Takes the content of one response. Up to 256 KiB waits in memory; more is sent as it comes, out of sight."""

    def __init__(self, cache: RedisCache, stored: StoredResponse, replaces: Sequence[StoredResponse]) -> None:
        self._cache = cache
        self._stored = stored
        self._replaces = replaces
        self._buffer = bytearray()
        self._length = 0
        self._chunks = 0

    def write(self, chunk: bytes) -> None:
        self._length += len(chunk)
        self._buffer += chunk
        while len(self._buffer) > CHUNK:
            if self._length > self._cache.max_size:
                raise self._too_long()
            self._send(scripts.APPEND, bytes(self._buffer[:CHUNK]))
            self._chunks += 1
            del self._buffer[:CHUNK]

    def commit(self) -> None:
        """Make head and content visible together, in place of what they replace; make room for them."""
        stored = replace(self._stored, content_length=self._length)
        head = _sealed(stored.id, "head", to_text(to_head(stored)).encode())
        size = len(head) + self._length + _OVERHEAD
        replaced = [old.id for old in self._replaces if old.url == stored.url]
        facts = (stored.partition, head, size, int(kept_for(stored)))
        try:
            if size > self._cache.max_size:
                raise self._too_long()
            self._send(scripts.COMMIT, bytes(self._buffer), *facts, *replaced)
        except ContentTooLong:
            self.abort()
            raise

    def abort(self) -> None:
        """Forget what was written."""
        self._buffer.clear()
        if self._chunks:
            self._cache._run(scripts.DROP, self._stored.id)

    def _send(self, script: str, chunk: bytes, *more: object) -> None:
        """Store a chunk by a script. Where the server is full, the cache makes room first."""
        id, number = self._stored.id, self._chunks
        value = _sealed(id, str(number), chunk) if chunk else b""
        whose = (id, _digest(self._stored.url), number, value, self._cache.max_size)
        try:
            result = self._cache._run(script, *whose, 0, *more)
        except _ServerFull:
            try:
                result = self._cache._run(script, *whose, 2 * len(value) + _LEAST_ROOM, *more)
            except _ServerFull:
                if self._length <= CHUNK:
                    raise
                result = b"full"
        if result == b"full":
            raise self._too_long()
        if result == b"gone":
            raise ContentGone(f"The cache {self._cache.location} was cleared while {self._stored.url} was written.")

    def _too_long(self) -> ContentTooLong:
        return ContentTooLong(f"{self._stored.url} is longer than the cache may be ({self._cache.max_size} bytes).")


class _ServerFull(StoreError):
    """The server has reached its `maxmemory` and evicts nothing."""


def _client(server: str, timeout: float, location: str) -> redis.Redis:
    """Return a client of redis-py, which connects when it is first used.

    Raises:
        UsageError: the URL makes no sense, or redis-py is not installed.
    """
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ModuleNotFoundError as error:
        raise UsageError(f"The cache {location} needs the package {error.name}; install condget[redis].") from None
    try:
        return redis.Redis.from_url(
            server,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            # Once more where the server was restarted meanwhile; the wait must not add up.
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        )
    except (ValueError, TypeError):  # whose text may show the password
        raise UsageError(f"The cache {location} is not a URL that redis-py takes.") from None


def _sealed(id: int, name: str, data: bytes) -> bytes:
    """Return data behind a digest that says which part of which response it is."""
    return hashlib.blake2b(f"{id}:{name}:".encode() + data, digest_size=_DIGEST_SIZE).digest() + data


def _opened(id: int, name: str, value: bytes) -> bytes | None:
    """Return what was sealed; None: it is not what was stored."""
    data = value[_DIGEST_SIZE:]
    return data if _sealed(id, name, data) == value else None


# The same few heads are read again and again, and a `StoredResponse` is immutable.
@lru_cache(maxsize=2048)
def _head(value: bytes, id: int) -> StoredResponse | None:
    """Return the stored response of a head, under its id; None: it is not what was written."""
    head = _opened(id, "head", value)
    try:
        return None if head is None else from_head(from_text(head.decode()), id)
    except (ValueError, TypeError, AttributeError):
        return None


def _digest(text: str) -> str:
    """Return the name of a URL in keys, which servers log."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _split(url: str) -> tuple[str, Mapping[str, str]]:
    """Return the URL as redis-py takes it, and the options of the cache in its query."""
    base, _, query = url.partition("?")
    scheme, _, rest = base.partition("://")
    scheme = {"valkey": "redis", "valkeys": "rediss"}.get(scheme.lower(), scheme.lower())
    pairs = parse_qsl(query, keep_blank_values=True)
    own = {name: value for name, value in pairs if name in ("max_size", "prefix")}
    others = urlencode([pair for pair in pairs if pair[0] not in own])
    return f"{scheme}://{rest}" + (f"?{others}" if others else ""), own


def _size(text: str | None, location: str) -> int:
    if text is None:
        return _MAX_SIZE
    if not text.isdecimal():
        raise UsageError(f"The cache {location} has a max_size of {line(text, 40)!r}, which is not a number of bytes.")
    return int(text)


def _host(url: str) -> str | None:
    return urlsplit(url).hostname


def _made(url: str, max_size: int | None, prefix: str | None, timeout: float) -> RedisCache:
    return RedisCache(url, max_size, prefix=prefix, timeout=timeout)
