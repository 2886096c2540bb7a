"""All output passes one place, which lets nothing through that a terminal acts upon."""

from __future__ import annotations

import io

import pytest

from condget.cli import output


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_data_goes_to_stdout_and_words_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    output.put("a\x1b[2Jb\nc")
    output.put_json('{"a": "\x7f"}')
    output.write("one\ntwo\x07\n")
    output.say("odd\x9b\u202e\r\nname")
    output.note("> GET\x1b]0;x\x07 /")
    out, err = capsys.readouterr()
    assert out == 'ab c\n{"a": "\\u007f"}\none\ntwo\n'
    assert err == "condget: odd name\n> GET /\n"


def test_colours_are_for_terminals_whose_user_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert output.has_colours(Terminal())
    assert not output.has_colours(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not output.has_colours(Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not output.has_colours(Terminal())
