"""The verdict about a server, from what it did with validators. `tests/cli/test_doctor.py` examines servers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from condget.polling.examination import Findings, verdict

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
