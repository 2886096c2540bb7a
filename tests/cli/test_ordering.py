"""The order of reports: that of the list, whatever is finished first."""

from __future__ import annotations

from condget.cli import ordering
from condget.cli.ordering import InOrder


def test_an_item_waits_for_those_before_it() -> None:
    ordered: InOrder[str] = InOrder(["a", "b", "c", "d"])
    assert ordered.add("c", "C") == []
    assert ordered.add("a", "A") == ["A"]
    assert ordered.add("b", None) == ["C"]
    assert ordered.add("d", "D") == ["D"]
    assert ordered.rest() == []


def test_an_item_without_a_place_waits_for_nothing() -> None:
    ordered: InOrder[str] = InOrder(["a", "b"])
    assert ordered.add("x", "X") == ["X"]
    assert ordered.add("y", None) == []
    assert InOrder[str]([]).add("a", "A") == ["A"]


def test_the_rest_comes_in_order_where_an_item_never_comes() -> None:
    ordered: InOrder[str] = InOrder(["a", "b", "c"])
    assert ordered.add("c", "C") == []
    assert ordered.add("b", "B") == []
    assert ordered.rest() == ["B", "C"]
    assert ordered.add("a", "A") == ["A"]


def test_what_waits_is_bounded() -> None:
    ordered: InOrder[str] = InOrder(["a", "b", "c", "d"])
    assert ordered.add("d", "D", ordering._MOST_WAITING) == []
    assert ordered.add("b", "B", 1) == ["B", "D"]
    assert ordered.add("c", "C") == []
    assert ordered.add("a", "A") == ["A", "C"]
