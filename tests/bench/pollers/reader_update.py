"""reader, which keeps feeds and entries in SQLite, with its own way to update in threads."""

from __future__ import annotations

import sys
from pathlib import Path

from reader import make_reader

FEEDS, STATE, AT_ONCE = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

reader = make_reader(STATE)
for url in FEEDS.read_text().split():
    reader.add_feed(url, exist_ok=True)
reader.update_feeds(scheduled=False, workers=AT_ONCE)
