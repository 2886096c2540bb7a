"""Help texts whose options stand in sections: common options first, the rest by topic (`rich_help_panel`)."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

#: The section of options that name no other.
COMMON = "Options"


class SectionedCommand(TyperCommand):
    """A command whose help has a section for each topic, in the order of the function's parameters."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], COMMON: []}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is None:
                continue
            is_argument = parameter.param_type_name == "argument"
            panel = "Arguments" if is_argument else getattr(parameter, "rich_help_panel", None) or COMMON
            sections.setdefault(panel, []).append(record)
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)
