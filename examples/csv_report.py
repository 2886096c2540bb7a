"""A report in a format of your own: CSV, one row for each new entry.

    python examples/csv_report.py feeds.txt >> news.csv

An entry counts as delivered once the next outcome is requested. So the rows are flushed before, and if stdout fails,
the same rows come again.
"""

import csv
import sys
from contextlib import closing

import condget

rows = csv.writer(sys.stdout)
with closing(condget.poll(sys.argv[1:])) as outcomes:
    for outcome in outcomes:
        if outcome.error:
            print(outcome.error, file=sys.stderr)
        for entry in outcome.entries:
            rows.writerow([outcome.name or outcome.title, entry.published, entry.title or entry.summary, entry.link])
        sys.stdout.flush()
