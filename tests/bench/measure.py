"""Runs pollers in turn, each as a whole process with the same state, and prints the CPU, time and memory of each."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from tests.bench import ROOT
from tests.bench.poller_origins import Origin

POLLERS = Path(__file__).with_name("pollers")
#: A run that takes longer is killed.
DEADLINE = 300.0
# The feedparser inside reader imports a module that reader no longer requires.
PEERS = ("aiohttp==3.*", "feedparser==6.*", "reader==3.*", "sgmllib3k==1.*")


class Used(NamedTuple):
    cpu: float  # user and system, in seconds
    wall: float
    rss: float  # megabytes, of the largest process
    code: int
    started: float  # POSIX seconds


class Poller(NamedTuple):
    name: str
    #: From the list and a folder for its state, which is the working directory, to the command.
    command: Callable[[Path, Path], list[str]]
    #: The part of the feeds that it polls if all would take too long; its figures are scaled.
    share: float = 1
    #: A part of its URLs and the replacement, for a poller of other URLs that takes the same turns.
    instead: tuple[str, str] = ("", "")


def condget(*options: str, name: str = "condget", at_once: int | None = None) -> Poller:
    many = () if at_once is None else ("--concurrency", str(at_once))
    return Poller(name, lambda feeds, _: [*CONDGET, "poll", str(feeds), "--force", *STATE, *many, *options])


#: The same as the console script.
CONDGET = [sys.executable, "-c", "from condget.cli import main; main()"]
STATE = ("--state", "state.sqlite3", "--quiet")


def bare_httpx(at_once: int = 20, name: str = "httpx") -> Poller:
    script = [sys.executable, str(POLLERS / "loop.py"), "httpx"]
    return Poller(name, lambda feeds, _: [*script, str(feeds), "state", str(at_once)])


def aiohttp(at_once: int = 100) -> Poller:
    script = [str(POLLERS / "loop.py"), "aiohttp"]
    return Poller("aiohttp", lambda feeds, _: [peers(), *script, str(feeds), "state", str(at_once)])


def reader() -> Poller:
    script = str(POLLERS / "reader_update.py")
    return Poller("reader", lambda feeds, _: [peers(), script, str(feeds), "state", "16"])


def curl(at_once: int = 100, share: float = 1) -> Poller:
    def command(feeds: Path, home: Path) -> list[str]:
        if not (home / "curl").exists():
            parts = (
                f"url={url}\noutput=/dev/null\netag-compare={n}.etag\netag-save={n}.etag\n"
                for n, url in enumerate(feeds.read_text().split())
            )
            (home / "curl").write_text("next\n".join(parts))
        return ["curl", "-s", "--parallel", "--parallel-max", str(at_once), "--config", "curl"]

    return Poller("curl", command, share)


def peers() -> str:
    """Return the interpreter of the virtual environment that has the peers; it is made when first needed."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "condget-bench"
    home = cache / f"{sys.version_info[0]}.{sys.version_info[1]}-{crc32(repr(PEERS).encode()):08x}"
    if not (home / "complete").exists():
        print(f"installing {', '.join(PEERS)} into {home}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        subprocess.run([home / "bin" / "python", "-m", "pip", "install", "-qq", *PEERS], check=True)
        (home / "complete").touch()
    return str(home / "bin" / "python")


def run(command: Sequence[str], home: Path, environment: Mapping[str, str] | None = None) -> Used:
    """Run one process to its end; return the resources of the process and its children."""
    # Without PYTHONDONTWRITEBYTECODE, too: an installed package is compiled.
    kept = {n: v for n, v in os.environ.items() if not n.lower().endswith("_proxy") and n != "PYTHONDONTWRITEBYTECODE"}
    started = time.time()
    with (home / "stderr").open("wb") as errors:
        process = subprocess.Popen(
            command,
            cwd=home,
            env={**kept, "PYTHONPATH": str(ROOT), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
    timer = threading.Timer(DEADLINE, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    try:
        _, status, used = os.wait4(process.pid, 0)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.time() - started
    # Kilobytes on Linux.
    return Used(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024, process.returncode, started)


class Figures:
    """The resources of each poller, round by round."""

    def __init__(self, title: str) -> None:
        self.used: dict[str, list[Used]] = {}
        self.notes: dict[str, str] = {}
        #: The time of the last response, in POSIX seconds.
        self.last_answer = 0.0
        self.title = title

    def median(self, name: str, field: str) -> float:
        return float(statistics.median(getattr(used, field) for used in self.used[name]))

    def ratio(self, name: str, other: str, field: str = "cpu") -> float:
        pairs = zip(self.used[name], self.used[other], strict=True)
        return float(statistics.median(getattr(mine, field) / getattr(theirs, field) for mine, theirs in pairs))

    def show(self, feeds: int = 0) -> None:
        print(f"\n{self.title}")
        each = "   ms a feed" if feeds else ""
        print(f"{'':24} {'CPU s':>8} {'wall s':>8} {'RSS MB':>8}{each}")
        for name in self.used:
            cpu, wall, rss = (self.median(name, field) for field in ("cpu", "wall", "rss"))
            each = f" {cpu / feeds * 1000:11.3f}" if feeds else ""
            print(f"{name:24} {cpu:8.3f} {wall:8.3f} {rss:8.0f}{each}  {self.notes.get(name, '')}")

    def target(self, words: str, value: float, most: float) -> None:
        print(f"  {words:66} {value:8.3f}  at most {most:<7.4g} {'met' if value <= most else 'NOT MET'}")

    def compare(self, other: str, most: float, field: str = "cpu", name: str = "condget") -> None:
        if other in self.used and name in self.used:
            self.target(f"{name} to {other}, {field}", self.ratio(name, other, field), most)


class Case:
    """Pollers of one list of feeds, each with a folder of its own."""

    def __init__(self, folder: Path, title: str, urls: Sequence[str], pollers: Iterable[Poller]) -> None:
        self.figures = Figures(title)
        self.folder = folder / title.replace("/", "-")
        self.folder.mkdir()
        self._urls = urls
        self._pollers = [p for p in pollers if p.name != "curl" or shutil.which("curl")]

    def warm(self, environment: Mapping[str, str] | None = None) -> None:
        """Let each poll all feeds once, and keep its state for every round."""
        self._environment = environment
        for poller in self._pollers:
            home = self.folder / poller.name
            home.mkdir()
            urls = self._urls[: round(len(self._urls) * poller.share)]
            (self.folder / f"{poller.name}.txt").write_text("\n".join(urls).replace(*poller.instead))
            self._run(poller, home)

    def measure(self, rounds: int, origin: Origin, expected: Mapping[int, int]) -> Figures:
        """Take turns; mark each poller that did not get the expected responses."""
        figures = self.figures
        origin.answers()
        for turn in range(rounds):
            for poller in [*self._pollers[turn % 2 :], *self._pollers[: turn % 2]]:
                home = self.folder / "running"
                shutil.copytree(self.folder / poller.name, home)
                used = self._run(poller, home)
                answers, figures.last_answer = origin.answers()
                scaled = used._replace(cpu=used.cpu / poller.share, wall=used.wall / poller.share)
                figures.used.setdefault(poller.name, []).append(scaled)
                if any(answers[status] != round(number * poller.share) for status, number in expected.items()):
                    errors = (home / "stderr").read_text(errors="replace")[-200:].strip()
                    figures.notes[poller.name] = f"WRONG: answers {dict(answers)}, exit code {used.code}, {errors}"
                elif poller.share != 1:
                    figures.notes[poller.name] = f"scaled from {poller.share:.0%} of the feeds"
                shutil.rmtree(home)
        return figures

    def _run(self, poller: Poller, home: Path) -> Used:
        return run(poller.command(self.folder / f"{poller.name}.txt", home), home, self._environment)
