"""`condget import` and `condget export`: lists of feeds from OPML to text and back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from condget.cli.arguments import State
from condget.cli.output import say, write
from condget.errors import SubscriptionError


def import_opml(
    file: Annotated[str, typer.Argument(metavar="OPML", help="The list of another reader; - for stdin.")],
) -> None:
    """Print OPML as a list of feeds, a URL per line.

    Folders become headings (## Folder), titles become names. Feeds that are not HTTP become comments.

    \b
    Examples:
      condget import subscriptions.opml > feeds.txt
    """
    from condget.feeds.list_conversion import text_of_opml

    write(text_of_opml(_content(file), _name(file)))


def export_opml(
    file: Annotated[str, typer.Argument(metavar="LIST", help="A list of feeds, a URL per line; - for stdin.")],
    state: State = None,
) -> None:
    """Print a list of feeds as OPML.

    Headings (## Folder) become folders. Names and titles become texts, options become attributes.

    \b
    Examples:
      condget export feeds.txt > feeds.opml
    """
    from condget.feeds.list_conversion import opml_of_text
    from condget.feeds.list_editing import without_secrets
    from condget.feeds.subscriptions import list_text, read_list
    from condget.stores.opening import open_ledger_for_reading

    data = _content(file)
    if list_text(data).lstrip("\ufeff \t\r\n").startswith("<"):
        raise SubscriptionError(f"{_name(file)} is markup already; `condget import` reads OPML")
    subscriptions = read_list(data, _name(file)).subscriptions
    with open_ledger_for_reading(state) as ledger:
        states = ledger.load([subscription.key for subscription in subscriptions])
    titles = {
        subscription.url: title
        for subscription in subscriptions
        if (known := states.get(subscription.key)) and (title := known.title)
    }
    write(opml := opml_of_text(data, _name(file), titles))
    if without_secrets(opml) != opml:
        say("the list holds passwords or headers, and so does the OPML; look through it before you share it")


def _content(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise SubscriptionError(f"the list {file} cannot be read ({error.strerror})") from None


def _name(file: str) -> str:
    return "stdin" if file == "-" else file
