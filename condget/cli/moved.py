"""`condget moved`: the feeds that moved for good, as a diff of the list, which can be applied."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING, Annotated

import typer

from condget.cli.arguments import State
from condget.cli.list_files import open_list
from condget.cli.output import put, say

if TYPE_CHECKING:
    from collections.abc import Iterator


def moved(
    feeds: Annotated[list[str], typer.Argument(metavar="FEEDS...", help="Lists of feeds (a URL per line, or OPML).")],
    apply: Annotated[
        bool, typer.Option("--apply", help="Edit the lists; comments, order, encoding and line ends stay.")
    ] = False,
    state: State = None,
) -> None:
    """Show which feeds moved for good, as a diff of the list.

    A poll remembers permanent redirects (301, 308) and sends requests to the new URL. This command brings the list up
    to date. It sends no request. The new URL keeps all that is remembered of the feed.

    \b
    Examples:
      condget moved feeds.txt
      condget moved --apply feeds.txt
    """
    from condget.feeds.list_editing import follow_moves
    from condget.feeds.subscriptions import read_list
    from condget.stores.opening import open_ledger_for_reading

    edits = []
    with open_ledger_for_reading(state) as ledger:
        for name in feeds:
            file = open_list(name)
            keys = [subscription.key for subscription in read_list(file.data, name).subscriptions]
            states = ledger.load(keys)
            moves = {key: known.moved_to for key, known in states.items() if known.moved_to is not None}
            edits.append((file, follow_moves(file.data, name, moves)))
    for file, moves_of_file in edits:
        for line in _diff(file.name, file.data, moves_of_file.data):
            put(line)
        for sentence in moves_of_file.kept:
            say(sentence)
        if apply and moves_of_file.data != file.data:
            file.replace(moves_of_file.data)


def _diff(name: str, before: bytes, after: bytes) -> Iterator[str]:
    """Yield the lines of a unified diff; passwords and the values of headers are left out."""
    from condget.feeds.list_editing import without_secrets
    from condget.feeds.subscriptions import list_text

    old, new = (without_secrets(list_text(data)).splitlines() for data in (before, after))
    for line in unified_diff(old, new, name, name, lineterm="", n=1):
        yield line.rstrip()
