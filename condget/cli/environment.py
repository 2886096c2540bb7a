"""Checks and preparations before a command sends its first request."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from condget.errors import UsageError


def check_certificates() -> None:
    """Refuse a list of certificates that cannot be read: it would make every https server look at fault.

    Raises:
        UsageError: SSL_CERT_FILE or SSL_CERT_DIR names nothing that can be read.
    """
    if name := os.environ.get("SSL_CERT_FILE"):
        try:
            content = Path(name).read_bytes()
        except OSError as error:
            raise UsageError(f"SSL_CERT_FILE names {name}, which cannot be read ({error.strerror})") from None
        if b"-----BEGIN" not in content:
            raise UsageError(f"SSL_CERT_FILE names {name}, which has no certificate in it")
    if (name := os.environ.get("SSL_CERT_DIR")) and not any(Path(part).is_dir() for part in name.split(os.pathsep)):
        raise UsageError(f"SSL_CERT_DIR names {name}, which is not a directory")


def leave_out_httpx_command_line() -> None:
    """Let httpx be imported without its own command line, which imports rich and takes longer than all the rest.

    httpx goes without where the import fails: rich is an optional part of it.
    """
    if "httpx" not in sys.modules:
        sys.modules["httpx._main"] = None  # type: ignore[assignment]
        try:
            import httpx  # noqa: F401
        finally:
            del sys.modules["httpx._main"]
