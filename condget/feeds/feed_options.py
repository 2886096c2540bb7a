"""Options of a feed in its list, such as `every=6h name="..." header=Name:value`. A new one is a line in `_READERS`.

A reader takes the text of a value. It raises ValueError with the reason, never with a value that may be secret.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, Literal, cast

from condget.feeds.durations import duration, duration_or_seconds
from condget.field_names import RESERVED, TOKEN

Validators = Literal["both", "etag", "last-modified", "none"]


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one feed in its list. Durations are in seconds."""

    #: The interval between polls; None: adaptive.
    every: float | None = None
    #: The validators to send back, for servers that mishandle one of the two.
    validators: Validators = "both"
    #: Further request fields. A value is literal, or `@env:NAME` or `@file:PATH`, which is resolved when polling.
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    #: Total time for one feed, redirects included.
    timeout: float | None = None
    user_agent: str | None = None
    #: Whether a public host may redirect to a private or loopback address (E4).
    private_network: bool = False
    #: The feed is not polled until then, in POSIX seconds; infinite: as long as the option stands in the list.
    pause: float | None = None
    #: Regular expressions: only entries in which the one, and not the other, is found are reported.
    match: str | None = None
    not_match: str | None = None
    #: Bytes of content as received, at most; None: 10 MB.
    max_size: int | None = None
    #: Seconds for reading the document; None: by its length.
    parse_timeout: float | None = None
    #: How many requests at a time the feed's host allows; None: one.
    parallel: int | None = None


NO_OPTIONS = Options()


def read_options(pairs: Iterable[tuple[str, str]]) -> tuple[str | None, Options]:
    """Return the name of a feed and its options.

    Raises:
        ValueError: an option is unknown, given twice, or has a value that makes no sense.
    """
    values: dict[str, Any] = {}
    headers: list[tuple[str, str]] = []
    for name, text in pairs:
        if name not in _READERS:
            label = f'"{name}" ' if re.fullmatch("[A-Za-z_-]{1,20}", name) else ""
            raise ValueError(f"unknown option {label}(known: {', '.join(_READERS)})")
        if name in values:
            raise ValueError(f'the option "{name}" is given twice')
        value = _READERS[name](text)
        if name == "header":
            headers.append(cast("tuple[str, str]", value))
        else:
            values[name] = value
    feed_name = values.pop("name", None)
    fields = {name.replace("-", "_"): value for name, value in values.items()}
    return feed_name, Options(headers=tuple(headers), **fields)


def is_option(name: str) -> bool:
    """Whether there is an option of that name."""
    return name in _READERS


def pause_words(until: float) -> str:
    """Say why a paused feed is not polled."""
    if until == math.inf:
        return "paused in the list"
    return f"paused in the list until {datetime.fromtimestamp(until, UTC):%Y-%m-%d}"


def _name(text: str) -> str | None:
    return text or None


def _validators(text: str) -> str:
    if text not in ("both", "etag", "last-modified", "none"):
        raise ValueError(f'"{text}" is not a choice of validators (both, etag, last-modified, none)')
    return text


_UNSENDABLE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    value = value.strip()
    if not colon or not TOKEN.fullmatch(name):
        raise ValueError("header= takes Name:value, Name:@env:VARIABLE or Name:@file:PATH")
    if name.lower() == "user-agent":
        raise ValueError(f"header={name}: write user-agent= instead")
    if name.lower() == "cookie":
        raise ValueError(f"header={name}: the poller sends no cookies")
    if name.lower() in RESERVED:
        raise ValueError(f"header={name}: condget sends this field itself, or never")
    if value in ("@env:", "@file:"):
        missing = "variable" if value == "@env:" else "file"
        raise ValueError(f"header={name}: {value} is not followed by the name of a {missing}")
    if _UNSENDABLE.search(value):
        raise ValueError(f"header={name}: its value cannot be sent")
    return name, value


def _user_agent(text: str) -> str:
    if not text or _UNSENDABLE.search(text):
        raise ValueError("user-agent holds characters that cannot be sent")
    return text


def _pause(text: str) -> float | None:
    if text.lower() in ("yes", "no"):
        return math.inf if text.lower() == "yes" else None
    try:
        return datetime.combine(date.fromisoformat(text), time(tzinfo=UTC)).timestamp()
    except ValueError:
        raise ValueError(f"pause={text}: say yes, no or a date such as 2027-01-01") from None


def _size(text: str) -> int:
    matched = re.fullmatch(r"([0-9]{1,12})(?:(k|M|G)B?)?", text)
    size = int(matched[1]) * {None: 1, "k": 10**3, "M": 10**6, "G": 10**9}[matched[2]] if matched else 0
    if not size:
        raise ValueError(f'max-size={text}: write a size such as "50MB"')
    return size


def _parallel(text: str) -> int:
    number = int(text) if re.fullmatch("[0-9]{1,3}", text) else 0
    if not number:
        raise ValueError(f"parallel={text}: write how many requests at a time the server allows, 1 to 999")
    return number


def _truth(text: str) -> bool:
    truths = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if text.lower() not in truths:
        raise ValueError(f"private-network={text}: say yes or no")
    return truths[text.lower()]


def _pattern(text: str) -> str:
    from condget.feeds.filters import pattern

    return pattern(text)


_READERS: dict[str, Callable[[str], object]] = {
    "every": duration,
    "name": _name,
    "validators": _validators,
    "header": _header,
    "timeout": duration_or_seconds,
    "user-agent": _user_agent,
    "private-network": _truth,
    "pause": _pause,
    "match": _pattern,
    "not-match": _pattern,
    "max-size": _size,
    "parse-timeout": duration_or_seconds,
    "parallel": _parallel,
}
