"""The manual page `condget.1`, made from the words of `--help` when the wheel is built (see .ci/manual_page.py).

`python -m condget.cli.manual` prints it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

from condget import settings


def manual() -> str:
    """Return the manual page in the man macros of roff."""
    from typer.main import get_command

    from condget.cli.shell import EPILOG, app

    root = get_command(app)
    context = root.context_class(root, info_name="condget", **root.context_settings)
    summary, description = _parts(root.help)
    sections: list[str] = [
        f'.TH CONDGET 1 "" "condget {settings.__version__}" "User Commands"',
        ".SH NAME",
        f"condget \\- {_roff(summary.partition(':')[0][0].lower() + summary.partition(':')[0][1:])}",
        ".SH SYNOPSIS",
        "\\fBcondget\\fR [\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]...",
        ".SH DESCRIPTION",
        _roff(summary),
        *_text(description),
        ".SH OPTIONS",
        *_options(root, context),
        ".SH COMMANDS",
    ]
    for names, command in _commands(root, context, ()):
        sections += _command(names, command, context)
    sections += _epilog(EPILOG)
    sections += [".SH SEE ALSO", f"{_roff(settings.PROJECT_URL)}"]
    return "\n".join(sections) + "\n"


def _commands(group: Any, context: Any, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*names, name), command
        if hasattr(command, "list_commands"):
            yield from _commands(command, context, (*names, name))


def _command(names: tuple[str, ...], command: Any, parent: Any) -> Iterator[str]:
    context = command.context_class(command, info_name=" ".join(names), parent=parent)
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS condget {_roff(' '.join(names))} {_roff(usage)}"
    summary, rest = _parts(command.help)
    yield _roff(summary)
    yield from _text(rest)
    yield from _options(command, context)


def _options(command: Any, context: Any) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield ".TP"
            yield f"\\fB{_roff(record[0])}\\fR"
            yield _roff(" ".join(record[1].split())) or "\\&"


def _parts(text: str | None) -> tuple[str, str]:
    """Return the first line of a help text, and the rest."""
    first, _, rest = (text or "").strip().partition("\n")
    return first, rest


def _text(text: str) -> Iterator[str]:
    """Yield paragraphs; those under \\b keep their lines."""
    for paragraph in re.split(r"\n\s*\n", text):
        lines = [line.rstrip() for line in paragraph.strip("\n").splitlines()]
        if not any(lines):
            continue
        if lines[0].strip() == "\b":
            yield from (".PP", ".nf", *map(_roff, lines[1:]), ".fi")
        else:
            yield from (".PP", _roff(" ".join(line.strip() for line in lines)))


def _epilog(text: str) -> Iterator[str]:
    for block in text.split("\b\n"):
        title, _, lines = block.strip("\n").partition(":\n")
        if lines:
            yield from (f".SH {_roff(title.upper())}", ".nf", *map(_roff, lines.splitlines()), ".fi")


def _roff(text: str) -> str:
    """Return text as roff prints it, without a control line in it."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("\b", "")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped


if __name__ == "__main__":
    sys.stdout.write(manual())
