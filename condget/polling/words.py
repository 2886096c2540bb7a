"""Words about an exchange that failed: `Failure` says the cause, `fetch_error` makes one sentence of it, and
`snippet` shows a little of what the server answered (F9). No secret gets through: neither userinfo nor values sent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from condget.errors import FetchError

SNIPPET_LENGTH = 160


class Failure(Exception):
    """Why one exchange failed, and what to do; a `FetchError` is made of it where the URL is known."""

    def __init__(self, cause: str, advice: str, *, kind: type[FetchError] = FetchError, connected: bool = True) -> None:
        super().__init__(cause)
        self.cause = cause
        self.advice = advice
        self.kind = kind
        self.connected = connected


def fetch_error(failure: Failure, chain: Sequence[str]) -> FetchError:
    """Make the error that a user reads, about the last URL of the chain (F9)."""
    url = shown(chain[-1])
    if len(chain) > 1:
        url += f" (redirected from {shown(chain[0])})"
    # A machine that reached the first host is not offline (C13).
    connected = failure.connected or len(chain) > 1
    return failure.kind(f"{url}: {failure.cause}; {failure.advice}", connected=connected)


def shown(url: str) -> str:
    """Return a URL as it may be shown: without userinfo, control characters or endless length."""
    text = _one_line(re.sub(r"^([^/?#]*:)?(//)[^/?#]*@", r"\1\2", url))
    return text if len(text) <= 400 else text[:399] + "…"


_NAMES = r"(?:[\w.-]*(?:token|secret|passw(?:or)?d|pwd|api[_-]?key|signature|session(?:id)?|auth)|key|sig)"
_SECRETS = (
    # userinfo of a URL anywhere in the text
    (re.compile(r"(\w://)[^\s/@<>\"']+@"), r"\1"),
    (re.compile(r"\b(basic|bearer|digest|negotiate)\s+(?!realm\b)[\w.~+/=-]{6,}", re.IGNORECASE), r"\1 ***"),
    (re.compile(rf"\b({_NAMES}[\"']?\s*[=:]\s*[\"']?)[^\s\"'&<>;,*]+", re.IGNORECASE), r"\1***"),
)


def snippet(content: bytes, content_type: str | None, secrets: Iterable[str] = ()) -> str:
    """Return the beginning of an answer as one short line of text; `secrets` are values that were sent.

    >>> snippet(b"<html><title>Sorry</title><p>token=abc is wrong</p>", "text/html")
    'Sorry token=*** is wrong'
    """
    # Twice as much as is needed could still be all mark-up; more is not worth the time.
    text = _decoded(content[:16_384], content_type or "")
    if re.match(r"\s*<", text):
        text = re.sub(r"(?is)<(script|style)\b.*?(</\1\s*>|$)|<!--.*?(-->|$)|<[^>]*(>|$)", " ", text)
    for secret in sorted((s for s in secrets if len(s) >= 4), key=len, reverse=True):
        text = text.replace(secret, "***")
    text = _one_line(text)
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text if len(text) <= SNIPPET_LENGTH else text[: SNIPPET_LENGTH - 1].rstrip() + "…"


def _decoded(content: bytes, content_type: str) -> str:
    charset = re.search(r"charset\s*=\s*\"?([\w.:-]+)", content_type, re.IGNORECASE)
    try:
        return content.decode(charset[1] if charset else "utf-8", "replace")
    except (LookupError, UnicodeError, ValueError):
        return content.decode("latin-1")  # an unknown charset, or a codec that is not one of text


def _one_line(text: str) -> str:
    # Category C: control and format characters, among them escape sequences and bidirectional overrides.
    kept = (" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join("".join(kept).split())
