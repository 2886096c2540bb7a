"""A real Redis server from Debian's package, in a temporary directory, for tests."""

from __future__ import annotations

import functools
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.servers import free_port, popen, wait_until

_PATIENT = "socket_timeout=30&socket_connect_timeout=30"


class RedisServer:
    """A Redis server that keeps nothing on disk. `options` are arguments of its command line."""

    def __init__(self, *options: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="condget-redis-"))
        self.port = free_port()
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def address(self) -> str:
        """The URL as messages show it."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def url(self) -> str:
        """The URL with time-outs for a busy machine, in place of the cache's own."""
        return f"{self.address}?{_PATIENT}"

    @property
    def socket_url(self) -> str:
        return f"unix://{self.directory / 'socket'}?db=0&{_PATIENT}"

    def client(self) -> Any:
        """Return a client of redis-py, to look into the server."""
        import redis

        return redis.Redis(unix_socket_path=str(self.directory / "socket"), decode_responses=True)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        arguments = (
            *("--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", str(self.directory / "socket")),
            *("--save", "", "--appendonly", "no", "--dir", str(self.directory)),
        )
        self._process = popen(
            ["redis-server", *arguments, *self._options], None, signal.SIGKILL, stdout=subprocess.DEVNULL
        )
        wait_until(self._is_ready, "Redis did not start")

    def kill(self) -> None:
        """End it at once: all that it holds is lost."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def freeze(self) -> None:
        """Take connections and answer nothing, as behind a network that was cut."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.directory)

    def _is_ready(self) -> bool:
        import redis

        assert self._process is not None
        assert self._process.poll() is None, "Redis ended at once"
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.AuthenticationError:
            return True
        except redis.ConnectionError:
            return False


@functools.cache
def why_no_redis() -> str | None:
    """Return why no test can have a Redis server, or None."""
    try:
        import redis  # noqa: F401
    except ImportError:
        return "redis-py is not installed"
    if shutil.which("redis-server") is None:
        return "there is no Redis server (Debian's package redis-server)"
    return None


def require_redis() -> None:
    """Skip the test where there is no Redis."""
    if (reason := why_no_redis()) is not None:
        pytest.skip(reason)
