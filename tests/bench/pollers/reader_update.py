"""reader, which keeps feeds and entries in SQLite; its own way to update with several threads."""

from __future__ import annotations

import warm
from reader import make_reader

reader = make_reader(str(warm.FILE))
for url in warm.FEEDS.read_text().split():
    reader.add_feed(url, exist_ok=True)
reader.update_feeds(scheduled=False, workers=warm.AT_ONCE)
