"""Exceptions of condget. Each text is one sentence: what happened, to which URL or file and line, what to do.

CondgetError
 ├─ UsageError               the caller's arguments or options make no sense
 │   └─ SubscriptionError    a list of feeds has a bad line (file name and line number in the text)
 ├─ FetchError               one exchange failed: connection, deadline, limit, coding, redirect
 │   └─ ForbiddenTarget      condget refused to ask: scheme, private network
 ├─ DocumentError            an answer arrived, but it is not a feed that can be read
 └─ StoreError               a file of condget's own cannot be used
     ├─ StateLocked            another run holds the state
     └─ NewerState           a newer condget wrote this file; it is left alone

`condget.Client` never raises these for a request: httpx's own exceptions pass through it unchanged, and a cache
store that fails is logged and stepped aside from.
"""

from __future__ import annotations


class CondgetError(Exception):
    """Base of everything that condget raises itself."""


class UsageError(CondgetError):
    """The caller's arguments or options make no sense together."""


class SubscriptionError(UsageError):
    """A list of feeds cannot be read, or has lines that are refused; the text names file and line."""


class FetchError(CondgetError):
    """One exchange with an origin failed; the text says how, without secrets.

    `connected` is False where not even a connection came about, which is how an offline machine is recognised.
    """

    def __init__(self, message: str, *, connected: bool = True) -> None:
        super().__init__(message)
        self.connected = connected

    def __reduce__(self) -> tuple[object, ...]:
        return (_fetch_error, (type(self), str(self), self.connected))


class ForbiddenTarget(FetchError):
    """A target that condget refuses to ask: a scheme that is not http(s), or a private address behind a public one."""


class DocumentError(CondgetError):
    """An answer is not a feed: empty, HTML, or beyond what the parser can read."""


class StoreError(CondgetError):
    """A file of condget's own cannot be used: corrupt, read-only, full."""


class StateLocked(StoreError):
    """Another run holds the state; the text says which pid and since when."""


class NewerState(StoreError):
    """The file was written by a newer condget and is left untouched."""


def _fetch_error(kind: type[FetchError], message: str, connected: bool) -> FetchError:
    return kind(message, connected=connected)
