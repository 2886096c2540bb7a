"""One request on its way through the cache: httpx's objects to pure values and back, the two questions of
`condget.cache`, and their writes carried out. Neither sync nor async: the two drivers stand in `caching`.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from operator import length_hint

import httpx

from condget.cache.actions import Forward, Reuse, Save, Settlement, Unsatisfiable
from condget.cache.conditional import unconditional
from condget.cache.decisions import collapse, decide
from condget.cache.fields import Fields
from condget.cache.messages import Response
from condget.cache.policy import MODES, Mode, Policy
from condget.cache.settling import settle, settle_failure
from condget.cache.status import (
    EXTENSION,
    CacheStatus,
    not_stored_after_all,
    status_of_collapsed,
    status_of_forwarded,
    status_of_hit,
    status_of_unsatisfiable,
)
from condget.errors import StoreError
from condget.settings import Clock
from condget.transports.cache_key import to_request
from condget.transports.flights import Flight
from condget.transports.guarded_store import FAILED, GuardedStore
from condget.transports.in_thread import in_thread_if
from condget.transports.leases import Key
from condget.transports.saving import AsyncSavingStream, Saver, SavingStream, save_content

#: Media types of content that has no end.
_ENDLESS = ("text/event-stream", "multipart/x-mixed-replace")


@dataclass(frozen=True, slots=True)
class Control:
    """How one request uses the cache: `extensions={"condget": {"mode": ..., "partition": ..., "ttl": ...}}`."""

    mode: Mode = "default"
    partition: str = ""
    ttl: float | None = None


_NO_CONTROL = Control()


def control_of(request: httpx.Request) -> Control:
    """Read a request's control; a mode alone may be given as a string.

    Raises:
        ValueError: a key or a mode that does not exist, or a value of the wrong type.
    """
    extension = request.extensions.get(EXTENSION)
    if extension is None:
        return _NO_CONTROL
    options = {"mode": extension} if isinstance(extension, str) else extension
    if not isinstance(options, Mapping) or not options.keys() <= {"mode", "partition", "ttl"}:
        raise ValueError(f'extensions["condget"] takes mode, partition and ttl, not {extension!r}')
    if options.get("mode", "default") not in MODES:
        raise ValueError(f'extensions["condget"]["mode"] is one of {", ".join(MODES)}, not {options["mode"]!r}')
    if not isinstance(options.get("partition", ""), str):
        raise ValueError(f'extensions["condget"]["partition"] is a string, not {options["partition"]!r}')
    if not isinstance(options.get("ttl"), (int, float, type(None))):
        raise ValueError(f'extensions["condget"]["ttl"] is a number of seconds, not {options["ttl"]!r}')
    return Control(**options)


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision about a request: `response` answers it, or `forward` is sent to the origin."""

    response: httpx.Response | None = None
    forward: Forward | None = None
    #: Sent in the background meanwhile, since `response` is stale.
    refresh: Forward | None = None


@dataclass(frozen=True, slots=True)
class Setup:
    """The settings that the exchanges of one transport share."""

    store: GuardedStore
    policy: Policy
    clock: Clock
    #: Parts the stored responses of the transport from those of others.
    partition: str = ""
    #: Says whom the transport trusts over TLS.
    trust: Callable[[], str] = str
    #: Whether there is a cache at all.
    caches: bool = True


class Exchange:
    """A request and what the cache knows of it."""

    __slots__ = ("_clock", "_deadline", "_mode", "_store", "_timeout", "arrived", "policy", "pure", "request")

    def __init__(self, request: httpx.Request, setup: Setup) -> None:
        if not isinstance(request, httpx.Request):
            library = type(request).__module__
            raise TypeError(f"this transport is for clients of {httpx.__name__}, and the request is one of {library}")
        control = control_of(request)
        policy = setup.policy
        trust = setup.trust() if request.url.scheme == "https" else ""
        self.request = request
        self.pure = to_request(
            request,
            policy.credential_fields,
            (control.partition, setup.partition, trust),
            None if setup.caches else "the client has no cache",
        )
        self.policy = policy if control.ttl is None else replace(policy, ttl=control.ttl)
        self.arrived = setup.clock()
        self._mode = control.mode
        self._store = setup.store
        self._clock = setup.clock
        self._deadline = math.inf
        #: The time-outs that are left, where they are not the caller's own.
        self._timeout: dict[str, float | None] | None = None

    def decide(self) -> Decision:
        pure = self.pure
        candidates = self._store.load(pure.url, pure.partition) if pure.method in ("GET", "HEAD") else ()
        decision = decide(pure, candidates, self.policy, self.arrived, self._mode)
        if isinstance(decision, Reuse):
            response = self._reused(decision, status_of_hit(decision))
            if response is not None:
                self._store.touch(decision.stored, self.arrived)
                return Decision(response, refresh=decision.refresh)
            decision = decide(pure, (), self.policy, self.arrived, self._mode)  # its content is gone
        if isinstance(decision, Unsatisfiable):
            no_content = Fields([("Content-Length", "0")])
            return Decision(self._made(504, "Gateway Timeout", no_content, b"", status_of_unsatisfiable(decision)))
        assert isinstance(decision, Forward)  # nothing that is stored was there to reuse
        return Decision(forward=decision)

    def decide_after_waiting(self) -> Decision:
        """Decide with what the store knows by now: the response to an identical request, most likely."""
        candidates = self._store.load(self.pure.url, self.pure.partition)
        reuse = collapse(self.pure, candidates, self.policy, self.arrived, self._clock())
        response = None if reuse is None else self._reused(reuse, status_of_collapsed(reuse))
        return self.decide() if response is None else Decision(response)

    def may_coalesce(self, decision: Decision) -> bool:
        """Whether the response to an identical request may serve this one as well."""
        forward = decision.forward
        if "text/event-stream" in (self.pure.fields.get("accept") or ""):
            return False
        return (
            forward is not None and forward.not_stored is None and forward.completes is None and self._mode == "default"
        )

    def key(self) -> Key:
        """Return what identical requests have in common."""
        pure = self.pure
        return pure.url, pure.partition, (("", pure.method), *pure.fields.pairs)

    def deadline(self) -> float:
        """Return until when to wait for another's response, by `time.monotonic`: no longer than to read."""
        limit = (self.request.extensions.get("timeout") or {}).get("read")
        self._deadline = math.inf if limit is None else time.monotonic() + limit
        return self._deadline

    def waited(self) -> None:
        """Note that the request waited for another: its time-outs count from its start."""
        if self._deadline != math.inf:
            rest = self._deadline - time.monotonic()
            limits = self.request.extensions["timeout"]
            self._timeout = {phase: None if limit is None else min(limit, rest) for phase, limit in limits.items()}

    def outgoing(self, forward: Forward) -> httpx.Request:
        """Return the request to send: the caller's own, but for fields that the cache added.

        Raises:
            httpx.ReadTimeout: the time of the request is over already.
        """
        if forward.request.fields is self.pure.fields and self._timeout is None:
            return self.request
        sent = object.__new__(type(self.request))  # a copy by `copy` would lack its stream and extensions
        sent.__dict__.update(self.request.__dict__)
        own, fields = self.pure.fields.pairs, forward.request.fields
        if fields.pairs[: len(own)] == own:
            sent.headers = httpx.Headers([*self.request.headers.raw, *_raw(fields.pairs[len(own) :])])
        else:
            sent.headers = httpx.Headers(_raw(fields.pairs))
        if self._timeout is not None:
            if (self._timeout["read"] or 0) <= 0:
                raise httpx.ReadTimeout("An identical request, which this one waited for, got no response in time.")
            sent.extensions = {**sent.extensions, "timeout": self._timeout}
        return sent

    def settle(self, forward: Forward, response: httpx.Response, sent: float) -> Settlement:
        settlement = settle(forward, to_response(response, sent, self._clock()), self.policy)
        self._store.apply(settlement.writes)
        return settlement

    def failed(self, forward: Forward, error: Exception) -> httpx.Response | None:
        """Return the stale response that stands in for an origin that cannot be reached, or None."""
        settlement = settle_failure(forward, self.policy, self._clock(), f"{type(error).__name__}: {error}")
        return None if settlement is None else self.stored(forward, settlement, None)

    def stored(self, forward: Forward, settlement: Settlement, fwd_status: int | None) -> httpx.Response | None:
        """Return the stored response that the caller gets after its request was forwarded, or None."""
        reuse = settlement.reuse
        return None if reuse is None else self._reused(reuse, status_of_forwarded(forward, settlement, fwd_status))

    def retry(self, forward: Forward, settlement: Settlement) -> Forward:
        """Return what to send next, without preconditions: what they were about is of no use or cannot be read."""
        return settlement.retry or unconditional(forward)

    def passed_on(
        self,
        forward: Forward,
        settlement: Settlement,
        response: httpx.Response,
        flight: Flight | None,
        stream_class: type[SavingStream] | type[AsyncSavingStream],
    ) -> httpx.Response | None:
        """Return the origin's response, which is saved while it is read and lands the flight at its end.

        None: the caller gets a stored response, or `response` completes one whose content is gone.
        """
        if settlement.reuse is not None or settlement.retry is not None:
            return None
        status = status_of_forwarded(forward, settlement, response.status_code)
        prefix: Iterator[bytes] | None = None
        if settlement.completed is not None:
            part = settlement.completed.prefix
            assert part is not None
            prefix = self._store.content(part, 0, part.content_length or 0)
            if prefix is None:
                return None
            response = _completed(response, settlement.completed)
        response.extensions = {**response.extensions, EXTENSION: status}
        self._save(settlement, response, flight, prefix, stream_class)
        if self.policy.cache_status:
            # Behind the members of the caches that came before (RFC 9211 §2).
            member = str(response.extensions[EXTENSION]).encode("latin-1")
            response.headers = httpx.Headers([*response.headers.raw, (b"Cache-Status", member)])
        return response

    def _save(
        self,
        settlement: Settlement,
        response: httpx.Response,
        flight: Flight | None,
        prefix: Iterator[bytes] | None,
        stream_class: type[SavingStream] | type[AsyncSavingStream],
    ) -> None:
        save = next((write for write in settlement.writes if isinstance(write, Save)), None)
        writer = None if save is None else self._store.writer(save)
        not_stored = partial(_tell_not_stored, response.extensions)
        if save is not None and writer is None:
            not_stored(FAILED)
        if writer is None and prefix is None:
            if flight is not None:
                flight.land(stored=False)
            return
        if flight is not None and response.headers.get("content-type", "").startswith(_ENDLESS):
            flight.land(stored=False)
            flight = None
        saver = Saver(
            self._store,
            writer,
            limit=self.policy.max_content_length,
            declared=response.headers.get("content-length"),
            flight=flight,
            prefix=prefix,
            not_stored=not_stored,
        )
        if save is not None and save.prefix is not None and settlement.completed is None:
            saver.put_before(save.prefix)
        save_content(response, saver, stream_class)

    def _reused(self, reuse: Reuse, status: CacheStatus) -> httpx.Response | None:
        """Return a stored response, or None where its content cannot be had."""
        is_empty = reuse.stop <= reuse.start
        content = b"" if is_empty else self._store.content(reuse.stored, reuse.start, reuse.stop)
        if content is None:
            return None
        version = reuse.stored.http_version
        return self._made(reuse.status_code, reuse.reason_phrase, reuse.fields, content, status, version)

    def _made(
        self,
        status_code: int,
        reason_phrase: str,
        fields: Fields,
        content: bytes | Iterator[bytes],
        status: CacheStatus,
        http_version: str = "HTTP/1.1",
    ) -> httpx.Response:
        headers = _raw(fields)
        if self.policy.cache_status:
            headers.append((b"Cache-Status", str(status).encode("latin-1")))
        return httpx.Response(
            status_code,
            headers=headers,
            stream=httpx.ByteStream(content) if isinstance(content, bytes) else self._stream(content),
            extensions={
                "http_version": http_version.encode("ascii"),
                # httpx knows the standard phrases; HTTP/2 sends none.
                **({"reason_phrase": reason_phrase.encode("latin-1")} if reason_phrase else {}),
                EXTENSION: status,
            },
        )

    def _stream(self, content: Iterator[bytes]) -> StoredContent:
        is_at_hand = length_hint(content) > 0
        return StoredContent(content, waits=self._store.is_remote and not is_at_hand)


def _tell_not_stored(extensions: dict[str, object], reason: str) -> None:
    """Give a response its final status, where its storing failed."""
    status = extensions[EXTENSION]
    assert isinstance(status, CacheStatus)
    extensions[EXTENSION] = not_stored_after_all(status, reason)


def _completed(response: httpx.Response, save: Save) -> httpx.Response:
    """Turn the 206 that brings the rest into the 200 it completes."""
    cookies = [pair for pair in response.headers.raw if pair[0].lower() == b"set-cookie"]
    headers = httpx.Headers([*_raw(save.stored.fields), *cookies])
    extensions = {**response.extensions, "reason_phrase": b"OK"}
    if response.is_stream_consumed:  # a mock, which has the rest as its whole content already
        return httpx.Response(200, headers=headers, stream=response.stream, extensions=extensions)
    response.status_code, response.headers, response.extensions = 200, headers, extensions
    return response


class StoredContent(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Content that comes from the store, chunk by chunk. `waits` says whether its chunks come over a network."""

    def __init__(self, content: Iterator[bytes], *, waits: bool = False) -> None:
        self._content = content
        self._waits = waits

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._content
        except StoreError as error:  # too late for the origin: let nobody take a part for the whole
            raise httpx.ReadError(str(error)) from error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self)
        while (chunk := await in_thread_if(self._waits, next, chunks, None)) is not None:
            yield chunk

    def close(self) -> None:
        close = getattr(self._content, "close", None)
        if close is not None:
            close()

    async def aclose(self) -> None:
        self.close()


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


def _raw(pairs: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
