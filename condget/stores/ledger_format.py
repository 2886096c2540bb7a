"""The tables of the state file, version by version.

`feeds` has the few columns that every poll changes, so that 50,000 feeds are looked up at once and a feed without news
costs one small row. The rest of a feed's state is JSON in `states`, rewritten only when it differs from what was
loaded.

`lists` and `listed` have the lines of lists that are too long for memory. `due` repeats `next_poll` of the feed, NULL
for one that is gone and 0 for one that is not known, so that an index finds what is due among a million. Both tables
are empty where all lists are short.
"""

from __future__ import annotations

from condget.stores.sqlite_file import Format

#: The condition of states of feeds that moved. They are few, and an index holds them.
MOVED = """instr(state, '"moved_to":')"""

#: The beginning of a URL up to its path, and whether a URL may not be canonical (D9): hardly any is.
_HEAD = "substr(url, 1, instr(substr(url, 9), '/') + 8)"
RESPELT = f"instr(substr(url, 9), '/') = 0 OR {_HEAD} != lower({_HEAD}) OR instr({_HEAD}, '?')"

STATE = Format(
    "state file",
    application_id=0x63676574,  # "cget" in ASCII
    steps=(
        (
            """CREATE TABLE feeds (
                id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, next_poll REAL NOT NULL, last_polled REAL,
                gone INTEGER NOT NULL, interval REAL NOT NULL, reason TEXT NOT NULL)""",
            "CREATE TABLE states (feed INTEGER PRIMARY KEY REFERENCES feeds, state TEXT NOT NULL)",
            "CREATE TABLE items (feed INTEGER PRIMARY KEY REFERENCES feeds, items TEXT NOT NULL)",
            """CREATE TABLE seen (
                feed INTEGER NOT NULL REFERENCES feeds, key BLOB NOT NULL, fingerprint TEXT NOT NULL,
                first_seen REAL NOT NULL, last_seen REAL NOT NULL, PRIMARY KEY (feed, key)) WITHOUT ROWID""",
            """CREATE TABLE holds (
                host TEXT PRIMARY KEY, until REAL NOT NULL, reason TEXT NOT NULL, since REAL) WITHOUT ROWID""",
            f"CREATE INDEX moves ON states (json_extract(state, '$.moved_to')) WHERE {MOVED}",
        ),
        (
            f"CREATE INDEX respelt ON feeds (url) WHERE {RESPELT}",
            """CREATE TABLE lists (
                id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, source TEXT NOT NULL, remark TEXT NOT NULL)""",
            """CREATE TABLE listed (
                id INTEGER PRIMARY KEY, key TEXT NOT NULL, list INTEGER NOT NULL REFERENCES lists, host TEXT NOT NULL,
                line INTEGER NOT NULL, position INTEGER NOT NULL, open INTEGER NOT NULL, due REAL,
                UNIQUE (key, list))""",
            "CREATE INDEX listed_due ON listed (list, due)",
            "CREATE INDEX listed_hosts ON listed (list, host)",
        ),
    ),
)

#: How long to wait for another process, in seconds; a commit takes milliseconds.
BUSY = 5.0
