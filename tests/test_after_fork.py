"""Objects that a forked process makes anew."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os
from condget.after_fork import renew_after_fork

class Counter:
    renewed = 0
    def after_fork(self):
        self.renewed += 1

kept, dropped = Counter(), Counter()
renew_after_fork(kept)
renew_after_fork(dropped)
del dropped
child = os.fork()
if child == 0:
    os._exit(kept.renewed)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), kept.renewed)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_an_object_is_renewed_in_the_child_alone_while_it_lives() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "1 0\n"
