"""The figures of a run."""

from __future__ import annotations

import re
from dataclasses import replace

from condget.reports.metrics import Figures, metrics
from tests.reports.outcomes import CHANGED, EDITED, FAILED, GONE, SKIPPED, UNCHANGED


def page(*outcomes: object) -> str:
    figures = Figures()
    for outcome in outcomes:
        figures.add(outcome)  # type: ignore[arg-type]
    return metrics(figures, listed=9, due=7, began=1_700_000_000.25, seconds=1.23456, exit_code=1)


def test_a_run_is_counted() -> None:
    unreached = replace(FAILED, http_status=None, connected=False)
    broken = replace(FAILED, http_status=None)
    no_feed = replace(FAILED, http_status=200)
    text = page(CHANGED, EDITED, UNCHANGED, UNCHANGED, GONE, FAILED, unreached, broken, no_feed, SKIPPED)
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    assert {name: value for name, value in samples.items() if name.startswith("condget_feeds_polled")} == {
        'condget_feeds_polled{status="changed"}': "2",
        'condget_feeds_polled{status="error"}': "4",
        'condget_feeds_polled{status="gone"}': "1",
        'condget_feeds_polled{status="moved"}': "0",
        'condget_feeds_polled{status="new"}': "0",
        'condget_feeds_polled{status="unchanged"}': "2",
    }
    assert {name: value for name, value in samples.items() if "failures" in name} == {
        'condget_failures{kind="503"}': "1",
        'condget_failures{kind="connection"}': "1",
        'condget_failures{kind="content"}': "1",
        'condget_failures{kind="exchange"}': "1",
    }
    assert (samples["condget_entries_new"], samples["condget_entries_edited"]) == ("2", "1")
    assert (samples["condget_not_modified"], samples["condget_saved_bytes"]) == ("2", str(7 * 512))
    assert (samples["condget_feeds_listed"], samples["condget_feeds_due"]) == ("9", "7")
    assert (samples["condget_run_seconds"], samples["condget_run_timestamp_seconds"]) == ("1.235", "1700000000.25")


def test_every_line_is_of_the_text_format() -> None:
    for line in page(CHANGED, FAILED).splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) condget_[a-z_]+ .+|condget_[a-z_]+(\{[a-z]+="[a-z0-9]+"\})? [0-9.]+', line)
    assert page().endswith("\n")
