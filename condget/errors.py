"""Exceptions of condget. Each text is one sentence: what happened, to which URL or file and line, what to do.

CondgetError
 ├─ UsageError               the caller's arguments or options make no sense
 │   └─ SubscriptionError    a list of feeds has a bad line (file name and line number in the text)
 ├─ FetchError               one exchange failed: connection, deadline, limit, coding, redirect
 │   └─ ForbiddenTarget      condget refused to send the request: scheme, private network
 ├─ DocumentError            the content of a response is not a readable feed
 └─ StoreError               a file of condget's own cannot be used
     ├─ StateLocked          another run holds the state
     ├─ NewerState           a newer condget wrote this file; it is left alone
     └─ ForeignFile          the file named as a state or a cache is not condget's (also a UsageError)

`condget.Client` never raises these for a request: httpx's own exceptions pass through the client unchanged, and a
store that fails is logged and left alone.
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

    `connected` is False if no connection was made: the sign of an offline machine (C13).
    """

    def __init__(self, message: str, *, connected: bool = True) -> None:
        super().__init__(message)
        self.connected = connected

    def __reduce__(self) -> tuple[object, ...]:
        return (_fetch_error, (type(self), str(self), self.connected))


class ForbiddenTarget(FetchError):
    """A target without a request: its scheme is not http(s), or a public host led to its private address."""


class DocumentError(CondgetError):
    """The content of a response is not a feed: empty, HTML, or unreadable for the parser."""


class StoreError(CondgetError):
    """A file of condget's own cannot be used: corrupt, read-only, full."""


class StateLocked(StoreError):
    """Another run holds the state; the text says which pid and since when."""


class ForeignFile(StoreError, UsageError):
    """The file that was named as a state or a cache is not one of condget's; it is left untouched."""


class NewerState(StoreError):
    """A newer condget wrote the file, which is left untouched."""


def _fetch_error(kind: type[FetchError], message: str, connected: bool) -> FetchError:
    return kind(message, connected=connected)
