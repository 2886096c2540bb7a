"""Work on any store that can be looked into: delete by URL, host or age; export; import."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator

from condget.errors import StoreError, UsageError
from condget.stores.abilities import ManagedStore
from condget.stores.records import from_head, to_head

_EXPORT_SCHEMA = "condget.cache/1"


def delete(
    store: ManagedStore,
    url: str | None = None,
    *,
    host: str | None = None,
    older_than: float | None = None,
    now: float,
) -> int:
    """Delete the stored responses that meet all conditions given, and return how many they were.

    Args:
        store: The store.
        url: Those of that URL.
        host: Those of that host.
        older_than: Those that were received, or last validated, more than so many seconds before `now`.
        now: The present instant in POSIX seconds.

    Raises:
        UsageError: no condition was given; `clear` deletes all.
    """
    if url is None and host is None and older_than is None:
        raise UsageError("Say what to delete: a URL, a host or an age; or clear the whole cache.")
    limit = None if older_than is None else now - older_than
    doomed = [stored for stored in store.responses(url=url, host=host) if limit is None or stored.response_time < limit]
    store.discard(doomed)
    return len(doomed)


def export(store: ManagedStore) -> Iterator[str]:
    """Yield every stored response as a line of JSON, its content in base64."""
    for stored in store.responses():
        content = base64.b64encode(b"".join(store.content(stored))).decode("ascii")
        yield json.dumps({"schema": _EXPORT_SCHEMA, "head": to_head(stored), "content": content})


def import_(store: ManagedStore, lines: Iterable[str]) -> int:
    """Store the responses that `export` wrote, and return how many they were.

    A stored response that was received later than its like stays.

    Raises:
        UsageError: a line is not of that form; its number is in the text. The lines before it are stored.
    """
    count = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            if record["schema"] != _EXPORT_SCHEMA:
                raise ValueError(f"schema {record['schema']!r}")
            stored = from_head(record["head"])
            content = base64.b64decode(record["content"], validate=True)
        except (ValueError, KeyError, TypeError, StoreError) as error:
            raise UsageError(
                f"Line {number} is not a stored response ({error}); the lines before it were imported."
            ) from error
        alike = [
            old
            for old in store.load(stored.url, stored.partition)
            if (old.selecting, old.first_byte) == (stored.selecting, stored.first_byte)
        ]
        if all(old.response_time <= stored.response_time for old in alike):
            writer = store.writer(stored, alike)
            writer.write(content)
            writer.commit()
            count += 1
    return count
