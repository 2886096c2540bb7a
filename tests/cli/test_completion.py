"""Completion in bash, zsh and fish, and suggestions instead of a wrong option."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.origin import Origin, ok
from tests.polling.support import rss


def _offered(condget: Run, shell: str, *words: str) -> set[str]:
    if shell == "bash":
        env = {"COMP_WORDS": " ".join(("condget", *words)), "COMP_CWORD": str(len(words))}
    else:
        env = {"_TYPER_COMPLETE_ARGS": " ".join(("condget", *words)), "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = condget(env=env | {"_CONDGET_COMPLETE": f"complete_{shell}"})
    assert done.returncode == 0, done.stderr
    return {line.split("\t")[0] for line in done.stdout.splitlines()} - {""}


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_commands_options_formats_and_known_feeds_are_offered(shell: str, condget: Run, origin: Origin) -> None:
    origin.script("*", ok(rss(1)))
    urls = [origin.url("/tea.xml"), origin.url("/coffee.xml")]
    condget("poll", *urls)
    assert _offered(condget, shell, "wa") == {"watch"}
    assert "--failures-after" in _offered(condget, shell, "poll", "--fail")
    assert _offered(condget, shell, "poll", "--format", "js") == {"jsonl"}
    assert _offered(condget, shell, "explain", "htt") == set(urls)
    assert _offered(condget, shell, "forget", urls[0][:-5]) == {urls[0]}
    scheme, rest = urls[0].split(":", 1)
    for command in ("explain", "forget"):
        assert _offered(condget, shell, command, scheme, ":", rest[:-5]) == {rest}


def test_a_state_that_cannot_be_read_offers_nothing(condget: Run, home: Path) -> None:
    (home / "state").mkdir()
    (home / "state" / "feeds.sqlite3").write_text("not a database")
    assert _offered(condget, "fish", "explain", "x") == set()


def test_zsh_is_offered_commands(condget: Run) -> None:
    done = condget(env={"_CONDGET_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "condget wat"})
    assert '"watch":' in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["get", "-L", "https://example.org/"], "No such option: -L; redirects are followed anyway"),
        (["poll", "--every", "6h", "l"], "No such option: --every; write every=6h behind the feed in its list"),
        (["poll", "--forc", "l"], "(Possible options: --force, --format)"),
        (["pol"], "Did you mean 'poll'?"),
    ],
)
def test_wrong_words_are_answered_by_what_helps(invoke: Run, arguments: list[str], words: str) -> None:
    done = invoke(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in " ".join(done.stderr.split())
