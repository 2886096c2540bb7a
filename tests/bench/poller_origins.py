"""The origins of the poller's benchmarks: nginx, and a late one, on many addresses of 127.0.0.0/8."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from tests.bench import ROOT

HOSTS_A_CERTIFICATE = 20

NGINX = """daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections {connections}; }}
http {{
  log_format short '$status $msec'; access_log {folder}/access.log short;
  types {{ application/rss+xml xml; }}
  root {folder}/www; keepalive_requests 1000000; sendfile on; tcp_nopush on;
  client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
  uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  ssl_protocols TLSv1.3;
{servers}
}}
"""
OPENSSL = """[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
"""
LEAF = """[leaf{n}]
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""


def address(number: int) -> str:
    return f"127.0.{1 + number // 250}.{1 + number % 250}"


def addresses(hosts: int) -> list[str]:
    return [address(number) for number in range(hosts)]


class Origin(NamedTuple):
    """A running server. Its log has a line for each answer: status and POSIX seconds."""

    scheme: str
    port: int
    log: Path

    def urls(self, hosts: int, feeds: int, part: object = "") -> list[str]:
        return [f"{self.scheme}://{address(n % hosts)}:{self.port}{part}/{n}.xml" for n in range(feeds)]

    def answers(self) -> tuple[Counter[int], float]:
        """Return the statuses sent since the last call, and when the last response was sent."""
        lines = self.log.read_text().splitlines()
        self.log.write_text("")
        return Counter(int(line[:3]) for line in lines), float(lines[-1][4:]) if lines else 0.0


@contextlib.contextmanager
def nginx(folder: Path, hosts: int, *, tls: bool = False) -> Iterator[Origin]:
    """Serve folder/www. With `tls`, folder/ca.pem is the authority to trust, among all that a machine trusts."""
    (folder / "www").mkdir()
    port = free_port()
    found = addresses(hosts)
    groups = [found[n : n + HOSTS_A_CERTIFICATE] for n in range(0, hosts, HOSTS_A_CERTIFICATE)] if tls else [found]
    if tls:
        make_certificates(folder, groups)
    servers = "\n".join(
        "server {"
        + "".join(f" listen {host}:{port}{' ssl' if tls else ''};" for host in group)
        + (f" ssl_certificate {folder}/{n}.pem; ssl_certificate_key {folder}/key.pem;" if tls else "")
        + " }"
        for n, group in enumerate(groups)
    )
    # A connection for each listening socket, too.
    config = NGINX.format(folder=folder, servers=servers, connections=hosts + 4_000)
    (folder / "nginx.conf").write_text(config)
    command = [shutil.which("nginx") or "/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf"]
    with running([str(part) for part in command], found[-1], port):
        yield Origin("https" if tls else "http", port, folder / "access.log")


@contextlib.contextmanager
def late(folder: Path, hosts: int) -> Iterator[Origin]:
    """Serve feeds late: the first part of a path is the delay in milliseconds, or "never"."""
    port, log = free_port(), folder / "access.log"
    command = [sys.executable, "-m", "tests.bench.late_origin", str(port), str(hosts), str(log)]
    with running(command, address(hosts - 1), port):
        yield Origin("http", port, log)


@contextlib.contextmanager
def running(command: Sequence[str], host: str, port: int) -> Iterator[None]:
    """Run a server until the block ends; the server is ready when it accepts connections at that address."""
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection((host, port), 1):
                    break
                if process.poll() is not None:
                    raise RuntimeError(f"{command[0]} ended with code {process.returncode}")
                time.sleep(0.05)
            else:
                raise RuntimeError(f"{command[0]} does not accept at {host}:{port}")
            yield
        finally:
            process.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def make_certificates(folder: Path, groups: Sequence[Sequence[str]]) -> None:
    """Make an authority and, for each group of addresses, a certificate of it; few names in each, as is usual."""
    import certifi

    sections = [LEAF.format(n=n, names=",".join(f"IP:{host}" for host in group)) for n, group in enumerate(groups)]
    (folder / "openssl.conf").write_text(OPENSSL + "".join(sections))

    def openssl(*arguments: object) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, cwd=folder, capture_output=True)

    for key in ("ca-key.pem", "key.pem"):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    common = ["req", "-new", "-x509", "-config", "openssl.conf", "-days", 2]
    openssl(*common, "-key", "ca-key.pem", "-subj", "/CN=condget bench", "-extensions", "ca", "-out", "own.pem")
    for n in range(len(groups)):
        signed = ["-CA", "own.pem", "-CAkey", "ca-key.pem", "-extensions", f"leaf{n}", "-out", f"{n}.pem"]
        openssl(*common, "-key", "key.pem", "-subj", f"/CN=host {n}", *signed)
    (folder / "ca.pem").write_text(Path(certifi.where()).read_text() + (folder / "own.pem").read_text())


#: Plain English.
WORDS = (ROOT / "LICENSE").read_text().split()


def write_feeds(www: Path, feeds: int, *, every: int = 0) -> None:
    """Write small feeds, and a large one in every so many places."""
    for n in range(feeds):
        large = bool(every) and n % every == 0
        (www / f"{n}.xml").write_text(document(n, 0, large=large))


def change_feeds(www: Path, feeds: int, *, every: int) -> None:
    """Put two new entries into the large feeds, in place of the two oldest."""
    for n in range(0, feeds, every):
        (www / f"{n}.xml").write_text(document(n, 2, large=True))


def document(feed: int, newest: int, *, large: bool) -> str:
    sizes = random.Random(feed)
    entries = sizes.randint(10, 40) if large else 2
    paragraphs = sizes.randint(30_000, 100_000) // entries // 460 if large else 1
    items = "".join(item(feed, number, max(1, paragraphs)) for number in range(newest + entries, newest, -1))
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel><title>Feed {feed}</title>'
        f"<link>https://example.org/{feed}/</link><description>A feed</description>\n{items}</channel></rss>\n"
    )


def item(feed: int, number: int, paragraphs: int) -> str:
    chance = random.Random(f"{feed} {number}")
    text = "".join(
        f"<p>{' '.join(chance.choices(WORDS, k=60))} <a href='/{feed}/{n}'>more</a> <em>and</em> &amp; on.</p>\n"
        for n in range(paragraphs)
    )
    day = f"{number % 28 + 1:02} Mar 2025 10:00:00 GMT"
    return (
        f"<item><title>Entry {number} of {feed}</title><link>https://example.org/{feed}/{number}</link>"
        f"<guid>https://example.org/{feed}/{number}</guid><pubDate>{day}</pubDate>"
        f"<description>{escape(text)}</description></item>\n"
    )
