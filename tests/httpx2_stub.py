"""The types of `condget.httpx2`, derived from the source that it shares with `condget`.

`python -m tests.httpx2_stub` writes them; a test holds the file equal to the source.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
STUB = ROOT / "condget" / "httpx2" / "__init__.pyi"
_SOURCES = ("condget/client.py", "condget/transports/caching.py")
_PUBLIC = ("Client", "AsyncClient", "get", "CacheTransport", "AsyncCacheTransport", "status")
_HEAD = '''"""The types of `condget.httpx2`; `python -m tests.httpx2_stub` derives them from those of `condget`."""

from condget.cache.status import status
'''


def stub() -> str:
    """Return the text of the stub."""
    imports: list[ast.stmt] = []
    definitions: list[ast.stmt] = []
    for source in _SOURCES:
        for node in ast.parse((ROOT / source).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.If):  # TYPE_CHECKING
                imports += node.body
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                imports.append(node)
            elif isinstance(node, ast.ClassDef) or (isinstance(node, ast.FunctionDef) and node.name in _PUBLIC):
                definitions.append(_signature(node))
    used = {name.id for node in definitions for name in ast.walk(node) if isinstance(name, ast.Name)}
    defined = {node.name for node in definitions if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    wanted = [kept for node in imports if (kept := _wanted(node, used - defined))]
    lines = [_HEAD, *(ast.unparse(node) for node in wanted), f"__all__ = {sorted(_PUBLIC)!r}"]
    lines += [ast.unparse(node) for node in definitions]
    text = "\n".join(lines).replace("httpx.", "httpx2.").replace("httpx._types", "httpx2._types")
    text = text.replace("import httpx\n", "import httpx2\n").replace("from httpx2_types", "from httpx2._types")
    for task in (["check", "--select", "I", "--fix"], ["format"]):
        command = [sys.executable, "-m", "ruff", *task, "--quiet", "--stdin-filename", str(STUB), "-"]
        text = subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return text


def _wanted(node: ast.stmt, used: set[str]) -> ast.stmt | None:
    assert isinstance(node, (ast.Import, ast.ImportFrom))
    names = [alias for alias in node.names if alias.name in used]
    if not names:
        return None
    return ast.Import(names) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, names, 0)


def _signature(node: ast.ClassDef | ast.FunctionDef) -> ast.stmt:
    """Return a definition without its code; of a class, the public part."""
    body: list[ast.stmt] = []
    if isinstance(node, ast.ClassDef):
        for member in node.body:
            if isinstance(member, ast.AnnAssign):
                body.append(member)
            elif isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef)) and not re.match("_[a-z]", member.name):
                member.body = [ast.Expr(ast.Constant(...))]
                body.append(member)
    node.body = body or [ast.Expr(ast.Constant(...))]
    return node


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
