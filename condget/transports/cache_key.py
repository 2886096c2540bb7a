"""The cache key of a request (RFC 9111 §2): the target URI as it is sent, and whose response it is (§3.5).

A partition is a digest of all that parts the stored responses of one URI: credentials, the caller's own partition,
the trust of the connection, a host that the request is not sent to. Only the digest is ever stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING

from condget.cache.fields import Fields
from condget.cache.messages import Request
from condget.field_names import SECRET

if TYPE_CHECKING:
    import httpx

#: Most sets of request fields that stay parsed.
_MOST_PARSED = 128

_HOST = re.compile(r"(?:[a-z0-9._~%!$&'()*+,;=-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.IGNORECASE)
_PATH = re.compile(rb"/[!\"$-~]*")
_PARAMETER = re.compile(r"([a-z0-9_*-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s,\"]+))", re.IGNORECASE)

#: Authorization schemes whose credentials change with each request, and the parameters that say who sends it.
_CHANGING = {
    "aws4-ecdsa-p256-sha256": ("credential",),
    "aws4-hmac-sha256": ("credential",),
    "digest": ("username", "username*"),
    "hawk": ("id",),
    "oauth": ("oauth_consumer_key", "oauth_token"),
    "signature": ("keyid",),
}


def to_request(
    request: httpx.Request,
    credential_fields: frozenset[str],
    partition: Iterable[str] = (),
    unkeyed: str | None = None,
) -> Request:
    """Return httpx's request as a pure value, its credentials only as a digest.

    `partition` holds what parts the stored responses besides; empty strings part nothing. `unkeyed` is why the request
    bypasses the cache.
    """
    fields = _fields(tuple(request.headers.raw), credential_fields)
    url = request.url
    parts = [part for part in partition if part]
    must_validate = False
    authorization = fields.get("authorization") or url.userinfo.decode("latin-1")
    if authorization:
        sender, must_validate = sender_of(authorization)
        parts.append(f"authorization: {sender}")
    if fields.has_any(credential_fields):
        parts += [f"{name}: {fields.get(name)}" for name in sorted(credential_fields) if name in fields]
    authority, path = url.netloc.decode("ascii"), url.raw_path.decode("ascii")
    host = fields.all("host")
    if host and host != [authority]:
        if len(host) != 1 or not _HOST.fullmatch(host[0]):
            unkeyed = "the Host field names no host"
        elif host[0].lower() != authority:
            parts.append(f"sent to: {authority}")
            authority = host[0].lower()
    target = request.extensions.get("target")
    if target is not None:
        if isinstance(target, bytes) and _PATH.fullmatch(target):
            path = target.decode("ascii")
        else:
            unkeyed = "the request target is no path"
    return Request(
        request.method,
        f"{url.scheme}://{authority}{path}",
        fields,
        sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32] if parts else "",
        must_validate,
        unkeyed,
    )


def target_uri(url: httpx.URL) -> str:
    """Return what responses are stored under: no userinfo, no fragment; an empty path is "/" (RFC 9110 §4.2.3)."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}{url.raw_path.decode('ascii')}"


def sender_of(authorization: str) -> tuple[str, bool]:
    """Return who sends a request, and whether only the origin can check that, since the credentials change each time.

    >>> sender_of('Digest username="ann", nonce="1", uri="/", response="2"')
    ('digest username=ann', True)
    >>> sender_of("Bearer 1")
    ('Bearer 1', False)
    """
    scheme, _, rest = authorization.partition(" ")
    names = _CHANGING.get(scheme.lower())
    if names is None:
        return authorization, False
    parameters = {name.lower(): quoted or token for name, quoted, token in _PARAMETER.findall(rest)}
    if "credential" in parameters:  # of AWS: the scope behind the key holds the date
        parameters["credential"] = parameters["credential"].partition("/")[0]
    senders = [f"{name}={parameters[name]}" for name in names if name in parameters]
    return (" ".join([scheme.lower(), *senders]) if senders else authorization), True


def _fields(raw: tuple[tuple[bytes, bytes], ...], credential_fields: frozenset[str]) -> Fields:
    """Most requests of a client have the same fields: they are parsed once, unless there are secrets among them."""
    fields = _parsed.get(raw)
    if fields is None:
        fields = Fields([(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw])
        if not fields.has_any(SECRET | credential_fields):
            if len(_parsed) >= _MOST_PARSED:
                _parsed.clear()
            _parsed[raw] = fields
    return fields


_parsed: dict[tuple[tuple[bytes, bytes], ...], Fields] = {}
