"""`condget get`: what goes wrong, in words for people, and within bounds."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.origin import Answer, Origin, ok, redirect


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_f9_a_refused_connection_is_told_as_poll_tells_it(invoke: Run) -> None:
    port = closed_port()
    done = invoke("get", f"http://127.0.0.1:{port}/")
    assert done.returncode == 1
    assert done.stderr == (
        f"condget: http://127.0.0.1:{port}/: 127.0.0.1 refuses connections on port {port}; "
        "check the address, or whether the server is up\n"
    )


def test_f9_a_name_without_an_address_is_told(invoke: Run) -> None:
    done = invoke("get", "http://nope.invalid/")
    assert done.returncode == 1
    assert "http://nope.invalid/: the name nope.invalid has no address; check the address" in done.stderr


def test_f9_a_proxy_that_is_down_is_named(condget: Run) -> None:
    done = condget("get", "http://feeds.example/", env={"HTTP_PROXY": f"http://127.0.0.1:{closed_port()}"})
    assert done.returncode == 1
    assert "no connection through the proxy" in done.stderr
    assert "check HTTP_PROXY and HTTPS_PROXY" in done.stderr


@pytest.mark.parametrize(
    ("proxy", "words"),
    [("socks5://127.0.0.1:9", "install httpx[socks]"), ("http://me:pw@[::1/", "is not a valid URL")],
)
def test_f9_a_proxy_that_cannot_be_used_is_told_without_its_password(condget: Run, proxy: str, words: str) -> None:
    done = condget("get", "http://feeds.example/", env={"HTTP_PROXY": proxy})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert words in done.stderr
    assert "pw" not in done.stderr


@pytest.mark.parametrize("command", ["get", "poll", "doctor"])
def test_f9_a_wrong_certificate_file_is_not_the_servers_fault(
    condget: Run, origin: Origin, tmp_path: Path, command: str
) -> None:
    """Exit 2, before anything is requested."""
    (tmp_path / "empty.pem").write_text("nothing\n")
    for name, words in [("nope.pem", "which cannot be read"), ("empty.pem", "which has no certificate in it")]:
        done = condget(command, origin.url("/"), env={"SSL_CERT_FILE": str(tmp_path / name)})
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"condget: SSL_CERT_FILE names {tmp_path / name}, {words}")
    assert origin.requests == []


def test_f9_a_certificate_that_nobody_signed_is_told(invoke: Run) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).parents[1] / "fetching" / "secure.test.pem")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def shake_hands() -> None:
            with suppress(OSError), context.wrap_socket(server.accept()[0], server_side=True):
                pass

        thread = threading.Thread(target=shake_hands)
        thread.start()
        done = invoke("get", f"https://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()
    assert done.returncode == 1
    assert "its certificate is not valid (" in done.stderr
    assert "_ssl.c" not in done.stderr


def test_f9_a_server_without_tls_is_told(invoke: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
                connection.recv(65536)

        thread = threading.Thread(target=answer)
        thread.start()
        done = invoke("get", f"https://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()
    assert done.returncode == 1
    assert "TLS could not be agreed on" in done.stderr
    assert "_ssl.c" not in done.stderr


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("data:text/plain,hello", "redirects to what is not a URL"),
        ("file:///etc/passwd", 'the scheme "file"'),
        ("http://[::1/", "redirect"),
        ("http://exa mple.org:99999999/", "redirect"),
    ],
)
def test_e3_a_redirect_to_what_is_not_http_is_an_error(invoke: Run, origin: Origin, location: str, words: str) -> None:
    """E3"""
    origin.script("/old", redirect(location))
    done = invoke("get", origin.url("/old"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert words in done.stderr
    assert "internal error" not in done.stderr


@pytest.mark.parametrize("status", [302, 404])
def test_f2_endless_bodies_of_redirects_and_errors_are_bounded(invoke: Run, origin: Origin, status: int) -> None:
    """F2"""
    fields = [("Location", "/new")] if status == 302 else []
    origin.script("/old", Answer(status, fields=fields, chunks=itertools.repeat(b"x" * 8192), chunked=True))
    origin.script("/new", ok(b"new\n"))
    done = invoke("get", origin.url("/old"))
    assert (done.returncode, done.stdout) == ((0, "new\n") if status == 302 else (1, ""))


def test_f9_an_http_error_shows_a_little_of_its_page_without_secrets(invoke: Run, origin: Origin) -> None:
    """F9"""
    origin.script("/bad", Answer(403, body=b"<h1>No</h1> entry for s3cret-of-mine", reason="For\x1b[2Jbidden"))
    done = invoke("get", "-H", "Authorization: s3cret-of-mine", origin.url("/bad"))
    assert done.stderr.endswith('the server answered 403 Forbidden ("No entry for ***")\n')


def test_a_broken_coding_is_told(invoke: Run, origin: Origin) -> None:
    origin.script("/page", ok(b"this is not gzip", content_encoding="gzip"))
    done = invoke("get", origin.url("/page"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "not in the coding that it declares" in done.stderr


def test_a_cache_at_a_url_without_a_store_is_wrong_usage(condget: Run) -> None:
    done = condget("get", "--cache", "teapot://ann:secret@host/0", "http://127.0.0.1:9/")
    assert done.returncode == 2
    assert "no store is installed for teapot" in done.stderr
    assert "secret" not in done.stderr


def test_an_empty_name_of_a_cache_is_wrong_usage(condget: Run) -> None:
    done = condget("get", "--cache", "", "http://127.0.0.1:9/")
    assert (done.returncode, "--cache is empty" in done.stderr) == (2, True)
