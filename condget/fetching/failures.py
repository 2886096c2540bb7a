"""Words about an exchange that failed: `Failure` says the cause, `fetch_error` makes one sentence of it, and
`snippet` shows a little of what the server answered (F9). No secret gets through: neither userinfo nor values sent,
in whatever form a server echoes them.
"""

from __future__ import annotations

import errno
import html
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from urllib.parse import quote, unquote, unquote_to_bytes

from condget.errors import FetchError
from condget.shown import LONGEST, address, line

SNIPPET_LENGTH = 160

#: Advice that several failures share.
NO_TRUST = "do not trust this site"
AGAIN = "it will be requested again"
TELL_OWNER = "if that continues, tell the site's owner"


class Failure(Exception):
    """Why one exchange failed, and what to do; a `FetchError` is made of it where the URL is known."""

    def __init__(self, cause: str, advice: str, *, kind: type[FetchError] = FetchError, connected: bool = True) -> None:
        super().__init__(cause)
        self.cause = cause
        self.advice = advice
        self.kind = kind
        self.connected = connected


def fetch_error(failure: Failure, chain: Sequence[str], secrets: Sequence[str] = ()) -> FetchError:
    """Make the error that a user reads, about the last URL of the chain (F9)."""
    url, cause = address(chain[-1], LONGEST), redacted(failure.cause, secrets)
    if len(chain) > 1:
        url = f"{redacted(url, secrets)} (redirected from {address(chain[0], LONGEST)})"
    # A machine that reached the first host is not offline (C13).
    connected = failure.connected or len(chain) > 1
    return failure.kind(f"{url}: {cause}; {failure.advice}", connected=connected)


def reason(error: BaseException) -> str:
    """Return in a few words what the system or a library says went wrong."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    # OpenSSL adds the name of its error, and a line of Python's source.
    return re.sub(r"^\[[A-Z0-9_: ]+\] | \(_ssl\.c:\d+\)$", "", str(text))[:120]


def no_connection(host: str, port: int, error: OSError | None) -> Failure:
    """Say why no connection to a host came about; `error` is None where its name has no address."""
    advice = "check the address, or whether the server is up"
    if error is None:
        cause = f"the name {host} has no address"
    elif isinstance(error, ConnectionRefusedError):
        cause = f"{host} refuses connections on port {port}"
    elif isinstance(error, TimeoutError):
        cause = f"{host} does not answer on port {port}"
    elif error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN):
        cause, advice = f"{host} cannot be reached ({reason(error)})", "check the network"
    elif error.errno in (errno.EMFILE, errno.ENFILE):
        cause, advice = "this process has no file descriptor left", "raise `ulimit -n` or poll fewer at once"
    else:
        cause = f"no connection to {host} came about ({reason(error)})"
    return Failure(cause, advice, connected=False)


def tls_failure(error: Exception) -> Failure:
    """Say why TLS failed."""
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure(
            f"its certificate is not valid ({error.verify_message})",
            "check the host name and this machine's clock",
        )
    return Failure(f"TLS could not be agreed on ({reason(error)})", TELL_OWNER)


def basic_token(userinfo: str) -> str:
    """Return the userinfo of a URL as Authorization carries it (RFC 7617).

    >>> basic_token("Aladdin:open%20sesame")
    'QWxhZGRpbjpvcGVuIHNlc2FtZQ=='
    """
    user, _, password = userinfo.partition(":")
    return b64encode(unquote_to_bytes(user) + b":" + unquote_to_bytes(password)).decode("ascii")


def secrets_of(userinfo: str | None, fields: Iterable[tuple[str, str]] = ()) -> list[str]:
    """Return what must not be shown of what is sent: values of fields; userinfo and its parts as written and decoded;
    and the Basic token.

    >>> secrets_of("me:p%40ss")
    ['me:p%40ss', 'me', 'p%40ss', 'me:p@ss', 'p@ss', 'bWU6cEBzcw==', 'bWU6cEBzcw']
    """
    secrets = [value for _, value in fields]
    if userinfo is not None:
        user, _, password = userinfo.partition(":")
        for charset in ("utf-8", "latin-1"):
            plain, hidden = unquote(user, charset), unquote(password, charset)
            secrets += [userinfo, user, password, f"{plain}:{hidden}", plain, hidden]
        token = basic_token(userinfo)
        secrets += [token, token.rstrip("=")]
    return [secret for secret in dict.fromkeys(secrets) if secret]


def redacted(text: str, secrets: Sequence[str]) -> str:
    """Return a text without these secrets, whether plain, percent-encoded or escaped for HTML.

    A secret of less than four characters would take too much of the text with it.
    """
    if not secrets:
        return text
    forms: set[str] = set()
    for secret in secrets:
        forms |= {secret, quote(secret, safe="", errors="surrogatepass"), html.escape(secret)}
    longest_first = sorted((form for form in forms if len(form) >= 4), key=len, reverse=True)
    if not longest_first:
        return text
    return re.sub("|".join(map(re.escape, longest_first)), "***", text, flags=re.IGNORECASE)


# The texts are short: a name is looked for at the start of each word, and words may be many.
_NAMES = r"(?:[\w.-]{0,64}?(?:token|secret|passw(?:or)?d|pwd|api[_-]?key|signature|session(?:id)?|auth)|key|sig)"
_SECRETS = (
    # userinfo of a URL anywhere in the text
    (re.compile(r"(\w://)[^\s/@<>\"']+@"), r"\1"),
    (re.compile(r"\b(basic|bearer|digest|negotiate)\s+(?!realm\b)[\w.~+/=-]{6,}", re.IGNORECASE), r"\1 ***"),
    (re.compile(rf"\b({_NAMES}[\"']?\s*[=:]\s*[\"']?)[^\s\"'&<>;,*]+", re.IGNORECASE), r"\1***"),
)


def snippet(content: bytes, content_type: str | None, secrets: Sequence[str] = ()) -> str:
    """Return the beginning of a response as one short line of text; `secrets` are values that were sent.

    >>> snippet(b"<html><title>Sorry</title><p>token=abc is wrong</p>", "text/html")
    'Sorry token=*** is wrong'
    """
    # Most of a page may be mark-up; its text is cut before anything is looked for in the text.
    text = _decoded(content[:_LOOKED_AT], content_type or "")
    if text.lstrip()[:1] == "<":
        text = _MARKUP.sub(" ", text)
    text = line(redacted(" ".join(text.split())[: 4 * LONGEST], secrets))
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text if len(text) <= SNIPPET_LENGTH else text[: SNIPPET_LENGTH - 1].rstrip() + "…"


#: Bytes of a page that are looked at.
_LOOKED_AT = 16_384
_MARKUP = re.compile(r"(?is)<(script|style)\b.*?(?:</\1\b[^>]*>?|$)|<!--.*?(?:-->|$)|<[^>]*(?:>|$)")
_CHARSET = re.compile(r"charset\s*+=\s*+\"?([\w.:-]{1,40})", re.IGNORECASE)
#: Charsets of texts; others that Python knows are codecs of something else, or take time with the square of the length.
_OF_TEXT = re.compile(
    r"(?:utf-?(?:8|16|32)|us-ascii|iso-?(?:8859|2022)|latin|windows-|cp|koi8|gb|big5|euc|shift|tis)", re.I
)


def _decoded(content: bytes, content_type: str) -> str:
    charset = _CHARSET.search(content_type[:1_000])
    name = charset[1] if charset and _OF_TEXT.match(charset[1]) else "utf-8" if charset is None else "latin-1"
    try:
        return content.decode(name, "replace")
    except (LookupError, UnicodeError, ValueError):
        return content.decode("latin-1")  # an unknown charset
