"""Tables fit the terminal, in whatever script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condget.reports.table import cells, cut, lay_out

ROWS = [
    ("NEXT", "FEED", "WHY"),
    ("now", "Tea & cake", "never requested: due now"),
    ("Sun 04:00", "A blog with quite a long title of its own", "requested at most every 60 min by default"),
    ("never", "\u304a\u8336\u306e\u30d6\u30ed\u30b0", "gone"),
]


def test_a_wide_terminal_shows_all() -> None:
    assert list(lay_out(ROWS, 200)) == [
        "NEXT       FEED                                       WHY",
        "now        Tea & cake                                 never requested: due now",
        "Sun 04:00  A blog with quite a long title of its own  requested at most every 60 min by default",
        "never      \u304a\u8336\u306e\u30d6\u30ed\u30b0                               gone",
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = list(lay_out(ROWS, width))
    assert max(map(cells, lines)) <= width
    assert lines[2].startswith("Sun 04:00  A blog")


def test_wide_columns_share_what_there_is() -> None:
    assert list(lay_out(ROWS, 60))[2] == "Sun 04:00  A blog with quite a lo…  requested at most every…"
    narrow = [("NEXT", "FEED", "WHY"), ("now", "Tea", "requested at most every 60 min by default")]
    assert list(lay_out(narrow, 40))[1] == "now   Tea   requested at most every 60…"


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("\u304a\u8336\u306e", 4, "\u304a…"),
        ("e\u0301te", 3, "e\u0301te"),
        ("a b", 2, "a…"),
    ],
)
def test_text_is_cut_by_cells(text: str, width: int, expected: str) -> None:
    assert cut(text, width) == expected


@given(st.text(max_size=30), st.integers(1, 40))
def test_text_never_takes_more_cells_than_there_are(text: str, width: int) -> None:
    assert cells(cut(text, width)) <= width
