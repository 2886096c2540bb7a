"""The state file of `condget poll`: one run at a time, damage, full disks, secrets, other machines."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from condget.stores.lock import lock
from tests.cli.conftest import SILENCE, Run, said, state_of
from tests.origin import Answer, Origin, ok
from tests.polling.support import rss


def test_b9_another_run_that_holds_the_state_is_exit_75(invoke: Run, feeds: Path, origin: Origin, home: Path) -> None:
    """B9: two runs at once make one request."""
    path = home / "state" / "feeds.sqlite3"
    with lock(path):
        done = invoke("poll", feeds)
        assert (done.returncode, done.stdout) == (75, "")
        assert str(os.getpid()) in done.stderr
        assert invoke("list", feeds).returncode == 0
    assert invoke("poll", feeds, "--wait", 5).returncode == 0
    assert len(origin.requests) == 1


def test_f11_with_a_full_disk_no_feed_is_requested(condget: Run, feeds: Path, origin: Origin) -> None:
    """F11, C1: what it would send could not be remembered, and the next run would request it in full again."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    for _ in range(2):
        done = condget("poll", feeds, preexec_fn=limit)
        assert (done.returncode, done.stdout) == (1, "")
        assert "its disk is full; free some space and run again" in done.stderr
    assert origin.requests == []
    assert "first seen" in condget("poll", feeds).stdout


def test_f11_a_damaged_state_is_set_aside_and_said(invoke: Run, feeds: Path, home: Path) -> None:
    """F11."""
    invoke("poll", feeds)
    state = home / "state" / "feeds.sqlite3"
    state.write_bytes(state.read_bytes()[:4096] + b"damage" * 3000)
    done = invoke("poll", feeds)
    assert done.returncode == 0
    assert "was damaged; it was set aside as" in done.stderr
    assert "first seen" in done.stdout
    assert invoke("poll", feeds).stderr == ""


def test_f11_a_file_that_is_not_a_state_file_is_refused(invoke: Run, feeds: Path, home: Path) -> None:
    """F11: `--state feeds.txt` where `--state st.sqlite3 feeds.txt` was meant."""
    before = feeds.read_bytes()
    for command in ("poll", "list", "explain"):
        done = invoke(command, "--state", feeds, feeds if command != "explain" else "https://example.org/")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"The file {feeds} is not a state file of condget and is left untouched" in done.stderr
        assert not feeds.with_name("feeds.txt.lock").exists()
    assert feeds.read_bytes() == before


def test_f12_only_the_owner_can_read_and_no_secret_is_written(condget: Run, origin: Origin, home: Path) -> None:
    """F12, D8, F9."""
    answer = Answer(200, [("Set-Cookie", "s=cookiesecret"), ("ETag", '"1"'), ("Vary", "Authorization")], rss(1))
    origin.script("/feed", answer, Answer(403, body=b"not pa55word"))
    listed = origin.url("/feed", userinfo="me:pa55word") + " header=X-Key:k3ysecret\n"
    done = [condget("poll", "--force", "-v", "-f", "jsonl", "-", input=listed) for _ in range(2)]
    assert origin.requests[1].fields.get("x-key") == "k3ysecret"
    everything = b"".join(path.read_bytes() for path in (home / "state").iterdir())
    told = everything.decode("latin-1") + "".join(run.stdout + run.stderr for run in done)
    for secret in ("pa55word", "k3ysecret", "cookiesecret", "bWU6"):
        assert secret not in told
    assert all(path.stat().st_mode & 0o077 == 0 for path in [home / "state", *(home / "state").iterdir()])


def test_b6_the_state_moves_to_another_machine(
    invoke: Run, feeds: Path, origin: Origin, tmp_path: Path, home: Path
) -> None:
    """B6: validators and seen entries go along; here nothing goes back."""
    invoke("poll", feeds)
    exported = tmp_path / "state.jsonl"
    exported.write_text(invoke("state", "export").stdout)
    other = tmp_path / "other.sqlite3"
    assert invoke("state", "import", exported, "--state", other).returncode == 0
    assert said(invoke("poll", "--force", feeds, "--state", other)) == SILENCE
    assert origin.requests[-1].fields.get("if-none-match") == '"1"'
    assert "1 left" in invoke("state", "import", exported, "--state", other).stderr


def test_the_states_of_many_feeds_are_remembered(invoke: Run, origin: Origin, tmp_path: Path, home: Path) -> None:
    """F4: a hundred at once, on several connections."""
    origin.script("*", lambda request: ok(rss(1, title=request.path), etag='"1"'))
    many = tmp_path / "many.txt"
    many.write_text("".join(f"{origin.url(f'/{n}')}\n" for n in range(100)))
    assert invoke("poll", many).stdout.count("first seen") == 100
    assert len(state_of(home).urls()) == 100
