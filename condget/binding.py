"""The binding to httpx2: the modules of condget that name httpx, executed a second time with httpx2 in its place.

One source serves both libraries. Each module is compiled from its own file, so tracebacks and debuggers show its lines,
under a name below `condget.httpx2`. Only its imports differ: httpx becomes httpx2, and a module of `_BOUND` becomes its
twin. Nothing else in `sys.modules` changes, and httpx is not imported. Type checkers read `__init__.pyi`, which a test
holds equal to the source.
"""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

#: The modules that name httpx.
_BOUND = frozenset(
    {
        *("condget.client", "condget.transports.caching", "condget.transports.exchange", "condget.transports.saving"),
        *("condget.fetching.threaded_transport", "condget.fetching.via_transport"),
    }
)


def bound(name: str) -> ModuleType:
    """Return the twin of a module, for httpx2.

    Raises:
        ModuleNotFoundError: httpx2 is not installed.
    """
    twin = _twin(name)
    if twin not in sys.modules:
        if importlib.util.find_spec("httpx2") is None:
            raise ModuleNotFoundError("condget.httpx2 needs the package httpx2; install condget[httpx2]", name="httpx2")
        spec = importlib.util.find_spec(name)
        assert spec is not None
        module = importlib.util.module_from_spec(ModuleSpec(twin, _TwinLoader(spec), origin=spec.origin))
        module.__file__ = spec.origin
        sys.modules[twin] = module
        try:
            module.__spec__.loader.exec_module(module)  # type: ignore[union-attr]
        except BaseException:
            del sys.modules[twin]
            raise
    return sys.modules[twin]


def _twin(name: str) -> str:
    return f"condget.httpx2.{name.rpartition('.')[2]}"


class _TwinLoader(importlib.abc.InspectLoader):
    """Executes the source of a module with other imports."""

    def __init__(self, spec: ModuleSpec) -> None:
        self._spec = spec

    def get_source(self, fullname: str) -> str | None:
        loader = self._spec.loader
        assert isinstance(loader, importlib.abc.InspectLoader)
        return loader.get_source(self._spec.name)

    def exec_module(self, module: ModuleType) -> None:
        source = self.get_source(module.__name__)
        assert source is not None
        tree = _Rebinding().visit(ast.parse(source))
        code = compile(ast.fix_missing_locations(tree), self._spec.origin or self._spec.name, "exec", dont_inherit=True)
        exec(code, module.__dict__)


class _Rebinding(ast.NodeTransformer):
    """Turns imports of httpx into imports of httpx2, and those of a bound module into those of its twin."""

    def visit_Import(self, node: ast.Import) -> ast.Import:
        for alias in node.names:
            if alias.name == "httpx":
                alias.name, alias.asname = "httpx2", alias.asname or "httpx"
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        if node.module in _BOUND:
            bound(node.module)
            node.module = _twin(node.module)
        return node
