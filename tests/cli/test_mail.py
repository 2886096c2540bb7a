"""Mails with the news: through a program that stands for sendmail, and to an SMTP server in this process."""

from __future__ import annotations

import email
import email.policy
import os
import socketserver
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.origin import Origin, conditional
from tests.polling.support import rss


@pytest.fixture
def sent(environment: dict[str, str], tmp_path: Path) -> Path:
    """The directory where a sendmail puts its mails and arguments; it fails where there is a file `broken`."""
    directory = tmp_path / "sent"
    directory.mkdir()
    sendmail = tmp_path / "bin" / "sendmail"
    sendmail.parent.mkdir()
    sendmail.write_text(
        f'#!/bin/sh\ntest -e "{directory}/broken" && exit 75\nn=$(ls "{directory}" | wc -l)\n'
        f'echo "$@" > "{directory}/$n.arguments"\ncat > "{directory}/$n.mail"\n'
    )
    sendmail.chmod(0o755)
    environment["PATH"] = f"{sendmail.parent}{os.pathsep}{environment['PATH']}"
    return directory


@pytest.fixture
def feeds(invoke: Run, origin: Origin, tmp_path: Path) -> Path:
    """Two feeds with three new entries."""
    file = tmp_path / "feeds.txt"
    file.write_text(f"{origin.url('/a')} every=1h\n{origin.url('/b')}\n")
    for path, title in (("/a", "Ale"), ("/b", "B\u00e4r")):
        origin.script(path, conditional(rss(1, title=title), etag='"1"'))
    assert invoke("poll", "-q", "--catch-up", "--gap", 0, file).returncode == 0
    origin.script("/a", conditional(rss(1, 2, 3, title="Ale"), etag='"2"'))
    origin.script("/b", conditional(rss(1, 4, title="B\u00e4r"), etag='"2"'))
    return file


def mails(directory: Path) -> list[EmailMessage]:
    return [read(path.read_bytes()) for path in sorted(directory.glob("*.mail"))]


def read(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_one_mail_has_the_news_of_a_run_as_text_and_html(invoke: Run, feeds: Path, sent: Path) -> None:
    done = invoke("poll", "--force", "--gap", 0, "--mail", "ann@example.org", feeds)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (mail,) = mails(sent)
    assert (mail["To"], mail["From"]) == ("ann@example.org", "ann@example.org")
    assert mail["Subject"] == "3 entries from 2 feeds"
    assert mail["Auto-Submitted"] == "auto-generated"
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().startswith("Ale (http://127.0.0.1")
    assert "B\u00e4r" in text.get_content()
    assert html.get_content().startswith("<!DOCTYPE html>")
    assert '<a href="https://example.org/4">Entry 4</a>' in html.get_content()
    assert (sent / "0.arguments").read_text() == "-i -f ann@example.org -- ann@example.org\n"
    again = invoke("poll", "--force", "--gap", 0, "--mail", "ann@example.org", feeds)
    assert (again.returncode, again.stderr, len(mails(sent))) == (0, "", 1)


def test_each_entry_can_have_its_mail(invoke: Run, feeds: Path, sent: Path) -> None:
    arguments = ("--mail", "ann@example.org", "--mail-entries", "--mail-from", "feeds@example.org")
    assert invoke("poll", "--force", "--gap", 0, *arguments, feeds).returncode == 0
    assert [mail["Subject"] for mail in mails(sent)] == ["Ale: Entry 2", "Ale: Entry 3", "B\u00e4r: Entry 4"]
    assert {mail["From"] for mail in mails(sent)} == {"feeds@example.org"}
    assert len({mail["Message-ID"] for mail in mails(sent)}) == 3


def test_b7_news_of_a_mail_that_is_not_taken_come_again(invoke: Run, feeds: Path, sent: Path) -> None:
    """B7: with the same Message-ID, by which a program for mail knows a repetition."""
    (sent / "broken").touch()
    done = invoke("poll", "--force", "--gap", 0, "--mail", "ann@example.org", feeds)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the mail to ann@example.org was not taken (sendmail exited with 75); its news come with" in done.stderr
    (sent / "broken").unlink()
    assert invoke("poll", "--gap", 0, "--mail", "ann@example.org", feeds).returncode == 0
    (mail,) = mails(sent)
    assert mail["Subject"] == "3 entries from 2 feeds"


def test_a_run_without_news_sends_no_mail_and_failures_go_to_stderr(
    invoke: Run, feeds: Path, origin: Origin, sent: Path
) -> None:
    invoke("poll", "--force", "--gap", 0, "--catch-up", feeds)
    done = invoke("poll", "--mail", "ann@example.org", origin.url("/nothing"))
    assert (done.returncode, done.stdout, mails(sent)) == (1, "", [])
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("--mail", "ann"), "ann is not an address"),
        (("--mail", "-oQ/tmp@x\n"), "is not an address"),
        (("--mail", "a@example.org", "--mail-from", "Ann <a@example.org>"), "is not an address"),
        (("--mail-entries",), "need --mail ADDRESS"),
    ],
)
def test_a_wrong_address_is_refused(
    invoke: Run, feeds: Path, sent: Path, origin: Origin, arguments: tuple[str, ...], cause: str
) -> None:
    before = len(origin.requests)
    done = invoke("poll", "--force", *arguments, feeds)
    assert (done.returncode, done.stdout) == (2, "")
    assert cause in done.stderr
    assert len(origin.requests) == before


def test_f9_a_title_adds_no_field_to_a_mail(invoke: Run, origin: Origin, sent: Path) -> None:
    """F9"""
    title = "x&#13;&#10;Bcc: eve@example.org" + "\u202e" + "y" * 500
    origin.script("/feed", conditional(rss(1, title=title), etag='"1"'))
    arguments = ("--entries", "--mail", "ann@example.org")
    assert invoke("poll", *arguments, origin.url("/feed")).returncode == 0
    (mail,) = mails(sent)
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("x Bcc: eve@example.orgy")
    assert len(mail["Subject"]) <= 120


class SMTPServer(socketserver.ThreadingTCPServer):
    """Takes mails, and refuses a recipient `nobody@...`."""

    daemon_threads = True

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _SMTPHandler)


class _SMTPHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (line := self.rfile.readline()) != b".\r\n":
                    lines.append(line)
                assert isinstance(self.server, SMTPServer)
                self.server.mails.append(b"".join(lines))
            refused = verb == b"RCPT" and b"nobody" in line
            self.wfile.write(b"550 no s3cret such user\r\n" if refused else b"250 ok\r\n")
            if verb == b"QUIT":
                return


@pytest.fixture
def smtp(environment: dict[str, str]) -> Iterator[SMTPServer]:
    with SMTPServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment["CONDGET_SMTP"] = f"smtp://127.0.0.1:{server.server_address[1]}"
        yield server
        server.shutdown()


def test_a_server_takes_the_mails_where_one_is_named(invoke: Run, feeds: Path, smtp: SMTPServer) -> None:
    done = invoke("poll", "--force", "--gap", 0, "--mail", "ann@example.org", feeds)
    assert done.stderr == ""
    (mail,) = smtp.mails
    assert read(mail)["Subject"] == "3 entries from 2 feeds"


def test_b7_news_that_a_server_refuses_come_again(invoke: Run, feeds: Path, smtp: SMTPServer) -> None:
    """B7, F12"""
    done = invoke("poll", "--force", "--gap", 0, "--mail", "nobody@example.org", feeds)
    assert (done.returncode, smtp.mails) == (1, [])
    assert "the mail to nobody@example.org was not taken" in done.stderr
    assert "s3cret" not in done.stderr
    assert "Entry 4" in invoke("poll", "--force", "--gap", 0, feeds).stdout


def test_f12_a_password_is_not_sent_in_the_clear(
    invoke: Run, feeds: Path, smtp: SMTPServer, environment: dict[str, str]
) -> None:
    """F12: a server that does not offer STARTTLS gets no password."""
    port = smtp.server_address[1]
    environment["CONDGET_SMTP"] = f"smtp://ann:s3cret@127.0.0.1:{port}"
    done = invoke("poll", "--force", "--gap", 0, "--mail", "ann@example.org", feeds)
    assert (done.returncode, smtp.mails) == (1, [])
    assert "s3cret" not in done.stderr
    environment["MAILS"] = environment.pop("CONDGET_SMTP")
    assert invoke("poll", "--force", "--mail", "ann@example.org", "--smtp", "@env:MAILS", feeds).returncode == 1
    environment["CONDGET_SMTP"] = "imap://127.0.0.1"
    assert invoke("poll", "--force", "--mail", "ann@example.org", feeds).returncode == 2
