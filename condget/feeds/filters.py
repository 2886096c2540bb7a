"""Filters: which entries a user wants to hear of, by regular expressions on title, link, author and categories.

An entry passes if `match`, where there is one, is found in any of these texts, and `not_match` in none. Case does not
count. Other entries count as seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from condget.feeds.values import Entry

#: Characters of a pattern, and of each text that a pattern is searched in.
_LONGEST_PATTERN, _LONGEST_TEXT = 1_000, 2_000


@dataclass(frozen=True, slots=True)
class Filter:
    """Two regular expressions; None: does not filter."""

    match: str | None = None
    not_match: str | None = None

    def __bool__(self) -> bool:
        return self.match is not None or self.not_match is not None


def pattern(text: str) -> str:
    """Return a regular expression that can be compiled.

    Raises:
        ValueError: it cannot; the text says why, in a clause.
    """
    if not text or len(text) > _LONGEST_PATTERN:
        raise ValueError(f"a regular expression has 1 to {_LONGEST_PATTERN:,} characters")
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f'"{text}" is not a regular expression ({error})') from None
    return text


def texts_of(entry: Entry) -> tuple[str, ...]:
    """Return the texts of an entry that filters are for."""
    texts = (entry.title or entry.summary, entry.link, entry.author, *entry.categories)
    return tuple(text[:_LONGEST_TEXT] for text in texts if text)


def passes(filter_: Filter, texts: Sequence[str]) -> bool:
    """Whether an entry with these texts passes a filter.

    >>> passes(Filter(match="tea"), ("Green Tea",)), passes(Filter(not_match="^tea"), ("Teapots",))
    (True, False)
    """

    def is_found(expression: str) -> bool:
        return any(re.search(expression, text, re.IGNORECASE) for text in texts)

    if filter_.match is not None and not is_found(filter_.match):
        return False
    return filter_.not_match is None or not is_found(filter_.not_match)
