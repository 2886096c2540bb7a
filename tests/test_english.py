"""Sentences of docstrings, comments and documentation begin with their subject, and deny with "not"."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*(ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md")), *sorted((ROOT / "docs").glob("*.md"))]
MODULES = [path for folder in ("condget", "tests", "examples") for path in sorted((ROOT / folder).rglob("*.py"))]

#: Advice by the fault that it is for. A question may begin with "What".
RULES = {
    "begin with the subject, not with a clause": re.compile(
        r"(?:^|(?<=[.!?] ))(?:(?:Of|By|In|From|To) )?(?:What|Who|Whom|Whose|Which|Whoever|Whatever)\b(?![^.]*\?)"
    ),
    'say "is not a", not "is no"': re.compile(r"(?<!here )\b(?:is|are|was|were) (?:no|none)\b(?! (?:longer|more))"),
}


def _of_page(source: str) -> Iterator[tuple[int, str]]:
    """Yield the paragraphs, list items and table rows of a page, each with its line; code is left out."""
    prose = re.sub(r"```.*?```", lambda block: "\n" * block[0].count("\n"), source, flags=re.DOTALL)
    line = 1
    for paragraph in re.split(r"(\n\n|\n(?=[-|#]))", prose):
        yield line, re.sub(r"`[^`]*`|^[-|# ]+", "X", paragraph)
        line += paragraph.count("\n")


def _of_module(source: str) -> Iterator[tuple[int, str]]:
    """Yield the paragraphs of docstrings, and the comments, each with a line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for paragraph in (ast.get_docstring(node) or "").split("\n\n"):
                yield getattr(node, "lineno", 1), paragraph
    comment, last = "", 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if token.start[0] != last + 1:
                yield last, comment
                comment = ""
            comment += " " + token.string.lstrip("#: ")
            last = token.start[0]
    yield last, comment


@pytest.mark.parametrize("path", [*MODULES, *PAGES], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_sentences_begin_with_their_subject_and_say_is_not(path: Path) -> None:
    texts = _of_page if path.suffix == ".md" else _of_module
    for line, text in texts(path.read_text(encoding="utf-8")):
        sentences = " ".join(text.split())
        for advice, rule in RULES.items():
            fault = rule.search(sentences)
            assert fault is None, f"{path.name}:{line}: {advice}: {sentences[fault.start() :][:80]}"
