"""`condget schedule`: what cron or systemd needs to run `condget poll`, with absolute paths, to copy."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from condget import settings
from condget.cli.arguments import length, read_and_say
from condget.cli.output import put
from condget.errors import UsageError

#: Variables that say where things are; one that holds a secret is not copied.
_COPIED = (settings.STATE_DIR_ENV, settings.CONFIG_DIR_ENV, "CONDGET_FEEDS", "CONDGET_STATE")

_SERVICE = """\
# condget.service
[Unit]
Description=Poll feeds
After=network-online.target

[Service]
Type=oneshot
ExecStart={command}
{environment}# 1: a feed failed, which the journal tells; 75: another run holds the state.
SuccessExitStatus=1 75
TimeoutStartSec=30min
Nice=10
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
PrivateTmp=yes
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={writable}
ProtectClock=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service"""

_TIMER = """\
# condget.timer
[Unit]
Description=Poll feeds

[Timer]
OnCalendar={calendar}
RandomizedDelaySec=60
Persistent=yes

[Install]
WantedBy=timers.target"""


def schedule(
    by: Annotated[str, typer.Argument(metavar="cron|systemd", help="What is to start the runs.")],
    feeds: Annotated[list[str], typer.Argument(metavar="FEEDS...", help="Lists of feeds, or URLs of feeds.")],
    every: Annotated[
        str, typer.Option(metavar="DURATION", help="The time between two runs, in minutes that divide the hour.")
    ] = "5m",
    state: Annotated[str | None, typer.Option("--state", metavar="FILE", help="The state file of the runs.")] = None,
) -> int:
    """Print a crontab line, or a service and timer for systemd.

    No feed is polled more often than its own schedule says, however often a run comes.

    \b
    Examples:
      condget schedule cron feeds.txt
      condget schedule systemd feeds.txt --every 10m
    """
    minutes = length("--every", every) / 60
    if minutes not in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30):
        raise UsageError("--every: say minutes that divide the hour, such as 5m, 10m or 15m")
    command = [*_executable(), "poll", *map(_absolute, feeds)]
    lists = read_and_say(feeds)
    if state is not None:
        command += ["--state", str(Path(state).absolute())]
    variables = {name: os.environ[name] for name in _COPIED if os.environ.get(name)}
    secrets = {
        value.removeprefix("@env:")
        for subscription in lists.subscriptions
        for _, value in subscription.options.headers
        if value.startswith("@env:")
    }
    lines = {"cron": _cron, "systemd": _systemd}.get(by)
    if lines is None:
        raise UsageError(f'"{by}" is neither cron nor systemd')
    writable = settings.state_path() if state is None else Path(state).absolute()
    for line in lines(command, int(minutes), variables, sorted(secrets), writable.parent):
        put(line)
    return lists.exit_code


def _cron(
    command: Sequence[str], minutes: int, variables: dict[str, str], secrets: Sequence[str], writable: Path
) -> Iterator[str]:
    yield "# Add these lines by: crontab -e"
    yield "# cron mails what a run prints: news, and failures that last."
    for name, value in variables.items():
        yield f"{name}={value}"
    for name in secrets:
        yield f"# {name}=...   (a list reads this variable; header=...:@file:PATH needs none)"
    # Not all machines of the world at the full five minutes; the same machine always alike.
    first = sum(map(ord, "".join(command))) % minutes
    when = "*" if minutes == 1 else f"{first}-59/{minutes}"
    yield f"{when} * * * *  {shlex.join(command)}".replace("%", "\\%")


def _systemd(
    command: Sequence[str], minutes: int, variables: dict[str, str], secrets: Sequence[str], writable: Path
) -> Iterator[str]:
    yield "# Put the two parts into ~/.config/systemd/user/condget.service and condget.timer, then:"
    yield f"#   mkdir -p {shlex.quote(str(writable))}"
    yield "#   systemctl --user daemon-reload && systemctl --user enable --now condget.timer"
    yield "#   loginctl enable-linger      (so that it runs while you are logged out)"
    yield "#   journalctl --user -u condget"
    yield ""
    environment = "".join(f"Environment={_unit_quoted(f'{name}={value}')}\n" for name, value in variables.items())
    environment += "".join(f"# Environment={name}=...   (a list reads this variable)\n" for name in secrets)
    service = _SERVICE.format(
        command=" ".join(map(_unit_quoted, command)),
        environment=environment,
        writable=_unit_quoted(str(writable)),
    )
    yield from service.splitlines()
    yield ""
    yield from _TIMER.format(calendar=f"*:0/{minutes}").splitlines()


def _unit_quoted(text: str) -> str:
    """Return a word of a unit file (systemd.syntax); % begins a specifier and $ a variable."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != text or not text or set(text) & set(" \t'#;") else text


def _absolute(feeds: str) -> str:
    if feeds == "-":
        raise UsageError("a scheduled run has no stdin; name a file")
    return feeds if "://" in feeds or ":" in feeds.partition("/")[0] else str(Path(feeds).absolute())


def _executable() -> list[str]:
    """Return how this condget is started, whatever PATH says."""
    started = Path(sys.argv[0])
    if started.name == "condget" and (found := shutil.which(started)):
        return [str(Path(found).absolute())]
    beside = Path(sys.executable).with_name("condget")
    return [str(beside)] if beside.is_file() else [sys.executable, "-m", "condget"]
