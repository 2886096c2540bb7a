"""The ledger in memory keeps the contract of ledgers."""

from __future__ import annotations

import pytest

from condget.stores.memory_ledger import MemoryLedger
from tests.stores.ledger_contract import EnrollingLedgerContract


class TestMemoryLedger(EnrollingLedgerContract):
    @pytest.fixture
    def empty(self) -> MemoryLedger:
        return MemoryLedger()

    @pytest.fixture
    def second(self) -> MemoryLedger:
        return MemoryLedger()
