"""Text from strangers is safe to show (F9)."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable

import pytest

from condget.shown import address, line, on_one_line, printable

#: Every character that a terminal acts upon, or that changes the order in which others are shown.
CONTROLS = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x061C, 0x200B, 0x200E, 0x200F]))
CONTROLS += "".join(map(chr, [*range(0x2028, 0x202F), *range(0x2060, 0x2065), *range(0x2066, 0x2070)]))
CONTROLS += "\ufeff\ufff9\ufffa\ufffb\ud800"


@pytest.mark.parametrize("function", [line, address, on_one_line, printable])
@pytest.mark.parametrize(
    "text",
    [CONTROLS, *CONTROLS, "\x1b[2J", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\", "\x9b2J", "\x1bP1$r\x1b\\"],
    ids=ascii,
)
def test_f9_no_control_gets_through(function: object, text: str) -> None:
    """F9"""
    shown = function(f"a{text}b")  # type: ignore[operator]
    assert not set(shown) & (set(CONTROLS) - {"\t", "\n"})
    assert "\n" not in shown or function is printable
    assert shown[0] == "a"
    assert shown[-1] == "b"


def test_ordinary_text_of_every_script_is_left_alone() -> None:
    text = "Zoë naïve 日本語 עברית हिन्दी क्‍ष 🦆👩‍🚀 “–” 1 < 2 & 3"
    assert line(text) == on_one_line(text) == printable(text) == text


def test_lines_and_colours_of_our_own_pass_where_they_may() -> None:
    ours = "\x1b[1mTea\x1b[0m\n\x1b[31merror:\x1b[0m\tx\n"
    assert printable(ours, colour=True) == ours
    assert printable(ours) == "Tea\nerror:\tx\n"
    assert printable("\x1b[1;5m\x1b[99A\x1b\x1b[1[1m!", colour=True) == "1m!"


PIECES = [
    "\x1b[",
    "\x1b]",
    "\x1b",
    "a://",
    "x://@",
    "\x9b",
    "\u202e",
    "\x1b]\x1b\\",
    "&;@:/",
    "é",
    "é ",
    "\r\n",
    "e\u0301",
]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize(("function", "most"), [(line, 0.05), (address, 1), (on_one_line, 2), (printable, 2)])
def test_f1_a_megabyte_takes_linear_time(function: Callable[[str], object], most: float, piece: str) -> None:
    """F1: `line` is used in the event loop; what is written whole goes to a terminal or a file."""
    text = piece * (1_000_000 // len(piece))
    fastest = math.inf
    for _ in range(5):
        began = time.thread_time()
        function(text)
        fastest = min(fastest, time.thread_time() - began)
        if fastest < most:
            break
    assert fastest < most


def test_no_control_is_missed() -> None:
    """All of Unicode, by category."""
    import unicodedata

    unsafe = ("Cc", "Cf", "Cs", "Zl", "Zp")
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    odd = {c for c in printable(everything) if unicodedata.category(c) in unsafe}
    assert odd == {"\t", "\n", "\u200c", "\u200d"}
