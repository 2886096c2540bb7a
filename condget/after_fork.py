"""What a forked process has to make anew: locks that another thread of the parent may hold, and what that thread alone
would have ended.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Renewable(Protocol):
    def after_fork(self) -> None:
        """Make it usable in the child, where no other thread runs."""


_all: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_after_fork(one: Renewable) -> None:
    """Have its `after_fork` called in every process that is forked from now on, for as long as it lives."""
    _all.add(one)


def _renew() -> None:
    for one in _all:
        one.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
