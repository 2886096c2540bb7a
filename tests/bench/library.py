"""The benchmark of the library: condget beside bare httpx and other caches, in one run.

Peers are measured if they are installed; condget does not depend on them:
`pip install "hishel[httpx,async]" requests-cache "cachecontrol[filecache]"`. The origin is a process of its own on
the loopback. Contenders take turns in short rounds. A figure is the median of the rounds, a ratio the median of the
rounds' ratios, so that a busy machine disturbs all contenders alike. CPU is that of the client's process.
"""

from __future__ import annotations

import contextlib
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench import ROOT
from tests.bench.library_clients import Contender, Opened, contenders

URLS = 10  # stored responses that are requested again and again


class Scenario(NamedTuple):
    name: str
    kind: str  # of the origin's answers
    kib: int
    at_a_time: int
    stored: int
    requests: int


class Figure(NamedTuple):
    cpu: float  # microseconds per request
    latency: float


#: By contender and scenario, one figure a round.
Figures = dict[tuple[str, Scenario], list[Figure]]


def scenarios(stored: int) -> list[Scenario]:
    """Return the scenarios; a miss comes last, since it adds to the store."""
    few = [
        Scenario("fresh 10 KB", "fresh", 10, 1, stored, 60),
        Scenario("304", "valid", 10, 1, stored, 40),
        Scenario("stored miss", "miss", 10, 1, stored, 40),
    ]
    if stored > URLS:
        return few
    more = [Scenario("fresh 1 MB", "fresh", 1024, 1, stored, 20)]
    many = [s._replace(name=f"{s.name}, 16", at_a_time=16, requests=s.requests * 2) for s in few]
    return [few[0], *more, few[1], *many[:2], few[2], many[2]]


@contextlib.contextmanager
def origin() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.library_origin"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def measure(contender: Contender, scenario: Scenario, base: str, fresh_number: Iterator[int]) -> Figure:
    if scenario.kind == "miss":
        urls = [f"{base}/fresh/{scenario.kib}/{next(fresh_number) + URLS}" for _ in range(scenario.requests)]
    else:
        urls = [f"{base}/{scenario.kind}/{scenario.kib}/{n % URLS}" for n in range(scenario.requests)]
    cpu = time.process_time()
    took = contender.run(urls, scenario.at_a_time)
    return Figure((time.process_time() - cpu) / len(urls) * 1e6, statistics.median(took) * 1e6)


def compare(
    chosen: dict[str, Callable[[Path], Opened]],
    stored: int,
    rounds: int,
    base: str,
    fresh_number: Iterator[int],
) -> Figures:
    """Open every contender with that many stored responses; then all take turns in each scenario."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        opened: dict[str, Contender] = {}
        for name, make in chosen.items():
            home = Path(folder, name)
            home.mkdir()
            opened[name] = stack.enter_context(make(home))
        for name, contender in opened.items():
            for kind, kib in (("fresh", 10), ("fresh", 1024), ("valid", 10)):
                contender.run([f"{base}/{kind}/{kib}/{n}" for n in range(URLS)], 1)
            if stored > URLS:
                started = time.monotonic()
                contender.fill(stored)
                print(
                    f"{stored:,} responses stored by {name} in {time.monotonic() - started:.0f} s",
                    file=sys.stderr,
                )
        for scenario in scenarios(stored):
            for name, contender in itertools.chain(*[opened.items()] * rounds):
                if scenario.kind == "fresh" or not name.startswith(("objects", "bare read")):
                    figure = measure(contender, scenario, base, fresh_number)
                    figures.setdefault((name, scenario), []).append(figure)
    return figures


def print_figures(figures: Figures) -> None:
    cases = list(dict.fromkeys(scenario for _, scenario in figures))
    names = list(dict.fromkeys(name for name, _ in figures))
    print("\nMicroseconds a request, CPU of the client / latency")
    for part in (cases[i : i + 5] for i in range(0, len(cases), 5)):
        titles = [f"{s.name}{f', {s.stored:,}' if s.stored > URLS else ''}" for s in part]
        print(f"{'':21}" + "".join(f"{title:>21}" for title in titles))
        for name in names:
            cells = [
                tuple(map(statistics.median, zip(*figures[name, scenario], strict=True)))
                if (name, scenario) in figures
                else ()
                for scenario in part
            ]
            print(f"{name:21}" + "".join(f"{' / '.join(f'{value:,.0f}' for value in c):>21}" for c in cells))


def print_targets(figures: Figures) -> None:
    """CPU ratios, each with what is wanted of it."""
    cpu = {(name, s.name, s.stored): [figure.cpu for figure in found] for (name, s), found in figures.items()}
    peers = ("hishel", "requests-cache", "CacheControl")

    def row(title: str, above: list[float] | None, below: list[float] | None, wanted: float, at_most: bool) -> None:
        if above and below:
            ratio = statistics.median(a / b for a, b in zip(above, below, strict=True))
            met = ratio <= wanted if at_most else ratio >= wanted
            sign = "at most" if at_most else "at least"
            print(f"{title:62} {ratio:6.2f}  {sign:8} {wanted:<4} {'met' if met else 'NOT MET'}")

    print("\nRatios of CPU")
    for size in ("fresh 10 KB", "fresh 1 MB"):
        ours, ours_async = cpu.get(("condget", size, URLS)), cpu.get(("condget async", size, URLS))
        present = [cpu[peer, size, URLS] for peer in peers if (peer, size, URLS) in cpu]
        fastest = min(present, key=statistics.median, default=None)
        read = cpu[("bare read", size, URLS)]
        row(f"{size}: condget to bare read", ours, read, 1.3, True)
        row(f"{size}: condget async to bare read (sync)", ours_async, read, 2, True)
        row(f"{size}: fastest peer to condget", fastest, ours, 1.4, False)
        row(
            f"{size}: hishel async to condget async",
            cpu.get(("hishel async", size, URLS)),
            ours_async,
            5,
            False,
        )
        row(f"{size}: bare httpx request to condget", cpu[("bare httpx", size, URLS)], ours, 3, False)
    cases, ways = ("304", "304, 16", "stored miss", "stored miss, 16"), ("", " async")
    for case, way, (of_condget, library) in itertools.product(cases, ways, (("", "httpx"), (" httpx2", "httpx2"))):
        ours, bare = cpu.get((f"condget{of_condget}{way}", case, URLS)), cpu.get((f"bare {library}{way}", case, URLS))
        row(f"{case}: condget{of_condget}{way} to bare {library}{way}", ours, bare, 1.2, True)
    for name, case, stored in cpu:
        if stored > URLS and name.startswith("condget"):  # each beside bare httpx: the two were not measured together
            plain = name.replace("condget", "bare httpx")
            many, few = (
                [a / b for a, b in zip(cpu[name, case, n], cpu[plain, case, n], strict=True)] for n in (stored, URLS)
            )
            row(f"{case}: {name} to {plain}, {stored:,} stored to {URLS}", many, few, 1.1, True)


def run(*, quick: bool, rounds: int, only: Sequence[str] = ()) -> None:
    """Measure and print; `quick` leaves out the runs with 100,000 stored responses, `only` all other peers."""
    chosen = {
        name: make
        for name, make in contenders().items()
        if not only or name in only or name.startswith(("objects", "bare"))
    }
    figures: Figures = {}
    with origin() as base:
        for stored in (URLS,) if quick else (URLS, 100_000):
            figures |= compare(chosen, stored, rounds, base, itertools.count())
    print_figures(figures)
    print_targets(figures)
