"""Objects that a forked process makes anew: locks that another thread of the parent may hold, and work that only that
thread would have ended.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Renewable(Protocol):
    def after_fork(self) -> None:
        """Become usable in the child, where no other thread runs."""


_renewables: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_after_fork(renewable: Renewable) -> None:
    """Call `renewable.after_fork` in every process that is forked while the object lives."""
    _renewables.add(renewable)


def _renew() -> None:
    for renewable in _renewables:
        renewable.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
