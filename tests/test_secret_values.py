"""Secrets that are written as where to find them."""

from __future__ import annotations

from pathlib import Path

import pytest

from condget.secret_values import is_reference, resolved


@pytest.mark.parametrize("value", ["plain", "", "@", "@env", "me@env:X", "@other:x", " @env:X"])
def test_a_plain_value_is_itself(value: str) -> None:
    assert not is_reference(value)
    assert resolved(value) == value


def test_f12_a_reference_is_read_anew_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F12: latin-1, as fields of HTTP are, without the line end that editors add."""
    file = tmp_path / "token"
    file.write_bytes(b"caf\xe9\n")
    monkeypatch.setenv("TOKEN", " first ")
    assert (resolved(f"@file:{file}"), resolved("@env:TOKEN")) == ("caf\xe9", "first")
    file.write_text("second")
    assert resolved(f"@file:{file}") == "second"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolved("@file:~/token") == "second"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("@env:NO_SUCH", "the variable NO_SUCH is not set"),
        ("@env:EMPTY", "EMPTY is empty"),
        ("@file:/nosuch/file", "/nosuch/file cannot be read (No such file or directory)"),
        ("@file:/dev/null", "/dev/null is empty"),
        ("@file:~nobody-of-that-name/x", "cannot be read"),
    ],
)
def test_a_secret_that_cannot_be_had_is_said(value: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMPTY", " \n")
    with pytest.raises(ValueError) as caught:
        resolved(value)
    assert words in str(caught.value)
