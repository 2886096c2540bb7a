"""Help texts whose options stand in sections: common options first, the rest by topic (`rich_help_panel`)."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperOption

from condget.cli.output import write

#: Options of curl, wget and HTTPie that condget does not have, and what there is instead.
_INSTEAD = {
    "-L": "redirects are followed anyway",
    "--location": "redirects are followed anyway",
    "-s": "there is nothing to silence",
    "--silent": "there is nothing to silence",
    "-O": "name the file, with -o FILE",
    "-k": "set SSL_CERT_FILE to the certificate of a private authority",
    "--insecure": "set SSL_CERT_FILE to the certificate of a private authority",
    "--cacert": "set the variable SSL_CERT_FILE",
    "-x": "set HTTP_PROXY or HTTPS_PROXY",
    "--proxy": "set HTTP_PROXY or HTTPS_PROXY",
    "-A": 'write -H "User-Agent: ..."',
    "--user-agent": 'write -H "User-Agent: ...", or user-agent= in the list of feeds',
    "--interval": "write every=6h behind the feed in its list",
    "--every": "write every=6h behind the feed in its list",
    "--json": "write --format jsonl",
}

#: The section of options that name no other.
COMMON = "Options"


class SectionedCommand(TyperCommand):
    """A command whose help has a section for each topic, in the order of the function's parameters."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse arguments; say what there is in place of an option that other programs have."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            hint = _INSTEAD.get(getattr(error, "option_name", ""))
            if hint is None:
                raise
            error.possibilities = []  # type: ignore[attr-defined]
            error.message = f"{error.message.rstrip('.')}; {hint}"  # type: ignore[attr-defined]
            raise

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters; a command with several sections has `--help-all`, too."""
        parameters = super().get_params(ctx)
        if not any(_section_of(parameter) not in ("Arguments", COMMON) for parameter in parameters):
            return parameters
        if self._help_all is None:
            self._help_all = TyperOption(
                param_decls=["--help-all"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_show_all,
                help="Show all options and exit.",
            )
        return [*parameters[:-1], self._help_all, *parameters[-1:]]

    _help_all: Any = None

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Say where defaults of options may stand."""
        super().format_epilog(ctx, formatter)
        options = [parameter for parameter in self.params if _section_of(parameter) != "Arguments"]
        if options:
            names = ctx.command_path.split()[1:]
            variable = (
                "_".join(("condget", *names, max(options[0].opts, key=len).lstrip("-"))).upper().replace("-", "_")
            )
            formatter.write_paragraph()
            with formatter.indentation():
                table = ".".join(names)
                formatter.write_text(f"Defaults are set by ${variable} or [{table}] in condget.toml.")

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options; of sections beyond the common one, no more than names, so that help is short."""
        sections: dict[str, list[Any]] = {"Arguments": [], COMMON: []}
        for parameter in self.get_params(ctx):
            if parameter.get_help_record(ctx) is not None:
                sections.setdefault(_section_of(parameter), []).append(parameter)
        for title, parameters in sections.items():
            is_short = title not in ("Arguments", COMMON) and not ctx.meta.get(_ALL)
            if parameters and not is_short:
                with formatter.section(title):
                    formatter.write_dl([parameter.get_help_record(ctx) for parameter in parameters])
        more = {title: found for title, found in sections.items() if title not in ("Arguments", COMMON)}
        if more and not ctx.meta.get(_ALL):
            with formatter.section(f"More options ({ctx.command_path} --help-all)"):
                formatter.write_dl([(title, ", ".join(map(_name_of, found))) for title, found in more.items()])
            formatter.buffer[:] = [piece.replace(_HYPHEN, "-") for piece in formatter.buffer]


_ALL = "condget.help.all"

#: A hyphen at which no line is broken; the help has a plain one in its place.
_HYPHEN = "\u2011"


def _section_of(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return "Arguments"
    return getattr(parameter, "rich_help_panel", None) or COMMON


def _name_of(parameter: Any) -> str:
    name: str = max(parameter.opts, key=len)
    return "--" + name.lstrip("-").replace("-", _HYPHEN)


def _show_all(ctx: Any, parameter: Any, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        ctx.meta[_ALL] = True
        write(ctx.get_help() + "\n")
        ctx.exit()
