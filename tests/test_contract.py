"""docs/behaviour.md is the key to the codes, such as B1, that the code and the tests cite."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
# In comments and docstrings as B1; not %C3, which is a coded byte. In a test's name as b1.
CITATION = re.compile(r"(?<![%\w])[A-G]\d{1,2}\b")
IN_NAMES = re.compile(r"def test_((?:[a-g]\d{1,2}_)+)")


def _points() -> list[str]:
    text = (ROOT / "docs" / "behaviour.md").read_text(encoding="utf-8")
    return re.findall(r'^- <a id="(\w+)"></a>\*\*\1\*\* ', text, re.MULTILINE)


def _cited(folder: str) -> dict[str, set[str]]:
    """Return the codes that files below a folder cite, each with the files."""
    cited: dict[str, set[str]] = {}
    for path in (ROOT / folder).rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        names = "".join(IN_NAMES.findall(text)).upper().split("_")
        for code in {*CITATION.findall(text), *filter(None, names)}:
            cited.setdefault(code, set()).add(path.relative_to(ROOT).as_posix())
    return cited


def test_the_points_are_numbered_without_a_gap() -> None:
    points = _points()
    assert points == [f"{part}{n}" for part in "ABCDEFG" for n in range(1, sum(p[0] == part for p in points) + 1)]


def test_every_code_that_is_cited_is_a_point_of_the_contract() -> None:
    points = set(_points())
    for folder in ("condget", "tests"):
        for code, files in _cited(folder).items():
            assert code in points, f"{code} in {', '.join(sorted(files))} is not a point of docs/behaviour.md"


def test_every_point_of_the_contract_is_named_by_a_test() -> None:
    assert set(_points()) - _cited("tests").keys() == set()
