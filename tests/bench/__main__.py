"""`python -m tests.bench [NAME...]`: run the benchmarks of these names, or all."""

from __future__ import annotations

import argparse
import os
import platform
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

from tests import bench
from tests.bench import poll

NAMES = ("library", *poll.BENCHMARKS)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=bench.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; default: all")
    parser.add_argument("--hosts", type=int, default=2_000)
    parser.add_argument("--many", type=int, default=10_000, help="hosts where many are asked for")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--state-feeds", type=int, default=1_000_000, help="feeds in the large state file")
    sizes = parser.parse_args()
    for name in sizes.names:
        if name not in NAMES:
            parser.error(f"{name} is none of {', '.join(NAMES)}")
    # So that servers are stopped and files removed then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A listening socket for each host.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    machine = f"{os.cpu_count()} cores, {model[1] if model else platform.machine()}, {platform.release()}"
    print(f"{machine}, Python {platform.python_version()}; load {os.getloadavg()[0]:.1f}")
    for name in sizes.names or NAMES:
        if name == "library":
            subprocess.run([sys.executable, str(Path(bench.__path__[0], "run.py")), "--quick"], check=True)
        else:
            poll.BENCHMARKS[name](sizes)
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
