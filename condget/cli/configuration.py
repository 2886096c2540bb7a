"""Defaults for options: `CONDGET_*` variables, and a `condget.toml`. Nothing of it is needed.

The order of precedence: the command line, variables, one file, the defaults. The file is the one that `--config` names,
else `condget.toml` beside the first list of the command, else the one in the user's configuration directory. In it,
`feeds`, `state` and `cache` hold for all commands; a table such as `[poll]` has options of that command by their long
names. Paths in it start at its directory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from condget import settings
from condget.errors import UsageError

NAME = "condget.toml"

#: The order of precedence, for people.
PRECEDENCE = (
    "the command line",
    "variables such as CONDGET_POLL_FORMAT, CONDGET_FEEDS, CONDGET_STATE",
    f"--config FILE, else {NAME} beside the list, else the user's {NAME} (none with --no-config)",
    "defaults",
)

#: Variables that are not defaults of options.
_PLAIN = (
    settings.CACHE_DIR_ENV,
    settings.STATE_DIR_ENV,
    settings.CONFIG_DIR_ENV,
    settings.NOW_ENV,
    settings.LEASE_ENV,
    "CONDGET_DEBUG",
)

#: Keys outside of a table: options, and the FEEDS, of every command that has them.
_COMMON = ("feeds", "state", "cache")

#: Options that run programs, send news away, write files or hand feeds to other machines. A list, and a file beside it,
#: may come from somebody else.
_OWN_ONLY = ("exec", "exec-entry", "post", "mail", "smtp", "output", "metrics", "dask")


@dataclass(frozen=True, slots=True)
class Request:
    """The file that the user wants: `--config FILE`, `--no-config`, or neither."""

    path: str | None = None
    off: bool = False


def split_options(args: Sequence[str], request: Request) -> tuple[list[str], Request]:
    """Take `--config FILE` and `--no-config` out of the arguments of a command: every command has them.

    Raises:
        UsageError: a file is missing behind --config.
    """
    rest: list[str] = []
    arguments = iter(args)
    for argument in arguments:
        if argument == "--":
            rest += [argument, *arguments]
        elif argument == "--no-config":
            request = Request(off=True)
        elif argument == "--config" or argument.startswith("--config="):
            path = argument[9:] if "=" in argument else next(arguments, "")
            if not path:
                raise UsageError("--config needs the path of a file")
            request = Request(path)
        else:
            rest.append(argument)
    return rest, request


def configured(command: Any, ctx: Any, args: Sequence[str], request: Request) -> tuple[dict[str, Any], list[str]]:
    """Return the defaults of a command's options by parameter, and its arguments, with the FEEDS that are configured.

    Raises:
        UsageError: the file cannot be read, or has keys or values that make no sense.
    """
    if request.path is None and not _is_anything_set(args, request):
        return {}, list(args)
    feeds = _feeds_of(command, ctx, args)
    path = _file_of(request, feeds or ())
    defaults = _Defaults({}, None)
    if path is not None:
        beside_a_list = request.path is None and path != settings.config_path()
        defaults = _Defaults(_read(path), path, beside_a_list)
        _check_keys(defaults, ctx)
    values = defaults.of(command, ctx, (command.name,))
    if feeds is not None and not feeds and (names := defaults.feeds(command.name)):
        if _list_argument(command) == "list_name":
            names = [name for name in names if "://" not in name][:1]
        args = [*args, *names] if "--" in args else [*args, "--", *names]
    return values, list(args)


@dataclass(frozen=True, slots=True)
class _Defaults:
    """The defaults that variables and a file set."""

    table: Mapping[str, Any]
    path: Path | None
    beside_a_list: bool = False

    def of(self, command: Any, ctx: Any, place: tuple[str, ...]) -> dict[str, Any]:
        """Return the defaults of a command, or of all commands of a group by their names."""
        if hasattr(command, "commands"):
            return {name: self.of(inner, ctx, (*place, name)) for name, inner in command.commands.items()}
        table = self._table_of(place)
        options = dict(_options_of(command))
        for key in table:
            if key not in options and key != "feeds":
                raise UsageError(f"{self.path}: [{'.'.join(place)}] has no option {_suggestion(key, options)}")
        found: dict[str, Any] = {}
        for name, parameter in options.items():
            value, where, in_file = self._value(name, place)
            if in_file:
                # A state or a cache in a database is on another machine, as a rule.
                is_away = name in _COMMON and isinstance(value, str) and "://" in value
                if value is not None and self.beside_a_list and (name in _OWN_ONLY or is_away):
                    raise UsageError(f"{where}: a file beside a list cannot set this; put it into the user's own file")
                value = self._resolved(value, parameter)
            elif value is not None and parameter.multiple:
                value = value.split()
            if value is not None:
                found[parameter.name] = _checked(value, parameter, ctx, where)
        return found

    def _value(self, name: str, place: tuple[str, ...]) -> tuple[Any, str, bool]:
        """Return what an option is set to, None for nothing; where; and whether that is in the file."""
        # The rounds of `watch` are polls.
        places = [place, ("poll",)] if place == ("watch",) else [place]
        for names in [*((*found, name) for found in places), *([(name,)] if name in _COMMON else [])]:
            if (text := _variable(*names)) is not None:
                return text, f"the variable {_variable_name(*names)}", False
        for found in places:
            if (value := self._table_of(found).get(name)) is not None:
                return value, f"{self.path}: [{'.'.join(found)}] {name}", True
        return self._common(name), f"{self.path}: {name}", True

    def feeds(self, command: str) -> list[str]:
        """Return the FEEDS that are configured."""
        if (text := _variable("feeds")) is not None:
            return text.split()
        names = self._table_of((command,)).get("feeds", self.table.get("feeds", []))
        if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
            raise UsageError(f'{self.path}: feeds is a list of paths and URLs, such as ["feeds.txt"]')
        return [self._path(name) for name in names]

    def _common(self, name: str) -> Any:
        """Return a setting for all commands; a table of that name is for the commands of a group."""
        value = self.table.get(name) if name in _COMMON else None
        return None if isinstance(value, dict) else value

    def _table_of(self, place: Sequence[str]) -> Mapping[str, Any]:
        table: Any = self.table
        for name in place:
            table = table.get(name, {})
            if name in _COMMON and not isinstance(table, dict):
                return {}
            if not isinstance(table, dict):
                raise UsageError(f"{self.path}: {name} is a table; write [{'.'.join(place)}] above its options")
        return dict(table)

    def _resolved(self, value: Any, parameter: Any) -> Any:
        is_path = parameter.metavar in ("FILE", "DIR")
        return self._path(value) if is_path and isinstance(value, str) else value

    def _path(self, name: str) -> str:
        if "://" in name or name == "-" or self.path is None:
            return name
        return str(self.path.parent / Path(name).expanduser())


def _check_keys(defaults: _Defaults, ctx: Any) -> None:
    known = (*_COMMON, *ctx.command.commands)
    for key in defaults.table:
        if key not in known:
            raise UsageError(f"{defaults.path}: there is no command or setting {_suggestion(key, known)}")


def _suggestion(key: str, known: Any) -> str:
    from difflib import get_close_matches

    matches = get_close_matches(key, list(known), 1)
    return f'"{key}"{f"; did you mean {chr(34)}{matches[0]}{chr(34)}?" if matches else ""}'


def _options_of(command: Any) -> Iterator[tuple[str, Any]]:
    """Yield the options of a command with their long names."""
    for parameter in command.params:
        if parameter.param_type_name == "option" and not parameter.is_eager:
            yield max(parameter.opts, key=len).lstrip("-"), parameter


def _checked(value: Any, parameter: Any, ctx: Any, where: str) -> Any:
    try:
        parameter.type_cast_value(ctx, value)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        raise UsageError(f"{where}: {getattr(error, 'message', error)}") from None
    return value


def _variable_name(*place: str) -> str:
    return "_".join(("CONDGET", *place)).upper().replace("-", "_")


def _variable(*place: str) -> str | None:
    return os.environ.get(_variable_name(*place)) or None


def _is_anything_set(args: Sequence[str], request: Request) -> bool:
    """Whether there can be a default anywhere: most runs of cron have none, and pay for a few looks only."""
    if any(name.startswith("CONDGET_") and name not in _PLAIN for name in os.environ):
        return True
    if request.off:
        return False
    beside = (Path(name).absolute().parent / NAME for name in args if name[:1] != "-" and "://" not in name)
    return any(map(_is_file, (settings.config_path(), *beside)))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # an argument that is not a path, such as a long template
        return False


def _feeds_of(command: Any, ctx: Any, args: Sequence[str]) -> list[str] | None:
    """Return the FEEDS on the command line; None for a command without."""
    argument = _list_argument(command)
    if argument is None:
        return None
    inner = command.context_class(command, info_name=command.name, parent=ctx)
    try:
        options, _, _ = command.make_parser(inner).parse_args(list(args))
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        return []  # wrong usage, which the command itself reports
    value = options.get(argument) or ()
    return [value] if isinstance(value, str) else list(value)


def _list_argument(command: Any) -> str | None:
    """Return the name of the parameter that takes lists of feeds: several, or the one that is edited."""
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    return next((argument.name for argument in arguments if argument.name in ("feeds", "list_name")), None)


def _file_of(request: Request, feeds: Sequence[str]) -> Path | None:
    if request.off:
        return None
    if request.path is not None:
        return Path(request.path).absolute()
    for name in feeds[:1]:
        if "://" not in name and name != "-" and _is_file(path := Path(name).absolute().parent / NAME):
            _check_owner(path)
            return path
    own = settings.config_path()
    return own if _is_file(own) else None


def _check_owner(path: Path) -> None:
    """Refuse a file that other users of this machine wrote, or could have."""
    status = path.stat()
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o022:
        raise UsageError(f"{path} can be written by other users; take that right from them, or use --no-config")


def _read(path: Path) -> Mapping[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
