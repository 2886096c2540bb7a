"""Limits of one run: per host, and over all hosts.

Each hop of each redirect chain takes a slot for as long as its exchange lasts. A slot

1. is one of one per host: exchanges with one host follow one another, with a gap between their starts (C12); a host
   that allows several at a time has as many slots, each with its gap;
2. is refused with `HostSilent` while the host is silent: it wants no requests until some instant (C6, RFC 6585 §4);
3. is one of `concurrency` over all hosts, but only for the first two seconds: an exchange that waits longer for its
   response hands its place on and keeps its socket, so that hosts that never respond delay nobody;
4. is one of as many sockets as the system allows, for as long as it lasts;
5. ends with a TimeoutError at its deadline. Waiting for the slot, or for memory, does not count;
6. is refused with a `Failure` after three exchanges with the host that ended so, in a row: a silent host with many
   feeds does not make the run long.

An exchange that waits for its host takes no place of another host. A host that is over is forgotten, so that memory
does not grow with the hosts of a run.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Protocol

from condget import settings
from condget.cache.fields import Fields
from condget.errors import FetchError
from condget.fetching.addresses import is_loopback
from condget.fetching.failures import AGAIN, Failure
from condget.fetching.targets import Target

Sleep = Callable[[float], Awaitable[None]]

#: Seconds after which an exchange no longer counts among the concurrent exchanges.
PATIENCE = 2.0
#: Seconds between two looks at the exchanges under way, at least.
_TICK = 0.02
_MOST_SOCKETS = 4_096
_MOST_TIMEOUTS = 3
#: Hosts that are remembered before those that are over are looked for.
_MANY_HOSTS = 4_096
#: File descriptors beside those that are open already: children of the parser, the state file, look-ups.
_SPARE = 64


class Silence(Protocol):
    """The wish of a host for no requests until some instant."""

    @property
    def host(self) -> str: ...
    @property
    def until(self) -> float:
        """POSIX seconds."""

    @property
    def reason(self) -> str: ...


#: Returns the silence that a response asks for, by its status, its fields, the host that sent it, and whether another
#: host redirected to that host.
SilenceRule = Callable[[int, Fields, str, bool], Silence | None]


class HostSilent(FetchError):
    """No request was sent to a host, because the host is silent."""

    def __init__(self, silence: Silence) -> None:
        super().__init__(silence.reason)
        self.silence = silence
        #: The URLs that were requested before that host was reached.
        self.chain: tuple[str, ...] = ()


@dataclass(slots=True)
class _Host:
    name: str
    gap: float
    lock: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    #: When the next requests may start, by the event loop's clock: a heap of the slots that are free.
    next: list[float] = field(default_factory=lambda: [0.0])
    #: How many slots there are.
    slots: int = 1
    #: Exchanges in a row that were not complete at their deadline.
    timeouts: int = 0
    #: How many exchanges or polls of feeds need this memory.
    users: int = 0


class HostLimits:
    """The limits of one run.

    Args:
        concurrency: exchanges under way at once.
        gap: seconds between the starts of two exchanges with one host; None: 1, but 0 for loopback.
        silences: hosts that are silent at the start of the run.
        silence_rule: tells which responses silence their host.
        hosts: how many hosts the run has, as far as is known.
    """

    def __init__(
        self,
        clock: settings.Clock,
        *,
        concurrency: int = 500,
        gap: float | None = None,
        silences: Iterable[Silence] = (),
        silence_rule: SilenceRule = lambda status, fields, host, redirected: None,
        hosts: int = 1,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._gap = gap
        self._sleep = sleep
        self._silences: dict[str, Silence] = {}
        self.add_silences(silences)
        self._silence_rule = silence_rule
        self._hosts: dict[str, _Host] = {}
        self._many = _MANY_HOSTS
        most = sockets(max(hosts, concurrency))
        self._sockets = asyncio.Semaphore(most)
        self._places = asyncio.Semaphore(min(concurrency, most))
        self._under_way: set[Slot] = set()
        #: One timer for the deadlines of all slots. Two timers per exchange, as asyncio.timeout() would set, take 8 %
        #: more CPU over a poll of 2,000 unchanged feeds.
        self._timer: asyncio.TimerHandle | None = None

    def slot(self, target: Target, seconds: float = inf) -> Slot:
        """Return the slot of an exchange that may take so many seconds; to be entered as a context manager.

        Entering raises `HostSilent` or a `Failure`.
        """
        return Slot(self, self._host(target.name), seconds)

    @contextmanager
    def remembered(self, host: str, slots: int = 1, *, given_up: bool = False) -> Iterator[None]:
        """Remember a host while the block lasts, also between its exchanges.

        Args:
            slots: How many exchanges at a time the host allows.
            given_up: Whether the host is known not to respond.
        """
        memory = self._host(host)
        memory.users += 1
        while memory.slots < slots:
            memory.slots += 1
            memory.next.append(0.0)
            memory.lock.release()
        if given_up:
            memory.timeouts = _MOST_TIMEOUTS
        try:
            yield
        finally:
            memory.users -= 1

    def _host(self, name: str) -> _Host:
        host = self._hosts.get(name)
        if host is None:
            if len(self._hosts) >= self._many:
                self._forget()
            host = self._hosts[name] = _Host(name, gap_of(name, self._gap))
        return host

    def _forget(self) -> None:
        """Forget hosts that nobody requests any more, and silences that are over."""
        now, instant = asyncio.get_running_loop().time(), self._clock()
        self._hosts = {name: host for name, host in self._hosts.items() if host.users or max(host.next) > now}
        self._silences = {name: silence for name, silence in self._silences.items() if silence.until > instant}
        self._many = max(_MANY_HOSTS, 2 * len(self._hosts))

    def add_silences(self, silences: Iterable[Silence]) -> None:
        """Take notice of hosts that are silent."""
        for silence in silences:
            known = self._silences.get(silence.host)
            if known is None or known.until < silence.until:
                self._silences[silence.host] = silence

    async def wait_for_place(self) -> None:
        """Wait until fewer exchanges than `concurrency` are under way."""
        if self._places.locked():
            async with self._places:
                pass

    def silence_of(self, host: str) -> Silence | None:
        """Return the silence of a host, if the host is silent now."""
        silence = self._silences.get(host)
        return silence if silence is not None and silence.until > self._clock() else None

    @property
    def silences(self) -> Iterable[Silence]:
        """The silences that are known."""
        return self._silences.values()

    @property
    def given_up(self) -> frozenset[str]:
        """The hosts that are given up, as far as they are remembered."""
        return frozenset(name for name, host in self._hosts.items() if host.timeouts >= _MOST_TIMEOUTS)

    def note_response(self, first: Target, target: Target, status: int, fields: Fields) -> None:
        """Remember the silence that a response asks for; `first` is the target that redirects began at."""
        if silence := self._silence_rule(status, fields, target.name, target.name != first.name):
            self._silences[silence.host] = silence

    def _begin(self, slot: Slot) -> None:
        self._under_way.add(slot)
        self._watch(slot)

    def _watch(self, slot: Slot) -> None:
        first = min(slot.patience, slot.deadline)
        if self._timer is None or first < self._timer.when():
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_at(first, self._look)

    def _end(self, slot: Slot) -> None:
        self._under_way.remove(slot)
        if slot.patience < inf:
            self._places.release()
        self._sockets.release()

    def _look(self) -> None:
        """Take their places from exchanges that wait long for a response, and break off those at their deadline."""
        loop = asyncio.get_running_loop()
        now, first = loop.time(), inf
        for slot in self._under_way:
            if slot.patience <= now:
                slot.patience = inf
                self._places.release()
            if slot.deadline <= now:
                slot.break_off()
            first = min(first, slot.patience, slot.deadline)
        self._timer = loop.call_at(max(first, now + _TICK), self._look) if first < inf else None


class Slot:
    """Distinguishes its own cancelling of the task from the cancelling by others, as asyncio.timeout() does."""

    __slots__ = ("_broken_off", "_cancelling", "_host", "_limits", "_next", "_seconds", "_task", "deadline", "patience")

    _task: asyncio.Task[object]

    def __init__(self, limits: HostLimits, host: _Host, seconds: float) -> None:
        self._limits = limits
        self._host = host
        self._seconds = seconds
        self._broken_off = False
        #: When the next exchange of this slot may start.
        self._next = 0.0
        #: When the exchange is broken off, by the event loop's clock.
        self.deadline = inf
        #: When the place is handed on; infinite once that is done.
        self.patience = inf

    def break_off(self) -> None:
        self.deadline, self._broken_off = inf, True
        self._task.cancel()

    async def unhurried(self, waiting: Awaitable[object]) -> None:
        """Wait for something that is not the server's fault: the deadline is put off meanwhile."""
        loop = asyncio.get_running_loop()
        remaining, self.deadline = self.deadline - loop.time(), inf
        try:
            await waiting
        finally:
            self.deadline = loop.time() + remaining
            self._limits._watch(self)

    async def __aenter__(self) -> Slot:
        limits, host = self._limits, self._host
        loop = asyncio.get_running_loop()
        host.users += 1
        try:
            await host.lock.acquire()
        except BaseException:
            host.users -= 1
            raise
        try:
            if silence := limits.silence_of(host.name):
                raise HostSilent(silence)
            if host.timeouts >= _MOST_TIMEOUTS:
                cause = f"{host.name} did not respond to {_MOST_TIMEOUTS} requests in a row and is given up in this run"
                raise Failure(cause, AGAIN, connected=False)
            start = heappop(host.next)
            try:
                if (wait := start - loop.time()) > 0:
                    await limits._sleep(wait)
                await limits._sockets.acquire()
                try:
                    await limits._places.acquire()
                except BaseException:
                    limits._sockets.release()
                    raise
            except BaseException:
                heappush(host.next, start)
                raise
        except BaseException:
            host.lock.release()
            host.users -= 1
            raise
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()
        now = loop.time()
        self._next = now + host.gap
        self.deadline, self.patience = now + self._seconds, now + PATIENCE
        limits._begin(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._limits._end(self)
        heappush(self._host.next, self._next)
        self._host.lock.release()
        self._host.users -= 1
        broken_off = self._broken_off and self._task.uncancel() <= self._cancelling
        if broken_off and kind is asyncio.CancelledError:
            self._host.timeouts += 1
            raise TimeoutError from error
        if kind is None:
            self._host.timeouts = 0


def gap_of(host: str, gap: float | None) -> float:
    """Return the seconds between the starts of two requests to a host (C12)."""
    if gap is not None:
        return gap
    return 0.0 if is_loopback(host) else 1.0


def sockets(wanted: int) -> int:
    """Return how many sockets may be open at once, up to `wanted`, raising the soft limit of the process if need be.

    The soft limit protects old programs that use select() (256 on macOS); a process may raise it up to the hard limit.
    """
    wanted = min(wanted, _MOST_SOCKETS)
    needed = wanted + _SPARE + sum(1 for _ in Path("/dev/fd").iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError):  # macOS refuses what is beyond its own limit
        allowed = soft
    return max(1, wanted - (needed - allowed))
