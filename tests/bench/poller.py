"""The benchmarks of `condget poll`, and the ratios that are wanted."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import ROOT
from tests.bench import poller_origins as origins
from tests.bench.measure import (
    CONDGET,
    STATE,
    Case,
    Figures,
    Poller,
    aiohttp,
    bare_httpx,
    condget,
    curl,
    reader,
    run,
)

NEVER = 5.0  # seconds that are waited for hosts that never answer


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="condget-bench-") as path:
        yield Path(path)


def unchanged(sizes: Namespace) -> None:
    with folder() as where, origins.nginx(where, max(sizes.hosts, sizes.many)) as origin:
        origins.write_feeds(where / "www", max(sizes.hosts, sizes.many))

        def measured(title: str, hosts: int, feeds: int, *pollers: Poller) -> Figures:
            case = Case(where, title, origin.urls(hosts, feeds), pollers)
            case.warm()
            figures = case.measure(sizes.rounds, origin, {304: feeds})
            figures.show(feeds)
            return figures

        n, many = sizes.hosts, sizes.many
        few = measured(
            f"{n:,} unchanged feeds on as many hosts",
            n, n, condget(), bare_httpx(), curl(), aiohttp(), reader(),
        )  # fmt: skip
        few.compare("httpx", 0.4)
        few.compare("reader", 0.3)
        lot = measured(f"{many:,} unchanged feeds on as many hosts", many, many, condget(), bare_httpx(), curl())
        lot.compare("curl", 0.7)
        lot.compare("httpx", 0.35)
        lot.target("condget, MB", lot.median("condget", "rss"), 120)
        each = lot.median("condget", "cpu") / many, few.median("condget", "cpu") / n
        lot.target(f"condget, a feed, to a feed of {n:,}", each[0] / each[1], 1)
        kept = measured(f"{n:,} unchanged feeds on 20 hosts", 20, n, condget(), bare_httpx(), reader())
        kept.compare("httpx", 0.4)
        kept.compare("reader", 0.3)


def changed(sizes: Namespace) -> None:
    n = sizes.hosts
    for every in (50, 5):
        with folder() as where, origins.nginx(where, n) as origin:
            origins.write_feeds(where / "www", n, every=every)
            title = f"{n:,} feeds on as many hosts, {1 / every:.0%} changed"
            case = Case(where, title, origin.urls(n, n), [condget(), bare_httpx(), reader()])
            case.warm()
            origins.change_feeds(where / "www", n, every=every)
            new = len(range(0, n, every))
            figures = case.measure(sizes.rounds, origin, {304: n - new, 200: new})
            figures.show(n)
            figures.compare("httpx", 0.45)
            figures.compare("reader", 0.4)


def delayed(sizes: Namespace) -> None:
    n = sizes.hosts
    with folder() as where, origins.late(where, n) as origin:
        at_once = condget(name="condget, no delay")._replace(instead=("/200/", "/0/"))
        others = bare_httpx(100, "httpx, 100 at once"), bare_httpx(200, "httpx, 200 at once"), curl(500)
        title = f"{n:,} hosts, every answer 200 ms late"
        case = Case(where, title, origin.urls(n, n, "/200"), [condget(), at_once, *others])
        case.warm()
        late = case.measure(sizes.rounds, origin, {304: n})
        late.show()
        wall = {name: late.median(name, "wall") for name in late.used}
        best = min((poller.name for poller in others[:2]), key=wall.__getitem__)
        late.compare(best, 0.4, "wall")
        late.compare("curl", 1, "wall")
        late.compare("condget, no delay", 1)

        urls = [
            url.replace("/200/", "/never/") if index % 50 == 49 else url
            for index, url in enumerate(origin.urls(n, n, "/200"))
        ]
        silent = len(range(49, n, 50))
        never = Case(where, f"2% of the hosts never answer ({NEVER:g} s)", urls, [condget("--timeout", f"{NEVER:g}")])
        never.warm()
        figures = never.measure(1, origin, {304: n - silent})
        figures.show()
        (used,) = figures.used["condget"]
        figures.target("wall of the run", used.wall, NEVER + wall["condget"] + 0.5)
        last = figures.last_answer - used.started
        figures.target("wall until the last answer", last, wall["condget"] * 1.2 + 0.5)


def tls(sizes: Namespace) -> None:
    n = sizes.hosts
    with folder() as where, origins.nginx(where, n, tls=True) as origin:
        origins.write_feeds(where / "www", n)
        pollers = condget(), bare_httpx(), aiohttp(), curl(share=0.05)
        case = Case(where, f"{n:,} unchanged feeds on as many hosts, TLS 1.3", origin.urls(n, n), pollers)
        trusted = str(where / "ca.pem")
        case.warm(dict.fromkeys(("SSL_CERT_FILE", "CURL_CA_BUNDLE"), trusted))
        figures = case.measure(sizes.rounds, origin, {304: n})
    figures.show(n)
    figures.compare("httpx", 0.6)
    figures.compare("curl", 0.1)
    figures.target("condget, MB", figures.median("condget", "rss"), 150)


def start(sizes: Namespace) -> None:
    python = [sys.executable, "-c"]
    commands = {
        "python": [*python, "pass"],
        "import typer": [*python, "import typer"],
        "import httpx": [*python, "import httpx"],
        "import condget": [*python, "import condget"],
        "condget --version": [*CONDGET, "--version"],
        "condget poll": [*CONDGET, "poll", "feeds.txt", *STATE],
    }
    with folder() as where, origins.nginx(where, sizes.many) as origin:
        origins.write_feeds(where / "www", sizes.many)
        (where / "feeds.txt").write_text("\n".join(origin.urls(sizes.many, sizes.many)))
        run([*commands["condget poll"]], where)
        origin.answers()
        figures = Figures(f"Start; condget poll has {sizes.many:,} feeds of which none is due")
        for _ in range(3 * sizes.rounds):
            for name, command in commands.items():
                figures.used.setdefault(name, []).append(run(command, where))
        if asked := origin.answers()[0]:
            figures.notes["condget poll"] = f"WRONG: it asked, {dict(asked)}"
    figures.show()
    figures.compare("import typer", 1.2, name="condget --version")
    figures.compare("import typer", 2.2, name="condget poll")
    heavy = "httpx", "feedparser", "rich", "typer", "pydantic"
    code = f"import sys, condget; sys.exit(any(name in sys.modules for name in {heavy}))"
    loaded = subprocess.run([*python, code], cwd=ROOT, check=False).returncode
    figures.target(f"import condget loads any of {', '.join(heavy)}", loaded, 0)


def state(sizes: Namespace) -> None:
    with folder() as where:
        command = [sys.executable, "-m", "tests.bench.state_file", str(where), str(sizes.state_feeds)]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, timeout=600)
    took = json.loads(done.stdout)
    figures = Figures("State file, wall s")
    print(f"\n{figures.title}")
    for name, seconds in took.items():
        print(f"  {name:66} {seconds:8.4f}")
    names = list(took)
    figures.target(names[0], took[names[0]], 0.15)
    figures.target("the same feeds loaded of the large file, to the small one", took[names[-1]] / took[names[-2]], 1.5)


BENCHMARKS: dict[str, Callable[[Namespace], None]] = {
    measured.__name__: measured for measured in (unchanged, changed, delayed, tls, start, state)
}
