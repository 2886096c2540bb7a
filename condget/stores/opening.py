"""Opens the ledger that a location names. The one place that knows which store is meant."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from condget import settings
from condget.errors import UsageError

if TYPE_CHECKING:
    from condget.stores.protocols import Ledger, LedgerReader

#: The name of a state: a path, or a URL whose scheme chooses the store; None: the user's own file.
Location = str | os.PathLike[str] | None


@contextlib.contextmanager
def open_ledger(
    location: Location = None, *, wait: float = 0, alone: bool = True, clock: settings.Clock = time.time
) -> Iterator[Ledger]:
    """Open a ledger to write to it; the block holds its lock.

    Args:
        location: A path or a URL; None: the user's own state file.
        wait: How many seconds to wait for another run to end.
        alone: Wait also for runs that hold some hosts only (see `Ledger.hold_hosts`).
        clock: Gives the present instant.

    Raises:
        StateLocked: another run still holds it; the text says which pid and since when.
        ForeignFile: it names a file that is not a state file of condget.
        StoreError: it cannot be used.
        UsageError: it is a URL of an unknown scheme.
    """
    from condget.stores.ledger import SqliteLedger
    from condget.stores.lock import lock

    path = _path(location)
    with lock(path, wait, alone=alone, clock=clock) as held, SqliteLedger(path, lock=held, clock=clock) as ledger:
        yield ledger


@contextlib.contextmanager
def open_ledger_for_reading(location: Location = None) -> Iterator[LedgerReader]:
    """Open a ledger to read it, also while a run writes to it; nothing is created or changed.

    Raises:
        StoreError: it cannot be read.
        UsageError: it is a URL of an unknown scheme.
    """
    from condget.stores.ledger_reader import SqliteLedgerReader

    with SqliteLedgerReader(_path(location)) as reader:
        yield reader


def _path(location: Location) -> Path:
    if location is None:
        return settings.state_path()
    if scheme := re.match(r"([a-z][a-z0-9+.-]*)://", os.fspath(location)):
        raise UsageError(f"The state {location} cannot be opened: condget knows no store for {scheme[1]}; name a file.")
    return Path(location)
