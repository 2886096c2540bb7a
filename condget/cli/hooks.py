"""Delivers news to commands and to webhooks. A feed whose hook fails is not acknowledged: its news come again (B7).

A command is an argument list, never a line for a shell, and nothing of strangers is among its arguments. It gets JSON
on stdin and `CONDGET_*` variables, has a limited time, and a group of processes of its own, which ends with it. Its
output goes to stderr as safe text.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from condget.cli.output import write
from condget.errors import UsageError
from condget.own_httpx import own
from condget.reports import ReportOptions, Selection
from condget.reports.hook_input import delivery_key, entry_input, entry_variables, feed_input, feed_variables
from condget.settings import USER_AGENT

if TYPE_CHECKING:
    import httpx

#: Hooks at the same time.
_AT_ONCE = 4
#: After so many that did not end in time, no further hook is begun: a run must end.
_MOST_TIMEOUTS = 3
#: Characters of what a command prints that are passed on.
_MOST_PRINTED = 64_000


class HookError(Exception):
    """A hook failed; the text says how, in a clause without secrets."""


class HookTimeout(HookError):
    """A hook did not end in time."""


@dataclass(slots=True)
class Hooks:
    """Where news go beside the report."""

    #: Run for each feed with news.
    command: Sequence[str] = ()
    #: Run for each entry.
    entry_command: Sequence[str] = ()
    #: Gets a POST for each feed with news. May hold a secret.
    url: str | None = None
    #: Seconds for each command and request.
    timeout: float = 60.0
    #: How many did not end in time.
    timeouts: int = 0

    def __bool__(self) -> bool:
        return bool(self.command or self.entry_command or self.url)

    def deliver(self, selections: Sequence[Selection], options: ReportOptions) -> Mapping[str, str]:
        """Run the hooks of feeds that have entries to deliver; return why some failed, by their URLs."""
        from concurrent.futures import ThreadPoolExecutor

        selections = [selection for selection in selections if selection.entries or selection.edited]
        if not selections:
            return {}
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="condget hook") as pool, _Client(self) as client:
            reasons = list(pool.map(lambda selection: self._failure(selection, options, client), selections))
        return {
            selection.outcome.url: reason
            for selection, reason in zip(selections, reasons, strict=True)
            if reason is not None
        }

    def _failure(self, selection: Selection, options: ReportOptions, client: _Client) -> str | None:
        if self.timeouts >= _MOST_TIMEOUTS:
            return f"no hook was begun, because {self.timeouts} did not end in time"
        try:
            if self.command:
                text = feed_input(selection, options)
                _run(self.command, text, feed_variables(selection), self.timeout)
            for entry in (*selection.entries, *selection.edited) if self.entry_command else ():
                text = entry_input(selection.outcome, entry, options)
                _run(self.entry_command, text, entry_variables(selection, entry), self.timeout)
            if self.url:
                key = delivery_key(selection.outcome, (*selection.entries, *selection.edited))
                client.post(feed_input(selection, options), key)
        except HookError as error:
            self.timeouts += isinstance(error, HookTimeout)
            return str(error)
        return None


def command_of(option: str, text: str | None) -> Sequence[str]:
    """Return the argument list that a user wrote as for a shell.

    Raises:
        UsageError: it has no command, a command that cannot be found, or a quotation mark that is not closed.
    """
    if text is None:
        return ()
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{option}: the command cannot be read ({error})") from None
    if not words or shutil.which(words[0]) is None:
        raise UsageError(f"{option}: there is no command {words[0] if words else 'in it'}; check its path")
    return words


def _run(command: Sequence[str], text: str, variables: Mapping[str, str], timeout: float) -> None:
    """Run a command to its end.

    Raises:
        HookError: it could not be started, took too long, or exited with another code than 0.
    """
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as printed:
        stdin.write(text.encode())
        stdin.seek(0)
        try:
            process = subprocess.Popen(
                list(command),
                stdin=stdin,
                stdout=printed,
                stderr=printed,
                env=os.environ | variables,
                # Ctrl-C is for condget, which waits for hooks that have begun.
                start_new_session=True,
            )
        except OSError as error:
            raise HookError(f"{command[0]} cannot be run ({error.strerror})") from None
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise HookTimeout(f"{command[0]} did not end within {timeout:g} seconds") from None
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            printed.seek(0)
            if words := printed.read(_MOST_PRINTED).decode("utf-8", "replace"):
                write(words if words.endswith("\n") else words + "\n", to=sys.stderr)
    if code:
        how = f"was ended by signal {-code}" if code < 0 else f"exited with {code}"
        raise HookError(f"{command[0]} {how}")


class _Client:
    """Posts to a webhook with one connection pool for the feeds of a group."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._client: httpx.Client | None = None

    def __enter__(self) -> _Client:
        if self._hooks.url:
            self._client = own().Client(timeout=self._hooks.timeout, headers={"User-Agent": USER_AGENT})
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()

    def post(self, text: str, key: str) -> None:
        """Send JSON to the webhook.

        Raises:
            HookError: no response came, or one that is not 2xx.
        """
        httpx = own()
        assert self._client is not None
        assert self._hooks.url is not None
        fields = {"Content-Type": "application/json", "Idempotency-Key": f'"{key}"'}
        try:
            response = self._client.post(self._hooks.url, content=text.encode(), headers=fields)
        except httpx.TimeoutException:
            raise HookTimeout(f"{host_of(self._hooks.url)} did not take the POST in time") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise HookError(f"{host_of(self._hooks.url)} got no POST ({type(error).__name__})") from None
        if not response.is_success:
            raise HookError(f"{host_of(self._hooks.url)} answered {response.status_code} to the POST")


def host_of(url: str) -> str:
    """Return the part of a webhook's URL that holds no secret."""
    from urllib.parse import urlsplit

    return urlsplit(url).hostname or "the webhook"


def webhook_of(text: str | None) -> str | None:
    """Return the URL of a webhook; `@env:NAME` and `@file:PATH` say where it is.

    Raises:
        UsageError: it is not a URL of http or https.
    """
    if text is None:
        return None
    from condget.feeds.feed_urls import target_of

    url = secret_of("--post", text)
    try:
        target_of(url)
    except ValueError as error:
        raise UsageError(f"--post: {error}") from None
    return url


def secret_of(option: str, text: str) -> str:
    """Return the value of an option that may be `@env:NAME` or `@file:PATH`.

    Raises:
        UsageError: there is no such variable or file, or it is empty.
    """
    from condget.secret_values import resolved

    try:
        return resolved(text)
    except ValueError as error:
        raise UsageError(f"{option}: {str(error).partition(';')[0]}") from None
