"""The trust of a transport, as far as it can be seen: the authorities it accepts over TLS, and its client certificate.

A response must not answer a client that would not have trusted its connection: after `verify=False`, with a certificate
authority of one's own, with a client certificate. httpx keeps its SSL context in the connection pool of a transport.
The context of other transports cannot be seen, and neither can a client certificate inside a context: transports like
these take a `partition`.
"""

from __future__ import annotations

import re
import ssl
import weakref
from functools import lru_cache
from hashlib import sha256
from pathlib import Path


def trust_of(transport: object) -> str:
    """Return a digest of whom a transport trusts; "" is the default, which trusts certifi's authorities."""
    context = getattr(getattr(transport, "_pool", None), "_ssl_context", None)
    if not isinstance(context, ssl.SSLContext):
        return ""
    if context not in _known:  # a context learns authorities of a directory while it is used
        _known[context] = _trust(context)
    return _known[context]


def client_certificate(cert: object) -> str:
    """Return a digest of a client certificate, given as httpx's argument `cert`; "" means none was given."""
    if cert is None:
        return ""
    file = cert[0] if isinstance(cert, tuple) else cert
    return sha256(Path(file).read_bytes()).hexdigest() if isinstance(file, str) else ""


def is_local_socket(transport: object) -> bool:
    """Whether a transport speaks to a Unix socket: every one of them is a world of its own."""
    return getattr(getattr(transport, "_pool", None), "_uds", None) is not None


_known: weakref.WeakKeyDictionary[ssl.SSLContext, str] = weakref.WeakKeyDictionary()


def _trust(context: ssl.SSLContext) -> str:
    if context.verify_mode != ssl.CERT_REQUIRED or not context.check_hostname:
        return "unverified"
    authorities = _digest(context.get_ca_certs(binary_form=True))
    return "" if authorities == _default_authorities() else authorities


@lru_cache(maxsize=1)
def _default_authorities() -> str:
    import certifi

    pem = Path(certifi.where()).read_text(encoding="utf-8")
    found = re.findall(r"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----", pem)
    return _digest([ssl.PEM_cert_to_DER_cert(certificate) for certificate in found])


def _digest(certificates: list[bytes]) -> str:
    digest = sha256()
    for certificate in sorted(set(certificates)):
        digest.update(sha256(certificate).digest())
    return digest.hexdigest()[:32]
