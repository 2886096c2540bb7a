"""`condget get`: where secrets come from, and where they do not go (E5, F9)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.origin import Origin, ok, redirect


@pytest.fixture
def elsewhere() -> Iterator[Origin]:
    with Origin() as another:
        another.script("*", ok(b"there\n"))
        yield another


def test_a_field_is_read_from_a_variable_or_a_file(condget: Run, origin: Origin, tmp_path: Path) -> None:
    """F9: and not shown."""
    origin.script("*", ok(b"x"))
    (tmp_path / "token").write_text("Bearer f1le\n")
    done = condget(
        *("get", "-v", "-H", "X-Key: @env:KEY", "-H", "Authorization:@file:token", "-H", "X-Plain: seen"),
        origin.url("/"),
        env={"KEY": "v4riable"},
    )
    fields = origin.requests[0].fields
    assert (fields.get("x-key"), fields.get("authorization")) == ("v4riable", "Bearer f1le")
    assert (done.returncode, done.stdout) == (0, "x")
    assert "> X-Key: ***\n" in done.stderr
    assert "> X-Plain: seen\n" in done.stderr
    assert "v4riable" not in done.stderr
    assert "f1le" not in done.stderr


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("@env:NO_SUCH", "--header X-Key: the variable NO_SUCH is not set"),
        ("@file:nosuch", "--header X-Key: nosuch cannot be read (No such file or directory)"),
        ("@file:empty", "--header X-Key: empty is empty"),
        ("@file:two", "--header X-Key: its value is not one line"),
    ],
)
def test_a_secret_that_cannot_be_had_is_wrong_usage(
    invoke: Run, tmp_path: Path, origin: Origin, value: str, words: str
) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "two").write_text("a\nb\n")
    done = invoke("get", "-H", f"X-Key:{value}", origin.url("/"))
    assert done.returncode == 2
    assert words in done.stderr
    assert origin.requests == []


def test_credentials_come_from_netrc_on_request(condget: Run, origin: Origin, home: Path) -> None:
    origin.script("*", ok(b"x"))
    (home / ".netrc").write_text("machine 127.0.0.1 login ann password s3cret\n")
    (home / ".netrc").chmod(0o600)
    (home / "other").write_text("machine 127.0.0.1 login bob password 0ther\n")
    condget("get", origin.url("/"))
    condget("get", "-n", origin.url("/"))
    condget("get", "--netrc", origin.url("/"), env={"NETRC": str(home / "other")})
    condget("get", "--netrc", origin.url("/", userinfo="me:mine"))
    assert [request.fields.get("authorization") for request in origin.requests] == [
        None,
        "Basic YW5uOnMzY3JldA==",
        "Basic Ym9iOjB0aGVy",
        "Basic bWU6bWluZQ==",
    ]


def test_a_netrc_that_makes_no_sense_is_named_by_line(condget: Run, origin: Origin, home: Path) -> None:
    (home / ".netrc").write_text("machine x\nnonsense\n")
    done = condget("get", "-n", origin.url("/"))
    assert done.returncode == 2
    assert f"--netrc: {home}/.netrc is not a netrc file, line" in done.stderr


SECRETS = ("X-Key: s3cret", "Private-Token: s3cret", "Authorization: Bearer s3cret", 'If-None-Match: "1"')


def test_e5_secrets_do_not_follow_a_redirect_to_another_origin(invoke: Run, origin: Origin, elsewhere: Origin) -> None:
    """E5"""
    origin.script("/old", redirect("/here"))
    origin.script("/here", redirect(elsewhere.url("/there")))
    headers = [part for text in (*SECRETS, "Accept: text/plain") for part in ("-H", text)]
    done = invoke("get", *headers, origin.url("/old"))
    assert (done.returncode, done.stdout) == (0, "there\n")
    for request in origin.requests:
        assert [request.fields.get(name) for name in ("x-key", "private-token")] == ["s3cret"] * 2
        assert request.fields.get("authorization") == "Bearer s3cret"
    (request,) = elsewhere.requests
    assert b"s3cret" not in request.raw
    assert request.fields.get("if-none-match") is None
    assert request.fields.get("accept") == "text/plain"
    assert request.fields.get("host") == elsewhere.url("").removeprefix("http://")


def test_e5_secrets_do_not_come_back_by_way_of_another_origin(invoke: Run, origin: Origin, elsewhere: Origin) -> None:
    """E5: the other origin chose that request, not the user."""
    elsewhere.script("/there", redirect(origin.url("/back")))
    origin.script("/old", redirect(elsewhere.url("/there")))
    origin.script("/back", ok(b"back\n"))
    assert invoke("get", "-H", "X-Key: s3cret", origin.url("/old", userinfo="me:s3cret")).stdout == "back\n"
    assert origin.requests_for("/back")[0].fields.get("x-key") is None
    assert origin.requests_for("/back")[0].fields.get("authorization") is None


def test_e5_credentials_of_a_location_are_not_sent(invoke: Run, origin: Origin, elsewhere: Origin) -> None:
    """E5"""
    origin.script("/old", redirect(elsewhere.url("/there", userinfo="you:yours")))
    assert invoke("get", origin.url("/old")).stdout == "there\n"
    assert elsewhere.requests[0].fields.get("authorization") is None


def test_d5_one_user_agent_is_sent(invoke: Run, origin: Origin) -> None:
    """D5: the user's, where there is one."""
    origin.script("*", ok(b"x"))
    invoke("get", "-H", "User-Agent: me/1", origin.url("/"))
    raw = origin.requests[0].raw.lower()
    assert raw.count(b"\r\nuser-agent:") == 1
    assert b"user-agent: me/1\r\n" in raw
