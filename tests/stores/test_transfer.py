"""Feed states as JSON Lines: what is exported, and which lines are refused. The contract of ledgers has the way there
and back.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from condget.errors import UsageError
from condget.feeds.values import HostHold, Outcome
from condget.stores.memory_ledger import MemoryLedger
from condget.stores.transfer import SCHEMA, Imported, export_state, import_state
from tests.stores.ledger_contract import NOW, STATE, URL, entry, outcome


def test_a_line_holds_a_feed_with_its_entries_or_the_silence_of_a_host() -> None:
    ledger = MemoryLedger()
    ledger.commit([replace(outcome(), seen=(entry("a"),), hold=HostHold("example.org", NOW, "held"))])
    feed, hold = map(json.loads, export_state(ledger))
    assert (feed["schema"], hold["schema"]) == (SCHEMA, SCHEMA)
    assert feed["feed"] == {"url": URL, "last_polled": NOW, "next_poll": NOW + 3600}
    assert feed["seen"] == [["a", "f" * 32, NOW, NOW]]
    assert hold["hold"] == {"host": "example.org", "until": NOW, "reason": "held"}


def test_an_empty_export_imports_nothing() -> None:
    ledger = MemoryLedger()
    assert list(export_state(ledger)) == []
    assert import_state(ledger, ["", "  "]) == Imported(taken=0, left=0)


def test_what_was_polled_here_as_late_stays() -> None:
    here, there = MemoryLedger(), MemoryLedger()
    here.commit([outcome(title="here")])
    there.commit([Outcome(URL, "changed", state=replace(STATE, last_polled=NOW))])
    assert import_state(here, export_state(there)) == Imported(taken=0, left=1)
    assert here.load([URL])[URL].title == "here"


def test_of_many_bad_lines_the_first_are_named() -> None:
    with pytest.raises(UsageError, match=r"line 1: .*; line 5: .* and 3 more. Nothing was imported"):
        import_state(MemoryLedger(), ["junk"] * 8)
