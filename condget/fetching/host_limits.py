"""Whose turn it is: one request at a time per host with a gap between starts (C12), none to a host that asked for
silence (C6, RFC 6585 §4), and so many under way at once. A turn is taken for every hop, redirects included.

Who waits for a host holds nobody else up; and who waits long for an answer hands its slot on, so that hosts which
never answer cost the rest moments, not deadlines. What bounds those is the number of sockets that may be open.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from types import TracebackType

from condget import settings
from condget.cache.fields import Fields
from condget.errors import FetchError
from condget.feeds.pace import Pace
from condget.feeds.schedule import after_failure
from condget.feeds.values import FeedState, HostHold
from condget.fetching.targets import Target, is_loopback

Sleep = Callable[[float], Awaitable[None]]

#: Seconds after which an exchange counts no longer as one of those at once.
_PATIENCE = 2.0
#: Seconds between two looks at what is under way, at least.
_TICK = 0.02
_MOST_SOCKETS = 4_096
#: File descriptors beside those that are open already: children of the parser, the state file, look-ups.
_SPARE = 64


class HostSilent(FetchError):
    """A host that asked for silence was not asked."""

    def __init__(self, hold: HostHold) -> None:
        super().__init__(hold.reason)
        self.hold = hold
        #: The URLs that were asked before.
        self.chain: tuple[str, ...] = ()


@dataclass(slots=True)
class _Host:
    name: str
    gap: float
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    #: When the next request may start, by the event loop's clock.
    next: float = 0.0


class HostLimits:
    """The turns of one run; `hosts` is how many will be asked, as far as is known."""

    def __init__(
        self,
        clock: settings.Clock,
        *,
        concurrency: int = 500,
        gap: float | None = None,
        pace: Pace | None = None,
        holds: Iterable[HostHold] = (),
        hosts: int = 1,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._gap = gap
        self._pace = pace or Pace()
        self._sleep = sleep
        self._holds = {hold.host: hold for hold in holds}
        self._hosts: dict[str, _Host] = {}
        most = sockets(max(hosts, concurrency))
        self._sockets = asyncio.Semaphore(most)
        self._slots = asyncio.Semaphore(min(concurrency, most))
        self._under_way: set[_Turn] = set()
        #: For all of them: thousands of timers would cost more than what they are for.
        self._timer: asyncio.TimerHandle | None = None

    def of(self, target: Target, seconds: float = inf) -> _Turn:
        """Return the turn of a request, to be entered for as long as it takes.

        Entering raises `Held`. A turn that takes longer than that many seconds is broken off with a TimeoutError; the
        time of waiting for it does not count.
        """
        name = target.name
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = _Host(name, gap_of(name, self._gap))
        return _Turn(self, host, seconds)

    async def room(self) -> None:
        """Wait until a slot is free."""
        if self._slots.locked():
            async with self._slots:
                pass

    def _begin(self, turn: _Turn) -> None:
        self._under_way.add(turn)
        first = min(turn.patience, turn.deadline)
        if self._timer is None or first < self._timer.when():
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_at(first, self._look)

    def _end(self, turn: _Turn) -> None:
        self._under_way.remove(turn)
        if turn.patience < inf:
            self._slots.release()
        self._sockets.release()

    def _look(self) -> None:
        """Take their slots from turns that wait long for an answer, and break off those at their deadline."""
        loop = asyncio.get_running_loop()
        now, first = loop.time(), inf
        for turn in self._under_way:
            if turn.patience <= now:
                turn.patience = inf
                self._slots.release()
            if turn.deadline <= now:
                turn.break_off()
            first = min(first, turn.patience, turn.deadline)
        self._timer = loop.call_at(max(first, now + _TICK), self._look) if first < inf else None

    def held(self, host: str) -> HostHold | None:
        """Return the hold on a host, if there is one now."""
        hold = self._holds.get(host)
        return hold if hold is not None and hold.until > self._clock() else None

    def heed(self, target: Target, status: int, fields: Fields) -> None:
        """Take note of an answer that asks for silence; what it means is the schedule's to say."""
        if status == 429:
            host, now = target.name, self._clock()
            due = after_failure(FeedState(target.url), host, status, fields, pace=self._pace, now=now)
            if due.hold is not None:
                self._holds[host] = due.hold


class _Turn:
    """As asyncio.timeout() does, it tells its own cancelling of the task from that of others."""

    __slots__ = ("_broken_off", "_cancelling", "_host", "_seconds", "_task", "_turns", "deadline", "patience")

    _task: asyncio.Task[object]

    def __init__(self, turns: HostLimits, host: _Host, seconds: float) -> None:
        self._turns = turns
        self._host = host
        self._seconds = seconds
        self._broken_off = False
        #: When it is broken off, by the event loop's clock.
        self.deadline = inf
        #: When its slot is handed on; infinite once that is done.
        self.patience = inf

    def break_off(self) -> None:
        self.deadline, self._broken_off = inf, True
        self._task.cancel()

    async def __aenter__(self) -> None:
        turns, host = self._turns, self._host
        loop = asyncio.get_running_loop()
        await host.lock.acquire()
        try:
            if hold := turns.held(host.name):
                raise HostSilent(hold)
            if (left := host.next - loop.time()) > 0:
                await turns._sleep(left)
            await turns._sockets.acquire()
            try:
                await turns._slots.acquire()
            except BaseException:
                turns._sockets.release()
                raise
        except BaseException:
            host.lock.release()
            raise
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()
        now = loop.time()
        host.next = now + host.gap
        self.deadline, self.patience = now + self._seconds, now + _PATIENCE
        turns._begin(self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._turns._end(self)
        self._host.lock.release()
        broken_off = self._broken_off and self._task.uncancel() <= self._cancelling
        if broken_off and kind is asyncio.CancelledError:
            raise TimeoutError from error


def gap_of(host: str, gap: float | None) -> float:
    """Return the seconds between the starts of two requests to a host (C12)."""
    if gap is not None:
        return gap
    return 0.0 if is_loopback(host) else 1.0


def sockets(wanted: int) -> int:
    """Return how many sockets may be open at once, up to `wanted`; the system is asked for more where it has to be.

    A soft limit is what old programs with select() can bear (256 on macOS); up to the hard one it is ours to raise.
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
