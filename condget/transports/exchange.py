"""One request on its way through the cache: httpx's objects to pure values and back, the questions of
`condget.cache.decisions` asked, their writes carried out. Neither sync nor async: the two drivers stand in `caching`.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256

import httpx

from condget.cache.actions import Forward, Reuse, Save, Settlement, Unsatisfiable
from condget.cache.conditional import ask_again
from condget.cache.decisions import collapse, decide
from condget.cache.fields import Fields
from condget.cache.messages import Request, Response, StoredResponse
from condget.cache.policy import MODES, Mode, Policy
from condget.cache.settling import settle, settle_failure
from condget.cache.status import CacheStatus
from condget.errors import StoreError
from condget.settings import Clock
from condget.stores.protocols import Writer
from condget.transports.flights import STANDSTILL
from condget.transports.guarded_store import GuardedStore

#: Key in httpx's `extensions`: of a request what it asks of the cache, of a response what the cache did.
EXTENSION = "condget"


@dataclass(frozen=True, slots=True)
class Control:
    """What one request asks of the cache: `extensions={"condget": {"mode": ..., "partition": ..., "ttl": ...}}`."""

    mode: Mode = "default"
    partition: str = ""
    ttl: float | None = None


_NO_CONTROL = Control()


def control_of(request: httpx.Request) -> Control:
    """Read a request's control; a mode alone may be given as a string.

    Raises:
        ValueError: a key or a mode that does not exist, or a value of the wrong type.
    """
    given = request.extensions.get(EXTENSION)
    if given is None:
        return _NO_CONTROL
    options = {"mode": given} if isinstance(given, str) else given
    if not isinstance(options, Mapping) or not options.keys() <= {"mode", "partition", "ttl"}:
        raise ValueError(f'extensions["condget"] takes mode, partition and ttl, not {given!r}')
    if options.get("mode", "default") not in MODES:
        raise ValueError(f'extensions["condget"]["mode"] is one of {", ".join(MODES)}, not {options["mode"]!r}')
    if not isinstance(options.get("partition", ""), str):
        raise ValueError(f'extensions["condget"]["partition"] is a string, not {options["partition"]!r}')
    if not isinstance(options.get("ttl"), (int, float, type(None))):
        raise ValueError(f'extensions["condget"]["ttl"] is a number of seconds, not {options["ttl"]!r}')
    return Control(**options)


class Exchange:
    """A request and what the cache knows of it."""

    __slots__ = ("_clock", "_mode", "_store", "arrived", "policy", "pure", "request")

    def __init__(self, request: httpx.Request, store: GuardedStore, policy: Policy, clock: Clock) -> None:
        control = control_of(request)
        self.request = request
        self.pure = to_request(request, control.partition)
        self.policy = policy if control.ttl is None else replace(policy, ttl=control.ttl)
        self.arrived = clock()
        self._mode = control.mode
        self._store = store
        self._clock = clock

    def decide(self) -> httpx.Response | tuple[httpx.Response, Forward] | Forward:
        """Return the response from the cache, with the request that refreshes it if one is due, or what to forward."""
        pure = self.pure
        candidates = self._store.load(pure.url, pure.partition) if pure.method in ("GET", "HEAD") else ()
        decision = decide(pure, candidates, self.policy, self.arrived, self._mode)
        if isinstance(decision, Reuse):
            response = self.reused(decision)
            if response is None:  # the content is gone: as if nothing were stored
                decision = decide(pure, (), self.policy, self.arrived, self._mode)
            else:
                self._store.touch(decision.stored, self.arrived)
                return response if decision.refresh is None else (response, decision.refresh)
        if isinstance(decision, Unsatisfiable):
            return self._made(504, "Gateway Timeout", Fields([("Content-Length", "0")]), b"", decision.status)
        assert isinstance(decision, Forward)
        return decision

    def collapsed(self) -> httpx.Response | None:
        """Return the response that somebody else fetched for the same request meanwhile."""
        candidates = self._store.load(self.pure.url, self.pure.partition)
        reuse = collapse(self.pure, candidates, self.policy, self.arrived, self._clock())
        return None if reuse is None else self.reused(reuse)

    def patience(self) -> tuple[float, float]:
        """Return how many seconds at a time to wait for another's response, and until when: no longer than to read."""
        limit = (self.request.extensions.get("timeout") or {}).get("read")
        if limit is None:
            return STANDSTILL, math.inf
        return min(STANDSTILL, limit), time.monotonic() + limit

    def may_coalesce(self, forward: Forward) -> bool:
        return forward.not_stored is None and self._mode == "default" and forward.completes is None

    def outgoing(self, forward: Forward) -> httpx.Request:
        """Return the request to send: the caller's own, but for fields that the cache added."""
        if forward.request.fields is self.pure.fields:
            return self.request
        sent = copy(self.request)
        sent.headers = httpx.Headers(_raw(forward.request.fields))
        sent.stream, sent.extensions = self.request.stream, self.request.extensions  # httpx leaves them out of copies
        return sent

    def settle(self, forward: Forward, response: httpx.Response, sent: float) -> Settlement:
        settlement = settle(forward, to_response(response, sent, self._clock()), self.policy)
        self._store.apply(settlement.writes)
        return settlement

    def failed(self, forward: Forward, error: Exception) -> httpx.Response | None:
        """Return the stale response that stands in for an origin that cannot be reached, or None."""
        settlement = settle_failure(forward, self.policy, self._clock(), f"{type(error).__name__}: {error}")
        return None if settlement is None or settlement.reuse is None else self.reused(settlement.reuse)

    def reused(self, reuse: Reuse) -> httpx.Response | None:
        """Return a stored response, or None where its content cannot be had."""
        if reuse.stop <= reuse.start:
            return self._made(reuse.status_code, reuse.reason_phrase, reuse.fields, b"", reuse.status, reuse.stored)
        content = self._store.content(reuse.stored, reuse.start, reuse.stop)
        if content is None:
            return None
        return self._made(reuse.status_code, reuse.reason_phrase, reuse.fields, content, reuse.status, reuse.stored)

    def passed_on(self, response: httpx.Response, status: CacheStatus) -> httpx.Response:
        """Return the origin's response with what the cache has to say about it."""
        response.extensions = {**response.extensions, EXTENSION: status}
        if self.policy.cache_status:
            # Behind the members of the caches that came before (RFC 9211 §2).
            response.headers = httpx.Headers([*response.headers.raw, (b"Cache-Status", str(status).encode("latin-1"))])
        return response

    def unconditional(self, forward: Forward) -> Forward:
        """Return the same request without preconditions: what they were about cannot be read any more."""
        return ask_again(forward)

    def completed(self, response: httpx.Response, save: Save) -> Iterator[bytes] | None:
        """Turn the 206 that brings the rest into the 200 it completes; return the content that is stored already."""
        assert save.prefix is not None
        prefix = self._store.content(save.prefix, 0, save.prefix.content_length or 0)
        if prefix is None:
            return None
        response.status_code = 200
        cookies = [pair for pair in response.headers.raw if pair[0].lower() == b"set-cookie"]
        response.headers = httpx.Headers([*_raw(save.stored.fields), *cookies])
        response.extensions["reason_phrase"] = b"OK"
        return prefix

    def saver(self, settlement: Settlement, declared: str | None) -> Saver | None:
        """Return what stores the content as it passes, or None where it is not to be stored."""
        save = next((write for write in settlement.writes if isinstance(write, Save)), None)
        if save is None:
            return None
        writer = self._store.writer(save)
        if writer is None:
            settlement.status.stored, settlement.status.detail = False, "not stored: the cache failed"
            return None
        saver = Saver(self._store, writer, settlement.status, self.policy.max_content_length, declared)
        if save.prefix is not None and settlement.completed is None:
            saver.put_before(save.prefix)
        return saver

    def _made(
        self,
        status_code: int,
        reason_phrase: str,
        fields: Fields,
        content: bytes | Iterator[bytes],
        status: CacheStatus,
        stored: StoredResponse | None = None,
    ) -> httpx.Response:
        headers = _raw(fields)
        if self.policy.cache_status:
            headers.append((b"Cache-Status", str(status).encode("latin-1")))
        return httpx.Response(
            status_code,
            headers=headers,
            stream=httpx.ByteStream(content) if isinstance(content, bytes) else StoredContent(content),
            extensions={
                "http_version": (stored.http_version if stored is not None else "HTTP/1.1").encode("ascii"),
                "reason_phrase": reason_phrase.encode("latin-1"),
                EXTENSION: status,
            },
        )


class StoredContent(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Content that comes from the store, chunk by chunk."""

    def __init__(self, content: Iterator[bytes]) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._content
        except StoreError as error:  # too late for the origin: let nobody take a part for the whole
            raise httpx.ReadError(str(error)) from error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in iter(self):
            yield chunk

    def close(self) -> None:
        close = getattr(self._content, "close", None)
        if close is not None:
            close()

    async def aclose(self) -> None:
        self.close()


class Saver:
    """Stores content as it passes by. It becomes visible when it is complete; otherwise nothing is stored."""

    __slots__ = ("_declared", "_length", "_limit", "_status", "_store", "_writer")

    def __init__(
        self, store: GuardedStore, writer: Writer, status: CacheStatus, limit: int, declared: str | None
    ) -> None:
        self._store = store
        self._writer: Writer | None = writer
        self._status = status
        self._limit = limit
        self._declared = declared
        self._length = 0

    def put_before(self, prefix: StoredResponse) -> None:
        """Begin with content that is stored already."""
        chunks = self._store.content(prefix, 0, prefix.content_length or 0)
        if chunks is None:
            self.abort("the stored part is gone")
            return
        for chunk in chunks:
            self.write(chunk)
        self._length = 0

    def write(self, chunk: bytes) -> None:
        if self._writer is None:
            return
        self._length += len(chunk)
        if self._length > self._limit:
            self.abort(f"longer than {self._limit} bytes")
        elif (reason := self._store.write(self._writer, chunk)) is not None:
            self.abort(reason)

    def complete(self) -> None:
        """The content has come to its end: make it visible."""
        writer = self._writer
        if writer is None:
            return
        if self._declared is not None and self._declared.isdigit() and int(self._declared) != self._length:
            self.abort(f"{self._length} bytes came of {self._declared} that Content-Length promised")
            return
        self._writer = None
        reason = self._store.commit(writer)
        if reason is not None:
            self._status.stored, self._status.detail = False, f"not stored: {reason}"

    def abort(self, reason: str) -> None:
        """Store nothing, for this reason."""
        writer, self._writer = self._writer, None
        if writer is not None:
            self._store.abort(writer)
            self._status.stored, self._status.detail = False, f"not stored: {reason}"


def to_request(request: httpx.Request, partition: str = "") -> Request:
    """Return httpx's request as a pure value; credentials only as digests, in its partition."""
    fields = _fields(tuple(request.headers.raw))
    url = request.url
    userinfo = url.userinfo
    authorization = fields.get("authorization")
    if authorization is not None or userinfo or partition:
        secret = "\0".join((authorization or userinfo.decode("latin-1"), partition))
        partition = sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return Request(request.method, target_uri(url), fields, partition)


def target_uri(url: httpx.URL | str) -> str:
    """Return what responses are stored under: no userinfo, no fragment; an empty path is "/" (RFC 9110 §4.2.3)."""
    url = httpx.URL(url) if isinstance(url, str) else url
    return f"{url.scheme}://{url.netloc.decode('ascii')}{url.raw_path.decode('ascii')}"


@lru_cache(maxsize=128)
def _fields(raw: tuple[tuple[bytes, bytes], ...]) -> Fields:
    """Most requests of a client have the same fields, so they are read once."""
    return Fields([(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw])


def to_response(response: httpx.Response, sent: float, received: float) -> Response:
    """Return the head of httpx's response as a pure value."""
    extensions = response.extensions
    return Response(
        status=response.status_code,
        fields=Fields([(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw]),
        request_time=sent,
        response_time=received,
        reason_phrase=extensions.get("reason_phrase", b"").decode("latin-1"),
        http_version=extensions.get("http_version", b"HTTP/1.1").decode("ascii", "replace"),
    )


def _raw(fields: Fields) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields.pairs]
