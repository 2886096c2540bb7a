"""The state of the simple pollers: by URL, the pair of validators, in one JSON file."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

State = dict[str, tuple[str | None, str | None]]

FEEDS, FILE = Path(sys.argv[1]), Path(sys.argv[2])
AT_ONCE = int(sys.argv[3]) if len(sys.argv) > 3 else 100


def load() -> tuple[list[str], State]:
    return FEEDS.read_text().split(), json.loads(FILE.read_text()) if FILE.exists() else {}


def request_fields(state: State, url: str) -> dict[str, str]:
    pair = state.get(url, (None, None))
    return {name: value for name, value in zip(("If-None-Match", "If-Modified-Since"), pair, strict=True) if value}


def remember(state: State, url: str, fields: Mapping[str, str]) -> None:
    state[url] = fields.get("ETag"), fields.get("Last-Modified")


def save(state: State) -> None:
    FILE.write_text(json.dumps(state))
