"""Fields: the header fields of a message, with order, case, repetition and odd bytes kept (RFC 9110 §5).

Text is latin-1, so that every received byte goes back unchanged. Values are parsed where they are needed: lists and
delta-seconds in `directives`, dates in `dates`, ranges in `ranges`. No parser raises; an invalid value is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator


class Fields:
    """An immutable sequence of (name, value) pairs; names compare without case.

    >>> fields = Fields([("ETag", '"a"'), ("Vary", "Accept"), ("vary", "Cookie")])
    >>> fields.all("VARY")
    ['Accept', 'Cookie']
    >>> fields.get("vary")
    'Accept, Cookie'
    """

    __slots__ = ("_by_name", "pairs")

    pairs: tuple[tuple[str, str], ...]

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs = tuple(pairs)
        self._by_name: dict[str, list[str]] | None = None

    def _index(self) -> dict[str, list[str]]:
        """Make the index. It is made when first used, and asked for dozens of times for one request."""
        index: dict[str, list[str]] = {}
        for name, value in self.pairs:
            index.setdefault(name.lower(), []).append(value)
        self._by_name = index
        return index

    def all(self, name: str) -> list[str]:
        """Return the values of every line of that name, in order."""
        return (self._by_name or self._index()).get(name.lower(), [])

    def get(self, name: str) -> str | None:
        """Return the lines of that name joined with a comma (RFC 9110 §5.3), or None where there is none."""
        values = (self._by_name or self._index()).get(name.lower())
        if values is None:
            return None
        return values[0] if len(values) == 1 else ", ".join(values)

    def first(self, name: str) -> str | None:
        """Return the value of the first line of that name, or None."""
        values = (self._by_name or self._index()).get(name.lower())
        return values[0] if values else None

    def __contains__(self, name: str) -> bool:
        return name.lower() in (self._by_name or self._index())

    def has_any(self, names: frozenset[str]) -> bool:
        """Whether there is a line of any of those names, which are given in lower case."""
        return not names.isdisjoint(self._by_name or self._index())

    def without(self, names: Iterable[str]) -> Fields:
        """Return these fields less those names."""
        dropped = {name.lower() for name in names}
        return Fields(pair for pair in self.pairs if pair[0].lower() not in dropped)

    def replaced(self, name: str, value: str) -> Fields:
        """Return these fields with exactly one line of that name, at the end."""
        return (self.without([name]) if name in self else self).plus([(name, value)])

    def plus(self, pairs: Iterable[tuple[str, str]]) -> Fields:
        """Return these fields with more lines behind them."""
        return Fields((*self.pairs, *pairs))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fields) and self.pairs == other.pairs

    def __hash__(self) -> int:
        return hash(self.pairs)

    def __repr__(self) -> str:
        return f"Fields({list(self.pairs)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return (Fields, (self.pairs,))
