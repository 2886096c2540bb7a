"""README and docs/ are true: Python runs and prints what README says, commands print what README says, links exist.

The Python blocks are one program, the console blocks one session. The content of https://example.org/ is scripted here.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import respx
from httpx import AsyncHTTPTransport, Request, Response

from condget import cli
from condget.cache.policy import MODES, Policy
from condget.feeds.subscriptions import parse_list
from condget.fetching.via_transport import TransportWire
from condget.polling.executors import InProcess
from condget.reports import FORMATS, ReportOptions
from tests.origin import Origin, conditional, ok, redirect
from tests.reports.outcomes import CHANGED, report_as

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SITE = "https://example.org"


def _blocks() -> list[tuple[str, str]]:
    return re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def _site(request: Request) -> Response:
    if request.url.path == "/feed.xml":
        return Response(200, content=_feed("Headers", "Caching"))
    if request.url.path == "/no-store":
        return Response(200, headers={"Cache-Control": "no-store"}, text="secret")
    if request.headers.get("If-None-Match") == '"e1"':
        return Response(304, headers={"ETag": '"e1"'})
    return Response(200, headers={"ETag": '"e1"'}, content=b"x" * 1256)


def test_python_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDGET_CACHE_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    # The poller's own wire, which needs no httpx, is beyond the reach of respx.
    defaults = InProcess.__init__.__kwdefaults__
    monkeypatch.setitem(defaults, "wire", lambda: TransportWire(AsyncHTTPTransport()))
    blocks = _blocks()
    namespace: dict[str, object] = {}
    with respx.mock(assert_all_called=False) as site:
        site.route(host="example.org").mock(side_effect=_site)
        for (language, code), (following, expected) in pairwise(blocks):
            if language != "python":
                continue
            assert following == "text", f"this says nothing of what it prints:\n{code}"
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile(code, "README.md", "exec"), namespace)
            assert printed.getvalue() == expected


def _feed(*titles: str) -> bytes:
    items = "".join(
        f"<item><title>{title}</title><link>{SITE}/{title.lower().replace(' ', '-')}</link></item>" for title in titles
    )
    return f'<rss version="2.0"><channel><title>Example</title>{items}</channel></rss>'.encode()


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Origin]:
    with Origin() as origin:
        origin.script(
            "/feed.xml",
            ok(_feed("Headers", "Caching"), etag='"f1"'),
            ok(_feed("Conditional requests", "Headers", "Caching"), etag='"f2"'),
        )
        origin.script("/old.xml", redirect(origin.url("/cakes.xml"), 301))
        origin.script("/cakes.xml", ok(_feed("Sponge").replace(b"Example", b"Cakes"), etag='"c1"'))
        origin.script("/hello.txt", conditional(b"Hello.\n", etag='"h1"'))
        (tmp_path / "feeds.txt").write_text(origin.url("/feed.xml") + "\n")
        yield origin


def test_commands_print_what_they_say(example: Origin, tmp_path: Path) -> None:
    shim = tmp_path / "bin" / "condget"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m condget "$@"\n')
    shim.chmod(0o755)
    env = os.environ | {
        "PATH": f"{shim.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "CONDGET_STATE_DIR": str(tmp_path / "state"),
        "CONDGET_CACHE_DIR": str(tmp_path / "cache"),
    }
    here = example.url("")
    for language, session in _blocks():
        if language != "console":
            continue
        for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", session, re.MULTILINE):
            done = subprocess.run(
                command.replace(SITE, here),
                shell=True,
                env=env,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=60,
            )  # the README's own words
            # Links of entries are the site's, as they came.
            assert done.stdout.replace(here, SITE) == expected, f"{command}\n{done.stderr}"


def test_the_list_of_feeds_can_be_read() -> None:
    (text,) = [code for language, code in _blocks() if language == "feeds"]
    feeds = parse_list(text, "README.md")
    assert len(feeds) == len([line for line in text.splitlines() if not line.startswith("#")])


def test_every_key_of_jsonl_is_explained() -> None:
    import json

    table = README.partition("| Key | |")[2].partition("\n\n")[0]
    explained = {
        key for row in table.splitlines() if row.startswith("| `") for key in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert explained == set(json.loads(report_as("jsonl", CHANGED, ReportOptions())))


def test_the_configuration_can_be_read(tmp_path: Path) -> None:
    (text,) = [code for language, code in _blocks() if language == "toml"]
    (tmp_path / "condget.toml").write_text(text)
    (tmp_path / "feeds.txt").write_text(f"{SITE}/feed.xml\n")
    command = [sys.executable, "-m", "condget", "poll", "-n", "--config", str(tmp_path / "condget.toml")]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"## [{SITE}/feed.xml]")


def test_every_format_mode_and_exit_code_is_named() -> None:
    for name in (*FORMATS, *MODES):
        assert f"`{name}`" in README or f"--format {name}`" in README
    from condget.cli.shell import EPILOG

    for code in re.findall(r"^  (\d+) ", EPILOG, re.MULTILINE):
        assert re.search(rf"^\| (\d+, )?{code}\b", README, re.MULTILINE), code
    assert cli.DEBUG_ENV in README


def test_every_choice_of_a_policy_is_listed_with_its_default() -> None:
    defaults = {
        name: f"{len(parameter.default)} names" if name == "credential_fields" else f"`{parameter.default}`"
        for name, parameter in inspect.signature(Policy).parameters.items()
    }
    table = README.partition("| Argument of `Policy` |")[2].partition("\n\n")[0]
    assert dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE)) == defaults


def test_links_into_the_repository_are_absolute_and_their_files_exist() -> None:
    """The package index shows README, too, where a relative link leads nowhere."""
    links = re.findall(r"\]\(([^)#]+)", README)
    assert all(link.startswith("https://") for link in links)
    paths = [path for link in links for path in re.findall(r"/condget/condget/(?:blob|tree)/main/(.*)", link)]
    assert paths
    for path in paths:
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_every_page_of_the_documentation_is_in_the_table_of_what_to_read(name: str) -> None:
    assert f"| [docs/{name}](" in README


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_links_of_the_documentation_exist(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_files_that_the_documentation_names_exist(page: Path) -> None:
    for name in re.findall(r"`([\w/]+\.py|(?:condget|tests)/[\w/]*)`", page.read_text(encoding="utf-8")):
        assert any((ROOT / place / name).exists() for place in ("condget/cache", "condget", ".")), name


def test_ci_runs_the_command_for_the_tests() -> None:
    (command,) = [code.strip() for language, code in _blocks() if language == "sh" and "pytest" in code]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert command.replace(".venv", '"$venv"') in script
