"""The poller: conditional requests for many feeds, politely.

    plan           due, not silent, not moved to another feed of the list    planning, jobs    reads the ledger
      | Batch      jobs by host                                              batch             picklable
    executor       the worker's event loop in a thread of its own,           executors
                   or workers of a pool: batches cut by host                 batches, dispatch, tasks, pooled
      | worker     one feed per host at a time: fetch, then parse            worker            parser_process ~> child
      | Polled     response, document or error                               batch             picklable
    run            compare with what is remembered                           outcomes          pure
      | Outcome    yielded, delivered by the caller, then committed          coordinator       writes the ledger

from condget.feeds.subscriptions import parse_list
from condget.polling import poll
from condget.stores.memory_ledger import MemoryLedger

for outcome in poll(parse_list("https://example.org/feed.xml", "feeds.txt"), MemoryLedger()):
    print(outcome.status, outcome.url, len(outcome.entries))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from condget.polling.coordinator import poll, run
    from condget.polling.planning import Plan, begin, plan
    from condget.polling.run_options import RunOptions

# Imported when first used: the child processes of `parser_process` import this package, too.
_HOMES = {
    "RunOptions": "condget.polling.run_options",
    "Plan": "condget.polling.planning",
    "begin": "condget.polling.planning",
    "plan": "condget.polling.planning",
    "poll": "condget.polling.coordinator",
    "run": "condget.polling.coordinator",
}

__all__ = ["Plan", "RunOptions", "begin", "plan", "poll", "run"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
