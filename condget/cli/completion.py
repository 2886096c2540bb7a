"""The words that a shell offers behind a command: the feeds that are known, the formats."""

from __future__ import annotations

import typer


def feeds(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the feeds that the poller knows, by the beginning of their URLs."""
    from condget.errors import CondgetError
    from condget.shown import address
    from condget.stores.opening import open_ledger_for_reading

    try:
        with open_ledger_for_reading(ctx.params.get("state")) as ledger:
            urls = ledger.urls()
    except (CondgetError, OSError):  # a shell that waits for words shows no errors
        return []
    found = [address(url.partition("#user=")[0]) for url in urls]
    if incomplete.startswith("//"):  # bash parts words at a colon
        found = [url.partition(":")[2] for url in found]
    return [url for url in found if url.startswith(incomplete)]


def feeds_behind_a_colon(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the rest of the URLs of feeds where bash has parted one; else nothing, so that it offers files."""
    return feeds(ctx, incomplete) if incomplete.startswith("//") else []


def formats(incomplete: str) -> list[str]:
    """Return the formats of reports."""
    from condget.reports import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]
