"""Defaults of options: variables, condget.toml, and which of them counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_shell import _loaded


@pytest.fixture
def own(home: Path, environment: dict[str, str]) -> Path:
    """Where the user's own configuration file is looked for."""
    path = home / ".config" / "condget" / "condget.toml"
    path.parent.mkdir(parents=True)
    environment["CONDGET_CONFIG_DIR"] = str(path.parent)
    return path


@pytest.fixture
def feeds(tmp_path: Path) -> Path:
    directory = tmp_path / "lists"
    directory.mkdir()
    file = directory / "feeds.txt"
    file.write_text("https://example.org/feed.xml\n")
    return file


def _format(invoke: Run, *arguments: object) -> str:
    """Return the format in which a dry run reports."""
    done = invoke("poll", "-n", *arguments)
    assert done.returncode == 0, done.stderr
    return {"{": "jsonl", "#": "markdown", "h": "text"}[done.stdout[0]]


def test_the_order_of_precedence(
    invoke: Run, environment: dict[str, str], own: Path, feeds: Path, tmp_path: Path
) -> None:
    assert _format(invoke, feeds) == "text"
    own.write_text('[poll]\nformat = "jsonl"\n')
    assert _format(invoke, feeds) == "jsonl"
    (feeds.parent / "condget.toml").write_text('[poll]\nformat = "markdown"\n')
    assert _format(invoke, feeds) == "markdown"
    named = tmp_path / "named.toml"
    named.write_text('[poll]\nformat = "text"\n')
    assert _format(invoke, feeds, "--config", named) == "text"
    assert _format(invoke, feeds, f"--config={own}") == "jsonl"
    environment["CONDGET_POLL_FORMAT"] = "jsonl"
    assert _format(invoke, feeds) == "jsonl"
    assert _format(invoke, feeds, "--format", "markdown") == "markdown"
    environment["CONDGET_POLL_FORMAT"] = ""
    assert _format(invoke, feeds, "--no-config") == "text"


def test_options_before_the_command_count_too(invoke: Run, own: Path, feeds: Path) -> None:
    own.write_text('[poll]\nformat = "jsonl"\n')
    assert invoke("--no-config", "poll", "-n", feeds).stdout.startswith("https://")
    other = own.with_name("other.toml")
    other.write_text('[poll]\nformat = "markdown"\n')
    assert invoke("--config", other, "poll", "-n", feeds).stdout.startswith("## ")


def test_feeds_and_state_can_be_configured_and_start_at_the_file(
    invoke: Run, own: Path, environment: dict[str, str], feeds: Path
) -> None:
    own.write_text(f'feeds = ["{feeds}", "https://example.net/"]\nstate = "mine.sqlite3"\n')
    done = invoke("list")
    assert [line.split()[-4] for line in done.stdout.splitlines()] != []
    assert "https://example.org/feed.xml" in done.stdout
    assert "https://example.net/" in done.stdout
    invoke("poll", "http://127.0.0.1:1/")
    assert (own.parent / "mine.sqlite3").exists()
    environment["CONDGET_FEEDS"] = "https://example.com/"
    assert "https://example.net/" not in invoke("list").stdout
    del environment["CONDGET_FEEDS"]
    own.unlink()
    assert "Missing argument 'FEEDS...'" in invoke("list").stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[poll", "condget.toml: "),
        ("[pol]\n", '"pol"; did you mean "poll"?'),
        ('[poll]\nformt = "jsonl"\n', '[poll] has no option "formt"; did you mean "format"?'),
        ('[poll]\ntimeout = "soon"\n', "[poll] timeout: 'soon' is not a valid float"),
        ("[cache.list]\nhosts = 1\n", '[cache.list] has no option "hosts"; did you mean "host"?'),
        ("poll = 1\n", "poll is a table; write [poll] above its options"),
        ('feeds = "feeds.txt"\n', 'feeds is a list of paths and URLs, such as ["feeds.txt"]'),
    ],
)
def test_faults_of_the_file_are_named(invoke: Run, own: Path, text: str, words: str) -> None:
    own.write_text(text)
    done = invoke("cache", "list") if "cache" in text else invoke("poll", "-n")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"condget: {own}: ")
    assert words in done.stderr


def test_a_file_that_is_named_must_be_there(invoke: Run, feeds: Path) -> None:
    done = invoke("poll", "-n", feeds, "--config", "nosuch.toml")
    assert done.returncode == 2
    assert "nosuch.toml cannot be read (No such file or directory)" in done.stderr


def test_a_value_of_a_variable_is_checked(invoke: Run, environment: dict[str, str], feeds: Path) -> None:
    environment["CONDGET_POLL_TIMEOUT"] = "soon"
    done = invoke("poll", "-n", feeds)
    assert (done.returncode, done.stdout) == (2, "")
    assert "the variable CONDGET_POLL_TIMEOUT: 'soon' is not a valid float" in done.stderr


def test_a_file_beside_a_list_that_others_can_write_is_refused(invoke: Run, feeds: Path) -> None:
    beside = feeds.with_name("condget.toml")
    beside.write_text("")
    beside.chmod(0o666)
    done = invoke("poll", "-n", feeds)
    assert done.returncode == 2
    assert f"{beside} can be written by other users" in done.stderr
    assert invoke("poll", "-n", "--no-config", feeds).returncode == 0


def test_no_configuration_costs_no_parser(environment: dict[str, str], feeds: Path) -> None:
    assert _loaded(environment, "poll", "-n", str(feeds)) <= {"sqlite3"}
    code = "import sys; from condget.cli import main; sys.argv[1:] = ['paths']; import atexit\n"
    code += "atexit.register(lambda: print('tomllib' in sys.modules, file=sys.stderr)); main()"
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == "False\n"


def test_paths_print_where_the_configuration_is_and_what_counts(invoke: Run, own: Path) -> None:
    done = invoke("paths")
    assert f"config {own} (not there)\n" in done.stdout
    own.write_text("")
    lines = invoke("paths").stdout.splitlines()
    assert lines[2] == f"config {own}"
    assert [line[:5] for line in lines[4:]] == ["  1. ", "  2. ", "  3. ", "  4. "]
    assert lines[4] == "  1. the command line"


def test_rounds_of_watch_have_the_defaults_of_poll(invoke: Run, own: Path, feeds: Path) -> None:
    own.write_text('[poll]\nformat = "nosuch"\n')
    assert 'there is no format "nosuch"' in invoke("watch", feeds).stderr


def test_an_argument_that_is_no_path_is_no_fault(invoke: Run, feeds: Path) -> None:
    assert invoke("poll", "-n", "--template", f"{'x' * 300}/{{title}}", feeds).returncode == 0


@pytest.mark.parametrize(
    "line",
    [
        'exec = "touch pwned"',
        'post = "http://127.0.0.1:1/"',
        'dask = "tcp://127.0.0.1:1"',
        'state = "postgresql://127.0.0.1:1/x"',
    ],
)
def test_a_file_beside_a_list_runs_nothing_and_sends_nothing_away(invoke: Run, feeds: Path, line: str) -> None:
    """A list may come from somebody else, and feeds have passwords."""
    feeds.with_name("condget.toml").write_text(f"[poll]\n{line}\n")
    done = invoke("poll", "-n", feeds)
    assert done.returncode == 2
    assert f"[poll] {line.partition(' ')[0]}: a file beside a list cannot set this" in done.stderr
