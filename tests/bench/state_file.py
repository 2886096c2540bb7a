"""The cost of the state file: `python -m tests.bench.state_file FOLDER FEEDS` prints seconds as JSON.

The last two figures are to be compared.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from condget.cache.fields import Fields
from condget.cache.messages import StoredResponse
from condget.feeds.values import FeedState, Outcome
from condget.stores.ledger import SqliteLedger

DUE = 10_000


def outcome(number: int, now: float = 0) -> Outcome:
    url = f"https://{number}.example.org/feed.xml"
    fields = Fields((("ETag", f'"{number}"'), ("Last-Modified", "Sat, 26 Apr 2025 10:00:00 GMT")))
    stored = StoredResponse(url=url, status=200, fields=fields, request_time=0, response_time=0)
    state = FeedState(
        url, stored=stored, chain=(url,), title=f"Feed {number}", digest=f"{number:032x}", last_polled=now,
        next_poll=now + 3600, interval=3600, reason="every hour, as it changes about that often",
    )  # fmt: skip
    return Outcome(url, "unchanged", state)


def seconds(
    function: Callable[[Any], object], argument: object, prepared: Callable[[], object] = lambda: None
) -> float:
    """Return CPU seconds, the best of five: the load of the machine is not of interest."""
    took = []
    for _ in range(5):
        prepared()
        started = time.process_time()
        function(argument)
        took.append(time.process_time() - started)
    return min(took)


def main(folder: Path, feeds: int) -> None:
    took: dict[str, float] = {}
    loads: dict[str, float] = {}
    for size in (DUE, feeds):
        with closing(SqliteLedger(folder / f"{size}.sqlite3")) as ledger:
            ledger.commit(outcome(number) for number in range(size))
            again = [outcome(number, 3600) for number in range(DUE)]
            urls = [outcome(number).url for number in range(size)]
            # A poll has loaded what it commits.
            load = partial(ledger.load, urls[:DUE])
            took[f"{DUE:,} outcomes committed, of {size:,} feeds known"] = seconds(ledger.commit, again, load)
            took[f"all {size:,} looked up, whether due"] = seconds(ledger.due, urls)
            loads[f"1,000 due loaded, of {size:,} feeds known"] = seconds(ledger.load, urls[:: size // 1000])
    print(json.dumps(took | loads))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
