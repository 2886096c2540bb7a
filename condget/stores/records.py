"""Values as JSON and back: a `FeedState` for the state file, the head of a `StoredResponse` for both files.

Members that have their default are left out, so that a new member needs no new version. Latin-1 bytes in fields
survive as text. Of a feed's state, secrets are left out (F12): cookies, credentials, and userinfo in URLs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass, replace
from functools import cache, partial
from operator import attrgetter
from typing import Any, NoReturn, get_args, get_origin, get_type_hints

from condget.cache.fields import Fields
from condget.cache.messages import StoredResponse
from condget.feeds.values import FeedState
from condget.field_names import SECRET
from condget.stores.faults import YEAR_10000
from condget.urls import without_userinfo

Record = dict[str, Any]

#: The names that members of heads had in the first caches.
_FORMER_NAMES = {
    "reason": "reason_phrase",
    "version": "http_version",
    "requested": "request_time",
    "received": "response_time",
    "length": "content_length",
    "first": "first_byte",
    "complete": "complete_length",
}

#: Members of a `FeedState` that a ledger keeps in columns of their own, and so not in the JSON text.
COLUMNS = ("url", "next_poll", "last_polled", "gone", "interval", "reason", "recall")

#: Returns the members that stand in the JSON text.
text_members = attrgetter(*(field.name for field in fields(FeedState) if field.name not in COLUMNS))

_Reader = Callable[[Any], Any]


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")


#: The greatest length or count that a file can hold.
_LARGEST = 2.0**63
#: As tuples: a union would be made anew for each look.
_NUMBER, _LIST = (int, float), (list, tuple)

# Made once, and without looking for circles: thousands of states are read and written at a time.
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_decode = json.JSONDecoder(parse_constant=_refuse).decode


def to_record(state: FeedState) -> Record:
    """Return a state as a JSON object, its URL included."""
    record = _differing(state)
    record["url"] = without_userinfo(state.url)
    if state.moved_to is not None:
        record["moved_to"] = without_userinfo(state.moved_to)
    if state.chain:
        record["chain"] = [without_userinfo(url) for url in state.chain]
    if state.stored is not None:
        record["stored"] = stored = to_head(state.stored)
        stored["url"] = without_userinfo(state.stored.url)
        stored["fields"] = [pair for pair in state.stored.fields.pairs if pair[0].lower() not in SECRET]
    if "hints" in record:
        record["hints"] = _differing(state.hints)
    if state.trouble is not None:
        record["trouble"] = _differing(state.trouble)
    return record


def from_record(record: Record) -> FeedState:
    """Return the state that a JSON object holds; members that this version does not know are passed over.

    Raises:
        ValueError: a member has the wrong type, or the URL is missing.
    """
    return _read(FeedState, record)  # type: ignore[no-any-return]


def to_head(stored: StoredResponse) -> Record:
    """Return the head of a stored response as a JSON object, without the store's own id."""
    head = _differing(stored)
    head.pop("id", None)
    head["fields"] = stored.fields.pairs
    return head


def from_head(head: Record, id: int = 0) -> StoredResponse:
    """Return the stored response whose head a JSON object holds.

    Raises:
        ValueError: a member has the wrong type, or one without a default is missing.
    """
    if "requested" in head:
        head = {_FORMER_NAMES.get(name, name): value for name, value in head.items()}
    stored: StoredResponse = _read(StoredResponse, head)
    return replace(stored, id=id)


def to_text(record: Record) -> str:
    return _encode(record)


def from_text(text: str) -> Record:
    """Return the JSON object in a text.

    Raises:
        ValueError: it is not JSON, not an object, or has a number such as NaN.
    """
    try:
        record = _decode(text)
    except RecursionError:
        raise ValueError("too deeply nested") from None
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    return record


@cache
def _members(kind: Any) -> tuple[tuple[str, Any], ...]:
    """Return (name, default) of every field of a dataclass."""
    return tuple(
        (field.name, field.default_factory() if field.default_factory is not MISSING else field.default)
        for field in fields(kind)
    )


def _differing(value: Any) -> Record:
    kind: Any = type(value)
    return {name: member for name, default in _members(kind) if (member := getattr(value, name)) != default}


def _read(kind: Any, record: Any) -> Any:
    """Return the dataclass that a JSON object holds."""
    if not isinstance(record, dict):
        raise ValueError(f"{kind.__name__} is not an object")
    readers = _readers(kind)
    arguments: Record = {}
    for name, value in record.items():
        reader = readers.get(name)
        if isinstance(reader, tuple):
            if not isinstance(value, reader) or (
                isinstance(value, _NUMBER)
                # Instants and durations: infinity, NaN and what no calendar shows are neither.
                and not (0 <= value < YEAR_10000 if float in reader else -_LARGEST < value < _LARGEST)
            ):
                raise ValueError(f"{name} is {value!r:.40}")
            arguments[name] = value
        elif reader is not None:
            try:
                arguments[name] = reader(value)
            except TypeError:
                raise ValueError(f"{name} is {value!r:.40}") from None
    try:
        return kind(**arguments)
    except TypeError as error:
        raise ValueError(str(error).partition(" ")[2]) from None


@cache
def _readers(kind: Any) -> dict[str, tuple[type, ...] | _Reader]:
    return {name: _reader(wanted) for name, wanted in get_type_hints(kind).items()}


def _reader(wanted: Any) -> tuple[type, ...] | _Reader:
    """Return how a member is read from JSON: the types that are taken as they are, or a function.

    The function raises TypeError for a value of another type.
    """
    wanted = getattr(wanted, "__supertype__", wanted)  # of a NewType
    if wanted is Fields:
        return _fields
    if is_dataclass(wanted):
        return partial(_read, wanted)
    arguments = get_args(wanted)
    if get_origin(wanted) is tuple:
        readers = [_reader(kind) for kind in arguments if kind is not ...]
        each = [partial(_scalar, reader) if isinstance(reader, tuple) else reader for reader in readers]
        if arguments[-1] is ...:
            return lambda value: tuple([each[0](item) for item in _list(value)])
        return lambda value: tuple([read(item) for read, item in zip(each, _list(value, len(each)), strict=True)])
    if arguments and is_dataclass(arguments[0]):
        return lambda value: None if value is None else _read(arguments[0], value)
    types = arguments or (wanted,)
    return (*types, int) if float in types else types  # a float may be written as an integer


def _fields(value: Any) -> Fields:
    for pair in _list(value):
        name, text = _list(pair, 2)
        if not (isinstance(name, str) and isinstance(text, str)):
            raise TypeError
    return Fields(map(tuple, value))


def _list(value: Any, length: int | None = None) -> Any:
    if not isinstance(value, _LIST) or length not in (None, len(value)):
        raise TypeError
    return value


def _scalar(types: tuple[type, ...], value: Any) -> Any:
    if not isinstance(value, types):
        raise TypeError
    return value
