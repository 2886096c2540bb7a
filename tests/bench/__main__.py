"""`python -m tests.bench`: run the benchmarks of the library, of the poller, or all."""

from __future__ import annotations

import argparse
import os
import platform
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests import bench
from tests.bench import poller, scale


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; without a sub-command, `measure` runs everything."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=bench.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(measure=everything)
    commands = parser.add_subparsers(metavar="COMMAND")
    of_library = commands.add_parser("library", help="the caching client")
    of_library.set_defaults(measure=measure_library)
    of_library.add_argument("--quick", action="store_true", help="skip the runs with 100,000 stored responses")
    of_library.add_argument("--rounds", type=int, default=25)
    of_library.add_argument("--only", metavar="NAME", action="append", help="measure these clients (and bare httpx)")
    of_poller = commands.add_parser("poller", help="condget poll")
    of_poller.set_defaults(measure=measure_poller, benchmarks=poller.BENCHMARKS)
    of_poller.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(poller.BENCHMARKS)}; default: all")
    of_poller.add_argument("--hosts", type=int, default=2_000)
    of_poller.add_argument("--many", type=int, default=10_000, help="hosts of the benchmarks with many hosts")
    of_poller.add_argument("--rounds", type=int, default=3)
    of_poller.add_argument("--state-feeds", type=int, default=1_000_000, help="feeds in the large state file")
    of_scale = commands.add_parser("scale", help="long lists, many workers, and a simulated week")
    of_scale.set_defaults(measure=measure_scale, benchmarks=scale.BENCHMARKS)
    of_scale.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(scale.BENCHMARKS)}; default: all")
    of_scale.add_argument("--list", type=int, default=1_000_000, help="feeds of the longest list")
    of_scale.add_argument("--due", type=int, default=40_000, help="feeds that workers poll")
    of_scale.add_argument("--feeds", type=int, default=10_000_000, help="feeds of the simulation")
    of_scale.add_argument("--sample", type=int, default=250_000, help="feeds of those that are simulated")
    chosen = parser.parse_args(given)
    for name in getattr(chosen, "names", ()):
        if name not in chosen.benchmarks:
            parser.error(f"there is no benchmark {name}; choose from {', '.join(chosen.benchmarks)}")
    return chosen


def measure_library(chosen: argparse.Namespace) -> None:
    from tests.bench import library

    library.run(quick=chosen.quick, rounds=chosen.rounds, only=chosen.only or ())


def measure_poller(chosen: argparse.Namespace) -> None:
    # A listening socket for each host.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for name in chosen.names or poller.BENCHMARKS:
        poller.BENCHMARKS[name](chosen)


def measure_scale(chosen: argparse.Namespace) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for name in chosen.names or scale.BENCHMARKS:
        scale.BENCHMARKS[name](chosen)


def everything(chosen: argparse.Namespace) -> None:
    # In a process of its own: the memory of this process is the least that the figures of its children can show.
    subprocess.run([sys.executable, "-m", "tests.bench", "library", "--quick"], cwd=bench.ROOT, check=True)
    measure_poller(arguments(["poller"]))


def main() -> None:
    chosen = arguments()
    # So that servers are stopped and files removed on SIGTERM, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    machine = f"{os.cpu_count()} cores, {model[1] if model else platform.machine()}, {platform.release()}"
    print(f"{machine}, Python {platform.python_version()}; load {os.getloadavg()[0]:.1f}")
    chosen.measure(chosen)
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
