"""Persistence: `Store` for stored responses, `Ledger` for feed states. SQLite by default, memory for tests."""
