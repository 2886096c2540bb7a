"""Shared by tests of the poller: feeds as bytes, a clock that is set by hand, and a run against a ledger in memory."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from condget.feeds.documents import parse
from condget.feeds.subscriptions import parse_list
from condget.feeds.values import NO_RECALL, Document, Outcome, Recall
from condget.polling import RunOptions, poll
from condget.polling.executors import InProcess
from condget.polling.parser_process import Parser
from condget.stores.memory_ledger import MemoryLedger
from condget.stores.protocols import Ledger
from tests.origin import Origin, RawRequest

HOUR = 3600.0
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
NOON = 1_767_268_800.0  # 2026-01-01 12:00:00Z, a Thursday


def rss(*numbers: int, title: str = "Tea", extra: str = "") -> bytes:
    """A feed with these entries."""
    items = "".join(
        f"<item><guid>id-{n}</guid><title>Entry {n}</title><link>https://example.org/{n}</link></item>" for n in numbers
    )
    return f"<rss version='2.0'><channel><title>{title}</title>{extra}{items}</channel></rss>".encode()


class Inline(Parser):
    """Parses without a child process, whose start would be most of the time of a test."""

    def __init__(self) -> None:
        pass

    async def parse(
        self,
        content: bytes,
        content_type: str | None,
        location: str,
        recall: Recall = NO_RECALL,
        *,
        seconds: float | None = None,
    ) -> Document:
        return parse(content, content_type, location, recall)

    async def aclose(self) -> None:
        pass


@dataclass
class Poller:
    """Polls lists of feeds, as a user does from time to time."""

    now: float = NOON
    ledger: Ledger = field(default_factory=MemoryLedger)
    slept: list[float] = field(default_factory=list)

    def __call__(
        self, *lines: str, after: float = 0, force: bool = True, run_options: RunOptions | None = None
    ) -> list[Outcome]:
        """Poll these lines of a list; `after` so many seconds."""
        self.now += after
        executor = InProcess(lambda: self.now, sleep=self._sleep, parser=Inline)
        subscriptions = parse_list("\n".join(lines), "feeds.txt")
        run_options = run_options or RunOptions(force=force)
        return list(
            poll(subscriptions, self.ledger, run_options=run_options, clock=lambda: self.now, executor=executor)
        )

    def one(self, line: str, after: float = 0, force: bool = True, run_options: RunOptions | None = None) -> Outcome:
        """Poll one feed, which is due."""
        (outcome,) = self(line, after=after, force=force, run_options=run_options)
        return outcome

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def titles(outcome: Outcome) -> Sequence[str | None]:
    return [entry.title for entry in outcome.entries]


def conditions(request: RawRequest) -> dict[str, str]:
    """The conditional fields of a request; each at most once (A6)."""
    named = [(name.lower(), value) for name, value in request.fields if name.lower().startswith("if-")]
    assert len(dict(named)) == len(named)
    return dict(named)


def sent(origin: Origin, path: str = "/feed") -> list[dict[str, str]]:
    return [conditions(request) for request in origin.requests_for(path)]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return int(closed.getsockname()[1])
