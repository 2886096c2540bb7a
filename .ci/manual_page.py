"""Build hook: the wheel has the manual page, made from the words of `--help` (see condget/cli/manual.py)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManualPage(BuildHookInterface):  # type: ignore[type-arg,misc]
    """Puts condget.1 where `man` looks for it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the page, and name it as a file to be installed."""
        sys.path.insert(0, self.root)
        from condget.cli.manual import manual

        page = Path(self.directory) / "condget.1"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(manual(), encoding="utf-8")
        build_data["shared_data"][str(page)] = "share/man/man1/condget.1"
