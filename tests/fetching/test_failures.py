"""Words for people: snippets and errors without secrets (F9)."""

from __future__ import annotations

import pickle

import pytest

from condget.errors import FetchError, ForbiddenTarget
from condget.fetching.failures import SNIPPET_LENGTH, Failure, fetch_error, snippet
from condget.shown import LONGEST, address


@pytest.mark.parametrize(
    ("content", "content_type", "text"),
    [
        (b"", None, ""),
        (b"Rate limit\r\n\texceeded\x1b[31m\x00", "text/plain", "Rate limit exceeded"),
        (b"<html><style>a{}</style><script>x<y</script><h1>Not &lt; found</h1>", "text/html", "Not &lt; found"),
        (b"<p>cut <a href=", None, "cut"),
        ("caf\xe9".encode("latin-1"), "text/plain; charset=ISO-8859-1", "caf\xe9"),
        ("caf\xe9".encode(), None, "caf\xe9"),
        (b"caf\xe9", "text/plain; charset=nonsense", "caf\xe9"),
        (b"abc", "text/plain; charset=base64", "abc"),
        ("a\u202egnp.exe".encode(), None, "agnp.exe"),
        (b'{"error": "bad api_key: s3cr3tvalue", "x": 1}', "application/json", '{"error": "bad api_key: ***", "x": 1}'),
        (b"see http://me:hush@host/x?token=hush&page=2", None, "see http://host/x?token=***&page=2"),
        (b"Authorization: Basic bWU6aHVzaA==", None, "Authorization: Basic ***"),
        (b"got Bearer abc.def-ghi", None, "got Bearer ***"),
        (b'"access_token":"hush"', None, '"access_token":"***"'),
    ],
)
def test_f9_a_snippet_is_one_short_line_without_secrets(content: bytes, content_type: str | None, text: str) -> None:
    assert snippet(content, content_type) == text


def test_f9_values_that_were_sent_are_hidden() -> None:
    assert snippet(b"who is s3cr3t-value?", None, ["s3cr3t-value", "s3cr3t", ""]) == "who is ***?"


def test_f9_a_snippet_is_bounded_in_length_and_time() -> None:
    assert len(snippet(b"word " * 1_000_000, None)) <= SNIPPET_LENGTH
    assert snippet(b"<" * 1_000_000, "text/html") is not None
    assert snippet(b"<!--" * 100_000, None) == ""
    assert snippet(b"token" * 100_000, None)


def test_f9_a_url_is_shown_without_userinfo() -> None:
    assert address("https://me:hush@host/a@b?c", LONGEST) == "https://host/a@b?c"
    assert address("http://host/a@b", LONGEST) == "http://host/a@b"
    assert len(address("http://host/" + "a" * 10_000, LONGEST)) == 400


def test_an_error_names_the_url_and_where_it_came_from() -> None:
    failure = Failure("no", "do", kind=ForbiddenTarget, connected=False)
    error = fetch_error(failure, ["http://a/"])
    assert (str(error), error.connected, type(error)) == ("http://a/: no; do", False, ForbiddenTarget)
    error = fetch_error(failure, ["http://a/", "http://b/"])
    assert str(error) == "http://b/ (redirected from http://a/): no; do"
    assert error.connected
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.connected) == (ForbiddenTarget, str(error), True)
    assert isinstance(copy, FetchError)
