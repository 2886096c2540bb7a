"""The output of commands for programs: JSON Lines, an object a line, whose `schema` names its set of keys.

Keys may be added under the same name; none is removed or changes its meaning. Instants are ISO 8601 in UTC, lengths of
time are seconds, and what is not known is null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated

import typer

from condget.cli.output import put_json
from condget.errors import UsageError

_NAMES = ("text", "jsonl")

Format = Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help=f"How to print: {', '.join(_NAMES)}.")]


def is_jsonl(name: str) -> bool:
    """Whether a `--format` is that for programs.

    Raises:
        UsageError: there is no such format.
    """
    if name not in _NAMES:
        raise UsageError(f'there is no format "{name}"; choose one of {", ".join(_NAMES)}')
    return name == "jsonl"


def put_record(schema: str, members: Mapping[str, object]) -> None:
    """Print one object."""
    put_json(json.dumps({"schema": schema, **members}))
