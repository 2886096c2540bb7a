"""Where the news of a run go, by the options of `condget poll`: stdout or a file in a format, hooks, mails."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from condget.errors import UsageError
from condget.reports import Format, format_of

if TYPE_CHECKING:
    from condget.cli.hooks import Hooks
    from condget.cli.mail import Mailer


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where the news of a run go."""

    form: Format
    #: The report goes to this file in place of stdout.
    file: Path | None = None
    hooks: Hooks | None = None
    mailer: Mailer | None = None


def destinations_of(
    *,
    format_: str | None,
    template: str | None,
    output: Path | None,
    exec_: str | None,
    exec_entry: str | None,
    post: str | None,
    hook_timeout: float,
    mail: str | None,
    mail_from: str | None,
    mail_entries: bool,
    smtp: str | None,
    dry_run: bool,
) -> Destinations:
    """Return where the news go. A dry run has no news, so that its report goes to stdout.

    Raises:
        UsageError: options exclude each other, or cannot be used here.
    """
    hooks = _hooks(exec_, exec_entry, post, hook_timeout)
    mailer = _mailer(mail, mail_from, mail_entries, smtp)
    if dry_run:
        return Destinations(_form(format_, template) or format_of("text"))
    form = _form(format_, template)
    if form is None and output is None and (hooks or mailer):
        # No report to stdout. The rest goes to stderr: failures, and without a mail of the run, which
        # has them, also moves and the like.
        mailed = mailer is not None and not mail_entries
        form = Format(lambda selection, options: "", failures_apart=mailed, entries_only=not mailed)
    return Destinations(form or format_of("text"), output, hooks, mailer)


def _form(name: str | None, template: str | None) -> Format | None:
    if template is None:
        return None if name is None else format_of(name)
    if name is not None:
        raise UsageError("--format and --template exclude each other")
    from condget.reports.template import template as format_by

    return format_by(template)


def _hooks(exec_: str | None, exec_entry: str | None, post: str | None, timeout: float) -> Hooks | None:
    if exec_ is None and exec_entry is None and post is None:
        return None
    from condget.cli.hooks import Hooks, command_of, webhook_of

    return Hooks(command_of("--exec", exec_), command_of("--exec-entry", exec_entry), webhook_of(post), timeout)


def _mailer(to: str | None, sender: str | None, per_entry: bool, server: str | None) -> Mailer | None:
    if to is None and sender is None and not per_entry:
        return None
    from condget.cli.mail import mailer_of

    return mailer_of(to, sender, per_entry, server)
