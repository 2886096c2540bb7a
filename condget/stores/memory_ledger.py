"""A `Ledger` in memory, for tests and for library use without a file. Behaves as the SQLite one does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from condget.feeds.pace import CLOCK_SLACK, Due, set_back
from condget.feeds.values import FeedState, HostHold, Outcome, SeenEntry


class MemoryLedger:
    def __init__(self) -> None:
        self._states: dict[str, FeedState] = {}
        self._seen: dict[str, dict[str, SeenEntry]] = {}
        self._holds: dict[str, tuple[HostHold, float | None]] = {}

    def due(self, urls: Sequence[str]) -> Mapping[str, Due]:
        return {url: Due(state.next_poll, state.reason, state.gone) for url, state in self.load(urls).items()}

    def holds(self) -> Mapping[str, HostHold]:
        return {host: hold for host, (hold, _) in self._holds.items()}

    def urls(self) -> Sequence[str]:
        return sorted(self._states)

    def moves(self) -> Mapping[str, str]:
        return {state.moved_to: url for url, state in self._states.items() if state.moved_to is not None}

    def load(self, urls: Sequence[str]) -> Mapping[str, FeedState]:
        return {url: self._states[url] for url in urls if url in self._states}

    def seen(self, url: str) -> Mapping[str, SeenEntry]:
        return dict(self._seen.get(url, {}))

    def last_reached(self) -> float:
        return max((state.last_polled or 0.0 for state in self._states.values()), default=0.0)

    def commit(self, outcomes: Iterable[Outcome]) -> None:
        # All of them first: if the iterable raises, nothing is written.
        for outcome in list(outcomes):
            self._write(outcome)

    def _write(self, outcome: Outcome) -> None:
        state, hold = outcome.state, outcome.hold
        if hold is not None and (hold.host not in self._holds or hold.until > self._holds[hold.host][0].until):
            self._holds[hold.host] = (hold, None if state is None else state.last_polled)
        if state is None:
            return
        self._states[outcome.url] = state
        entries = self._seen.setdefault(outcome.url, {})
        for key in outcome.forget:
            entries.pop(key, None)
        entries.update((entry.key, entry) for entry in outcome.seen)

    def forget(self, urls: Iterable[str]) -> int:
        known = [url for url in urls if url in self._states]
        for url in known:
            del self._states[url]
            self._seen.pop(url, None)
        return len(known)

    def set_back(self, now: float) -> float:
        by = self.last_reached() - now
        if by < CLOCK_SLACK:
            return 0.0
        for url, state in self._states.items():
            if state.last_polled is not None and state.last_polled > now:
                next_poll, last, reason = set_back(state.next_poll, state.last_polled, by=by, now=now)
                reason = state.reason if state.gone else reason  # no clock has a part in a 410
                self._states[url] = replace(state, next_poll=next_poll, last_polled=last, reason=reason)
        for host, (hold, since) in self._holds.items():
            if since is not None and since > now:
                self._holds[host] = (replace(hold, until=hold.until - by), since - by)
        return by

    def reserve(self, feeds: int) -> None:
        """Nothing to do: memory is not taken beforehand."""

    def is_shared(self) -> bool:
        return False

    def hold_hosts(self, hosts: Iterable[str]) -> frozenset[str]:
        return frozenset(hosts)

    def on_loss(self, stop: Callable[[], None]) -> None:
        """Nothing to do: nobody else uses it."""

    def take_notices(self) -> Sequence[str]:
        return ()

    def close(self) -> None:
        """Do nothing: the memory lives as long as the object."""
