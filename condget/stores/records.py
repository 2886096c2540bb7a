"""A `FeedState` as JSON text and back, for the state file and for moving it to another machine.

Only what differs from the default is written, so that a new field needs no new version. Latin-1 bytes in fields
survive as text; secrets are left out (F12): cookies, credentials, and userinfo in URLs.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, NoReturn, get_args, get_origin, get_type_hints

from condget.cache.fields import Fields
from condget.cache.messages import StoredResponse
from condget.feeds.outcomes import FeedState, Hints

#: Fields of a response that are never written to disk.
_SECRET = frozenset(
    {"set-cookie", "set-cookie2", "cookie", "authorization", "proxy-authorization"}
    | {"www-authenticate", "proxy-authenticate", "authentication-info", "proxy-authentication-info"}
)

Record = dict[str, Any]

# Made once, and without looking for circles: half a commit is spent here.
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def without_userinfo(url: str) -> str:
    """Return a URL without the user name and password that may stand before its host.

    >>> without_userinfo("https://user:secret@example.org/feed?by=me@example.org")
    'https://example.org/feed?by=me@example.org'
    """
    if "@" not in url:
        return url
    scheme, separator, rest = url.partition("://")
    end = min((at for mark in "/?#" if (at := rest.find(mark)) >= 0), default=len(rest))
    return f"{scheme}{separator}{rest[:end].rpartition('@')[2]}{rest[end:]}"


def to_record(state: FeedState) -> Record:
    """Return a state as a JSON object, its URL included."""
    record = _differing(state)
    record["url"] = without_userinfo(state.url)
    if state.moved_to is not None:
        record["moved_to"] = without_userinfo(state.moved_to)
    if state.chain:
        record["chain"] = [without_userinfo(url) for url in state.chain]
    if state.stored is not None:
        record["stored"] = stored = _differing(state.stored)
        stored["url"] = without_userinfo(state.stored.url)
        stored["fields"] = [pair for pair in state.stored.fields.pairs if pair[0].lower() not in _SECRET]
    if "hints" in record:
        record["hints"] = _differing(state.hints)
    return record


def from_record(record: Record) -> FeedState:
    """Return the state that a JSON object holds; members that this version does not know are passed over.

    Raises:
        ValueError: a member has the wrong type, or the URL is missing.
    """
    members = dict(record)
    stored = members.pop("stored", None)
    hints = members.pop("hints", None)
    state = _built(FeedState, members)
    if hints is not None:
        state["hints"] = Hints(**_built(Hints, hints))
    if stored is not None:
        members = dict(stored)
        pairs = members.pop("fields", [])
        head = _built(StoredResponse, members)
        head["fields"] = Fields((str(name), str(value)) for name, value in pairs)
        state["stored"] = _made(StoredResponse, head)
    return _made(FeedState, state)  # type: ignore[no-any-return]


def to_text(record: Record) -> str:
    return _encode(record)


def from_text(text: str) -> Record:
    """Return the JSON object in a text.

    Raises:
        ValueError: it is not JSON, not an object, or has a number such as NaN.
    """
    record = json.loads(text, parse_constant=_refuse)
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    return record


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")


@cache
def _members(kind: Any) -> tuple[tuple[str, Any, Any], ...]:
    """Return (name, default, type) of every field of a dataclass."""
    types = get_type_hints(kind)
    return tuple(
        (
            field.name,
            field.default_factory() if field.default_factory is not MISSING else field.default,
            types[field.name],
        )
        for field in fields(kind)
    )


def _differing(value: Any) -> Record:
    record: Record = {}
    kind: Any = type(value)
    for name, default, _ in _members(kind):
        member = getattr(value, name)
        if member != default:
            record[name] = member
    return record


def _built(kind: type, record: Record) -> Record:
    """Return the known members with lists as tuples, their types checked."""
    if not isinstance(record, dict):
        raise ValueError(f"{kind.__name__} is not an object")
    arguments: Record = {}
    for name, _, wanted in _members(kind):
        if name not in record:
            continue
        value = _as_tuples(record[name])
        if not _fits(value, wanted):
            raise ValueError(f"{name} is {value!r:.40}")
        arguments[name] = value
    return arguments


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value


def _fits(value: Any, wanted: Any) -> bool:
    """Whether a value has a type, where a float may be written as an integer."""
    if get_origin(wanted) is tuple:
        types = get_args(wanted)
        if types[-1] is ...:
            types = types[:1] * len(value) if isinstance(value, tuple) else ()
        return isinstance(value, tuple) and len(value) == len(types) and all(map(_fits, value, types))
    return isinstance(value, wanted | int if wanted in (float, float | None) else wanted)


def _made(kind: Any, arguments: Record) -> Any:
    try:
        return kind(**arguments)
    except TypeError as error:
        raise ValueError(str(error).partition(" ")[2]) from None
