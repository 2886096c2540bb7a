"""A `Ledger` in memory, for tests and for library use without a file. Behaves as the SQLite one does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf
from operator import itemgetter

from condget.feeds.pace import CLOCK_SLACK, Due, set_back
from condget.feeds.values import FeedState, HostHold, Outcome, SeenEntry
from condget.stores.protocols import EnrolledFeed
from condget.urls import canonical


class MemoryLedger:
    def __init__(self) -> None:
        self._states: dict[str, FeedState] = {}
        self._seen: dict[str, dict[str, SeenEntry]] = {}
        self._holds: dict[str, tuple[HostHold, float | None]] = {}
        #: Source, remark and feeds of the lists that are enrolled, by their digests.
        self._lists: dict[str, tuple[str, str, dict[str, EnrolledFeed]]] = {}

    def due(self, urls: Sequence[str]) -> Mapping[str, Due]:
        return {url: Due(state.next_poll, state.reason, state.gone) for url, state in self.load(urls).items()}

    def holds(self) -> Mapping[str, HostHold]:
        return {host: hold for host, (hold, _) in self._holds.items()}

    def urls(self) -> Sequence[str]:
        return sorted(self._states)

    def moves(self, urls: Sequence[str]) -> Mapping[str, str]:
        wanted = set(urls)
        return {state.moved_to: url for url, state in self._states.items() if state.moved_to in wanted}

    def spellings(self) -> Mapping[str, str]:
        return {form: url for url in self._states if (form := canonical(url)) != url}

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

    def release_hosts(self, hosts: Iterable[str]) -> None:
        """Do nothing: there is no other run."""

    def enrolment(self, digest: str) -> str | None:
        return self._lists[digest][1] if digest in self._lists else None

    def enrol(self, digest: str, source: str, feeds: Iterable[EnrolledFeed], remark: Callable[[], str]) -> int:
        first: dict[str, EnrolledFeed] = {}
        for feed in feeds:
            first.setdefault(feed.key, feed)
        for former in [name for name, (of_source, _, _) in self._lists.items() if of_source == source]:
            del self._lists[former]
        self._lists[digest] = source, remark(), first
        return len(first)

    def portions(
        self, digest: str, feeds: int, not_due: tuple[float, float] | None = None
    ) -> Iterator[Sequence[EnrolledFeed]]:
        hosts: dict[str, int] = {}
        for feed in self._in_order(digest, not_due):
            hosts[feed.host] = hosts.get(feed.host, 0) + 1
        chosen: list[str] = []
        for host in hosts:
            chosen.append(host)
            if sum(map(hosts.__getitem__, chosen)) >= feeds or host == next(reversed(hosts)):
                due = {feed.key for feed in self._in_order(digest, not_due)}
                found = [feed for feed in self._listed(digest).values() if feed.key in due and feed.host in chosen]
                if found:
                    yield sorted(found, key=lambda feed: chosen.index(feed.host))
                chosen = []

    def overdue(self, digest: str, feeds: int, not_due: tuple[float, float]) -> Iterator[Sequence[EnrolledFeed]]:
        found = self._in_order(digest, not_due)
        for start in range(0, len(found), feeds):
            yield found[start : start + feeds]

    def enrolled(self, digest: str, keys: Iterable[str]) -> Mapping[str, bool]:
        listed = self._listed(digest)
        return {key: listed[key].is_open for key in keys if key in listed}

    def enrolled_at(self, digest: str, hosts: Iterable[str]) -> Iterator[str]:
        wanted = set(hosts)
        return (feed.key for feed in self._listed(digest).values() if feed.host in wanted and feed.is_open)

    def _listed(self, digest: str) -> Mapping[str, EnrolledFeed]:
        return self._lists[digest][2] if digest in self._lists else {}

    def _in_order(self, digest: str, not_due: tuple[float, float] | None) -> list[EnrolledFeed]:
        """Return the feeds that may be due, those that are overdue longest first."""
        found: list[tuple[float, EnrolledFeed]] = []
        for feed in self._listed(digest).values():
            state = self._states.get(feed.key)
            due = inf if state is not None and state.gone else 0.0 if state is None else state.next_poll
            if not_due is None or (due != inf and not not_due[0] < due <= not_due[1]):
                found.append((due, feed))
        return [feed for _, feed in sorted(found, key=itemgetter(0))]

    def take_notices(self) -> Sequence[str]:
        return ()

    def close(self) -> None:
        """Do nothing: the memory lives as long as the object."""
