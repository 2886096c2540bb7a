"""A table that fits a terminal: where its columns are too wide together, the widest give way. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

_GAP = "  "
#: A column that gives way keeps so many cells.
_NARROWEST = 8


def lay_out(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Yield the lines of a table in at most `width` cells; the first column is never cut.

    >>> for line in lay_out([("NEXT", "FEED", "WHY"), ("now", "A long title", "never requested")], 30):
    ...     print(line)
    NEXT  FEED         WHY
    now   A long tit…  never requ…
    """
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    available = width - len(_GAP) * (len(widths) - 1) - widths[0]
    # The narrow columns take what they need, and the wide ones share the rest.
    for left, column in zip(
        range(len(widths) - 1, 0, -1), sorted(range(1, len(widths)), key=widths.__getitem__), strict=True
    ):
        widths[column] = min(widths[column], max(available // left, _NARROWEST))
        available -= widths[column]
    for row in rows:
        pieces = [cut(text, wide) for text, wide in zip(row, widths, strict=True)]
        padded = [text + " " * (wide - cells(text)) for text, wide in zip(pieces, widths, strict=True)]
        yield _GAP.join(padded).rstrip()


def cells(text: str) -> int:
    """Return how many cells of a terminal a text takes: CJK takes two for a character, a combining mark none."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def cut(text: str, width: int) -> str:
    """Return a text in at most `width` cells, with an ellipsis where it is cut."""
    if cells(text) <= width:
        return text
    kept, taken = "", 1
    for c in text:
        taken += _cells(c)
        if taken > width:
            break
        kept += c
    return kept.rstrip() + "…"


def _cells(c: str) -> int:
    if unicodedata.combining(c) or c in "\u200c\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(c) in ("W", "F") else 1
