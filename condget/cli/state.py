"""`condget state ...`: what the poller remembers, as JSON Lines to copy, to move and to keep."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from condget.cli.arguments import State
from condget.cli.output import put_json, say

app = typer.Typer(
    name="state",
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="""Copy what the poller remembers, or move it to another machine.

    \b
    Examples:
      condget state export > state.jsonl
      condget state import state.jsonl
    """,
)


@app.command("export")
def export(state: State = None) -> None:
    """Print the state: validators, seen entries, schedule; no secrets.

    It can be used while a poll runs.

    \b
    Examples:
      condget state export > state.jsonl
    """
    from condget.stores.opening import open_ledger_for_reading
    from condget.stores.transfer import export_state

    with open_ledger_for_reading(state) as ledger:
        for line in export_state(ledger):
            put_json(line)


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What `export` printed; - for stdin.")],
    state: State = None,
    wait: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="Wait that long for another run to end.")] = 0.0,
) -> None:
    """Take an exported state over.

    A feed that was polled here since then stays as it is.

    \b
    Examples:
      condget state import state.jsonl
    """
    from condget.stores.opening import open_ledger
    from condget.stores.transfer import import_state

    data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    with open_ledger(state, wait=wait) as ledger:
        taken = import_state(ledger, data.decode("utf-8", "replace").split("\n"))
        notices = ledger.take_notices()
    for notice in notices:
        say(notice)
    say(f"{taken.taken} feeds taken over, {taken.left} left as they are")
