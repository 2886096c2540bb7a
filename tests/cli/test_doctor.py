"""`condget doctor` finds the common faults of servers, and names the option that helps."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest

from condget.cli.doctor import Findings, verdict
from tests.origin import Answer, Origin, RawRequest, Script, conditional, not_modified, ok
from tests.polling.support import rss

Run = Callable[..., "subprocess.CompletedProcess[str]"]
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"

GOOD = Findings('"1"', DATE, etag_works=True, last_modified_works=True, both_work=True)


@pytest.mark.parametrize(
    ("findings", "faults", "option"),
    [
        (GOOD, 0, None),
        (Findings('"1"', None, etag_works=True, both_work=True), 0, None),
        (Findings(None, None), 1, None),
        (replace(GOOD, etag_works=False, both_work=False, rotates=True), 1, "validators=last-modified"),
        (replace(GOOD, last_modified_works=False, both_work=False), 1, "validators=etag"),
        (replace(GOOD, last_modified_works=False), 1, None),
        (replace(GOOD, etag_lies=True), 1, "validators=last-modified"),
        (replace(GOOD, last_modified_lies=True), 1, "validators=etag"),
        (replace(GOOD, etag_lies=True, last_modified_lies=True), 2, "validators=none"),
    ],
)
def test_the_verdict_names_the_faults_and_the_option_that_helps(
    findings: Findings, faults: int, option: str | None
) -> None:
    found, line = verdict(findings)
    assert (len(found), line) == (faults, option)


def apache(request: RawRequest) -> Answer:
    """Adds -gzip to the ETag and does not know it again (Apache bug 45023)."""
    asked = request.fields.get("if-none-match")
    if asked == '"1"' or (asked is None and request.fields.get("if-modified-since") == DATE):
        return not_modified(etag='"1"')
    return ok(rss(1), etag='"1-gzip"', last_modified=DATE)


def yes_man(request: RawRequest) -> Answer:
    """Answers 304 to whatever ETag."""
    return not_modified() if "if-none-match" in request.fields else ok(rss(1), etag='"1"')


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        (conditional(rss(1), etag='"1"', last_modified=DATE), 0, "honours what it gives"),
        (ok(rss(1)), 1, "no validators"),
        (apache, 1, "validators=last-modified"),
        (yes_man, 1, "validators=none"),
    ],
)
def test_the_doctor_asks_politely_and_tells(invoke: Run, origin: Origin, script: Script, code: int, words: str) -> None:
    """A few GET requests, the poller's state left alone."""
    origin.script("/feed", script)
    done = invoke("doctor", origin.url("/feed"))
    assert (done.returncode, done.stderr) == (code, "")
    assert words in done.stdout
    assert {request.method for request in origin.requests} == {"GET"}
    assert len(origin.requests) <= 7


def test_the_doctor_says_what_is_no_feed(invoke: Run, origin: Origin) -> None:
    origin.script("/feed", Answer(404))
    done = invoke("doctor", origin.url("/feed"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "404" in done.stderr
