"""`condget watch`: polls each feed when it is due, until it is told to end.

A round is a `condget poll`, with the same guarantees (B7). The state is locked during a round only, so that other
commands can be used between two.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Annotated, Any

import typer

from condget import settings
from condget.cli.arguments import length
from condget.cli.output import say
from condget.cli.poll import poll
from condget.errors import CondgetError, StateLocked
from condget.polling.lists import read

#: Seconds between two looks at the lists.
_LOOK = 2.0
#: Seconds until a round that failed as a whole is tried again.
_RETRY = 60.0
#: The longest pause, in seconds: what is due may change by other commands.
_LONGEST = 300.0

#: Options of a single run.
_NOT_FOR_ROUNDS = {"dry_run", "exit_code", "force", "unconditional", "wait", "catch_up"}

Pause = Annotated[str, typer.Option(metavar="DURATION", help="Time from one round to the next, at least.")]


def watch(pause: str = "15s", **options: Any) -> int:
    """Poll each feed when it is due, until Ctrl-C or SIGTERM.

    It takes the options of `condget poll`. A list that is changed is read again. Requests
    under way at the end are repeated by the next poll.

    \b
    Examples:
      condget watch feeds.txt
    """
    shortest = length("--pause", pause)
    feeds: list[str] = options["feeds"]
    read(feeds)  # wrong usage ends the command before the first round
    complaint: str | None = None
    try:
        while True:
            lists, began = _signature(feeds), time.monotonic()
            wait = _RETRY
            try:
                if poll(**_unset(options)) in (130, 143):
                    raise KeyboardInterrupt
                complaint = ""  # before the lists are read once more: they may be incomplete while they are saved
                wait = _until_due(feeds, options.get("state"))
            except StateLocked:
                wait = shortest
            except CondgetError as error:
                if complaint is None:  # the first round shows whether the command makes sense at all
                    raise
                # A list that is being saved, a full disk: it may pass, and is said once until it changes.
                if str(error) != complaint:
                    complaint = str(error)
                    for sentence in complaint.splitlines():
                        say(sentence)
            _sleep(max(wait, shortest - (time.monotonic() - began)), feeds, lists)
    except KeyboardInterrupt as error:
        from condget.cli import exit_code

        code = exit_code(error)
        return 0 if code == 143 else code


def _unset(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a round: those that `watch` lacks keep the defaults of `poll`."""
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(poll).parameters.items()
        if parameter.default is not parameter.empty
    }
    return defaults | options


def _until_due(feeds: Sequence[str], state: str | None) -> float:
    """Return the seconds until a feed is due."""
    from condget.stores.opening import open_ledger_for_reading

    now = settings.clock()()
    subscriptions = [feed for feed in read(feeds).subscriptions if (feed.options.pause or 0) <= now]
    with open_ledger_for_reading(state) as ledger:
        due = ledger.due([subscription.key for subscription in subscriptions])
    first = min((plan.next_poll for plan in due.values() if not plan.gone), default=inf)
    # A feed that is due right after a round waits for something else, such as a host that asked for silence.
    return min(first - now, _LONGEST) if first > now else _RETRY


def _signature(feeds: Sequence[str]) -> list[tuple[int, int, int] | None]:
    """Return what tells whether lists were changed."""
    found: list[tuple[int, int, int] | None] = []
    for name in feeds:
        try:
            status = Path(name).stat()
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        except (OSError, ValueError):
            found.append(None)
    return found


def _sleep(seconds: float, feeds: Sequence[str], lists: list[tuple[int, int, int] | None]) -> None:
    """Wait so long, or until a list is changed."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _LOOK))
        if _signature(feeds) != lists:
            return


def _with_options_of_poll() -> None:
    """Give `watch` the options of `poll`, which Typer reads from its signature."""
    own = inspect.Parameter("pause", inspect.Parameter.KEYWORD_ONLY, default="15s", annotation=Pause)
    taken = [
        parameter
        for parameter in inspect.signature(poll, eval_str=True).parameters.values()
        if parameter.name not in _NOT_FOR_ROUNDS
    ]
    parameters = [*taken, own]
    watch.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
    watch.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters} | {"return": int}


_with_options_of_poll()
