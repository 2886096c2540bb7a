"""The Typer app: a group of commands that are imported when they are used, and the exit codes in its help."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from condget.cli import COMMANDS, exit_code
from condget.cli.configuration import Request, configured, split_options
from condget.cli.help import SectionedCommand
from condget.cli.output import prepare, put
from condget.settings import __version__

EPILOG = """\b
Exit codes:
  0    done (for poll: also when nothing was due)
  1    something failed: a feed, a request, a file
  2    wrong usage, or a list that cannot be read or lists no feed
  3    news (poll --exit-code)
  75   another run holds the state; try again later
  130  interrupted (143: terminated, 141: the reader of the output went away)
\b
Environment:
  CONDGET_FEEDS, CONDGET_STATE, CONDGET_POLL_FORMAT and so on
                       defaults of arguments and options, as in condget.toml
  CONDGET_CACHE_DIR, CONDGET_STATE_DIR, CONDGET_CONFIG_DIR
                       where `condget paths` points
  NO_COLOR             no colours on a terminal either
"""


class Commands(TyperGroup):
    """The commands of `COMMANDS`, each imported when it is used."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: dict[str, Any] = dict.fromkeys(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command and return it, or None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        target = getattr(import_module(module), attribute)
        if not isinstance(target, typer.Typer):
            function, target = target, typer.Typer(add_completion=False, rich_markup_mode=None)
            target.command(cmd_name, cls=SectionedCommand)(function)
        command = get_command(target)
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command and its arguments; its defaults are those of variables and of a file."""
        name, command, args = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            args, request = split_options(args, Request(ctx.params.get("config"), bool(ctx.params.get("no_config"))))
            defaults, args = configured(command, ctx, args, request)
            ctx.default_map = {name: defaults}
        return name, command, args

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what it raises becomes a sentence and an exit code (`condget.cli.exit_code`)."""
        prepare()
        try:
            code = super().invoke(ctx)
            if sys.stdout is not None:  # a full disk is noticed here, not after the last word was said
                sys.stdout.flush()
        except (Exception, KeyboardInterrupt) as error:
            if hasattr(error, "exit_code") or isinstance(error, typer.Abort):  # Typer's own: usage errors, Exit
                raise
            code = exit_code(error)
        raise typer.Exit(code or 0)


app = typer.Typer(
    cls=Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EPILOG,
)


def _version(value: bool) -> None:
    if value:
        put(f"condget {__version__}")
        raise typer.Exit


@app.callback()
def condget(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    config: Annotated[str | None, typer.Option(metavar="FILE", help="Take defaults of options from this file.")] = None,
    no_config: Annotated[bool, typer.Option("--no-config", help="Take no defaults from a file.")] = False,
) -> None:
    """Conditional requests done right: fetch URLs through an HTTP cache, and poll feeds politely.

    \b
    Examples:
      condget poll feeds.txt          print what is new in a list of feeds
      condget list feeds.txt          what is due when, and why
      condget get https://example.org/
      condget demo                    see it work, without a network
    """
