"""Hands mails to sendmail, or to the SMTP server that `CONDGET_SMTP` names."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from condget.cli.hooks import secret_of
from condget.errors import CondgetError, UsageError
from condget.reports import ReportOptions, Selection
from condget.reports.mail import Addresses, addresses_of, mail_of_run, mails_of_entries

#: In place of `--smtp`. smtp://user:password@host:587, with STARTTLS where the server offers TLS or the URL has a
#: password; or smtps://...
SMTP_ENV = "CONDGET_SMTP"

_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Mailer:
    """Where the mails of a run go."""

    addresses: Addresses
    #: A mail for each entry, not one for the run.
    per_entry: bool = False
    #: An SMTP server as a URL, which may hold a password; None: sendmail.
    server: str | None = field(default=None, repr=False)
    sendmail: str = ""

    def send(self, selections: Sequence[Selection], options: ReportOptions, now: float) -> None:
        """Send what there is to report.

        Raises:
            CondgetError: a mail could not be handed over.
        """
        make = mails_of_entries if self.per_entry else _one
        mails = make(selections, options, self.addresses, now) if selections else []
        if not mails:
            return
        try:
            if self.server is None:
                self._pipe(mails)
            else:
                self._submit(mails, self.server)
        except (OSError, subprocess.SubprocessError) as error:  # smtplib's errors are OSErrors
            raise CondgetError(
                f"the mail to {self.addresses.to} was not taken ({_reason(error)}); its news come with the next run"
            ) from None

    def _pipe(self, mails: Sequence[bytes]) -> None:
        for mail in mails:
            subprocess.run(
                [self.sendmail, "-i", "-f", self.addresses.sender, "--", self.addresses.to],
                input=mail.replace(b"\r\n", b"\n"),
                capture_output=True,
                timeout=_TIMEOUT,
                check=True,
            )

    def _submit(self, mails: Sequence[bytes], server: str) -> None:
        import smtplib
        import ssl
        from urllib.parse import unquote, urlsplit

        url = urlsplit(server)
        host = url.hostname or "localhost"
        context = ssl.create_default_context()
        if url.scheme == "smtps":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=_TIMEOUT, context=context)
        else:
            connection = smtplib.SMTP(host, url.port or 25, timeout=_TIMEOUT)
        try:
            connection.ehlo()
            if url.scheme == "smtp" and (connection.has_extn("starttls") or url.password is not None):
                connection.starttls(context=context)  # a password is never sent in the clear
                connection.ehlo()
            if url.username is not None:
                connection.login(unquote(url.username), unquote(url.password or ""))
            for mail in mails:
                connection.sendmail(self.addresses.sender, [self.addresses.to], mail)
            with suppress(OSError):  # the mails are taken, whatever becomes of the good-bye
                connection.quit()
        finally:
            connection.close()


def mailer_of(to: str | None, sender: str | None, per_entry: bool, server: str | None) -> Mailer | None:
    """Return where mails go; None: there are none. `server` may be `@env:NAME` or `@file:PATH`.

    Raises:
        UsageError: an address is wrong, or there is no way to send mails.
    """
    if to is None:
        if sender is not None or per_entry:
            raise UsageError("--mail-from and --mail-entries need --mail ADDRESS")
        return None
    addresses = addresses_of(to, sender)
    if server is not None:
        return Mailer(addresses, per_entry, _server("--smtp", secret_of("--smtp", server)))
    if server := os.environ.get(SMTP_ENV):
        return Mailer(addresses, per_entry, _server(f"${SMTP_ENV}", server))
    sendmail = shutil.which("sendmail") or shutil.which("sendmail", path="/usr/sbin:/usr/lib")
    if sendmail is None:
        raise UsageError("--mail: there is no sendmail here; name a server, such as --smtp smtp://localhost")
    return Mailer(addresses, per_entry, sendmail=sendmail)


def _server(place: str, url: str) -> str:
    if not url.startswith(("smtp://", "smtps://")):
        raise UsageError(f"{place} is not a URL such as smtp://user:password@mail.example.org:587")
    return url


def _one(selections: Sequence[Selection], options: ReportOptions, addresses: Addresses, now: float) -> list[bytes]:
    return [mail_of_run(selections, options, addresses, now)]


def _reason(error: BaseException) -> str:
    """Return why a mail was not taken; what a server says may repeat a password and is left out."""
    code = getattr(error, "smtp_code", None)
    if isinstance(code, int):
        return f"the server answered {code}"
    if isinstance(error, subprocess.CalledProcessError):
        return f"sendmail exited with {error.returncode}"
    return getattr(error, "strerror", None) or type(error).__name__
