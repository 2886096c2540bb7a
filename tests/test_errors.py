"""The tree of exceptions: as drawn, and fit to pass between processes."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest

from condget import errors
from condget.errors import CondgetError, FetchError, ForbiddenTarget, StateLocked, UsageError

CLASSES = [member for _, member in inspect.getmembers(errors, inspect.isclass)]


def test_the_docstring_draws_every_exception_below_its_base() -> None:
    drawn = re.findall(r"^([ │├└─]*)(\w+)(?:  |$)", (errors.__doc__ or "").partition("\n\n")[2], re.MULTILINE)
    tree = {name: len(indent) for indent, name in drawn}
    assert set(tree) == {member.__name__ for member in CLASSES}
    for member in CLASSES:
        if member is not CondgetError:
            assert tree[member.__name__] == tree[member.__bases__[0].__name__] + len(" ├─ ")


@pytest.mark.parametrize("kind", [FetchError, ForbiddenTarget])
def test_a_fetch_error_keeps_what_it_knows_when_it_is_pickled(kind: type[FetchError]) -> None:
    """C13: a worker in another process tells whether a connection came about."""
    copy = pickle.loads(pickle.dumps(kind("https://a.example/: no; do", connected=False)))
    assert (type(copy), str(copy), copy.connected) == (kind, "https://a.example/: no; do", False)


@pytest.mark.parametrize("kind", [UsageError, StateLocked])
def test_other_errors_can_be_pickled(kind: type[CondgetError]) -> None:
    copy = pickle.loads(pickle.dumps(kind("why")))
    assert (type(copy), str(copy)) == (kind, "why")
