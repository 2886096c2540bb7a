"""A report as a mail: MIME with a text and an HTML page, made by those formats. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING

from condget.errors import UsageError
from condget.reports.formats import format_of
from condget.reports.hook_input import delivery_key
from condget.reports.options import ReportOptions
from condget.reports.phrases import entries as number_of_entries
from condget.reports.phrases import heading, label
from condget.reports.selection import Selection
from condget.shown import line, printable

if TYPE_CHECKING:
    from condget.feeds.values import Entry

#: Characters of a subject.
_SUBJECT = 120


@dataclass(frozen=True, slots=True)
class Addresses:
    """The recipient and the sender of a mail."""

    to: str
    sender: str


def addresses_of(to: str, sender: str | None = None) -> Addresses:
    """Return the addresses of a mail; the sender is the recipient unless another is named.

    Raises:
        UsageError: one of them is not an address.
    """
    for address in (to, sender or to):
        name, spec = parseaddr(address)
        local, _, domain = spec.rpartition("@")
        if name or spec != address or not local or not domain or not address.isascii() or not address.isprintable():
            raise UsageError(f"{line(address)} is not an address of a mail such as ann@example.org")
    return Addresses(to, sender or to)


def mail_of_run(selections: Sequence[Selection], options: ReportOptions, addresses: Addresses, now: float) -> bytes:
    """Return one mail about all feeds that have something to report."""
    number = sum(len(selection.entries) + len(selection.edited) for selection in selections)
    if len(selections) == 1:
        first = selections[0].outcome
        subject = f"{label(first)}: {number_of_entries(number)}" if number else label(first)
    else:
        subject = f"{number_of_entries(number)} from {len(selections)} feeds" if number else f"{len(selections)} feeds"
    key = delivery_key(selections[0].outcome, tuple(entry for selection in selections for entry in _entries(selection)))
    return _mail(selections, subject, key, options, addresses, now)


def mails_of_entries(
    selections: Sequence[Selection], options: ReportOptions, addresses: Addresses, now: float
) -> list[bytes]:
    """Return one mail for each entry."""
    mails = []
    for selection in selections:
        for entry in _entries(selection):
            single = replace(selection, entries=(entry,), edited=(), left_out=0)
            key = delivery_key(selection.outcome, (entry,))
            subject = f"{label(selection.outcome)}: {heading(entry)}"
            mails.append(_mail([single], subject, key, options, addresses, now))
    return mails


def _entries(selection: Selection) -> tuple[Entry, ...]:
    return (*selection.entries, *selection.edited)


def _mail(
    selections: Sequence[Selection],
    subject: str,
    key: str,
    options: ReportOptions,
    addresses: Addresses,
    now: float,
) -> bytes:
    message = EmailMessage(SMTP)
    message["From"] = addresses.sender
    message["To"] = addresses.to
    message["Subject"] = line(subject, _SUBJECT)
    message["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    # The same for the same entries, so that a program for mail shows a repetition once.
    message["Message-ID"] = f"<{key}@{addresses.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_page("text", selections, options, now))
    message.add_alternative(_page("html", selections, options, now), subtype="html")
    return message.as_bytes()


def _page(name: str, selections: Sequence[Selection], options: ReportOptions, now: float) -> str:
    form = format_of(name)
    reports = "".join(form.report(selection, options) for selection in selections)
    return printable(form.head(options, now) + reports + form.foot(options, now))
