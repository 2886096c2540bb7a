"""A scripted origin behind TLS, with a certificate that signs itself."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from pathlib import Path

from tests.origin import Origin

#: For secure.test and 127.0.0.1, with its key; it guards nothing.
CERTIFICATE = Path(__file__).parents[1] / "fetching" / "secure.test.pem"


class SecureOrigin(Origin):
    def __init__(self) -> None:
        super().__init__()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(CERTIFICATE)

    def url(self, path: str = "/", *, userinfo: str = "") -> str:
        return super().url(path, userinfo=userinfo).replace("http:", "https:", 1)

    def serve(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError):
            super().serve(self._tls.wrap_socket(connection, server_side=True), number)


def trusting() -> ssl.SSLContext:
    """A context that trusts the certificate of `SecureOrigin` alone."""
    return ssl.create_default_context(cafile=str(CERTIFICATE))


def careless() -> ssl.SSLContext:
    """A context that verifies nothing."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
