"""The tables in PostgreSQL, version by version, and their upgrade by numbered steps.

The state and the cache have a schema each, so that one database can hold both. A schema notes its version in a table of
its own; a newer one is refused before anything is written (F11).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

from condget.errors import NewerState

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one kind: their schema, and their versions."""

    schema: str
    #: Each step brings the tables from the version that is its index to the next. Steps are only ever added.
    steps: tuple[str, ...]

    @property
    def version(self) -> int:
        """The version that this condget writes."""
        return len(self.steps)

    @property
    def lock(self) -> int:
        """The key of the advisory lock of whoever changes the tables, or who takes part in a run."""
        return crc32(self.schema.encode())


#: Whether a URL may not be canonical (D9); an index holds those, which were imported from an old state.
RESPELT = "url !~ '^https?://[^/?#A-Z]+/'"

#: `feeds` has the few columns that every poll changes. The rest of a feed's state is JSON in `states`: as text, since
#: JSON escapes hold what PostgreSQL's own text and jsonb cannot, such as NUL and lone surrogates. URLs, which can be
#: longer than an index allows, are found by their digests.
STATE = Tables(
    "condget_state",
    (
        """
        CREATE TABLE condget_state.feeds (
            feed bytea PRIMARY KEY,
            url text COLLATE "C" NOT NULL,
            next_poll double precision NOT NULL,
            last_polled double precision,
            gone boolean NOT NULL,
            interval_seconds double precision NOT NULL,
            reason text NOT NULL
        ) WITH (fillfactor = 80);
        CREATE INDEX feeds_due ON condget_state.feeds (next_poll) WHERE NOT gone;
        CREATE INDEX feeds_last_polled ON condget_state.feeds (last_polled);
        CREATE TABLE condget_state.states (feed bytea PRIMARY KEY, state text NOT NULL, moved bytea);
        CREATE INDEX states_moved ON condget_state.states (moved) WHERE moved IS NOT NULL;
        CREATE TABLE condget_state.recalls (feed bytea PRIMARY KEY, recall text NOT NULL);
        CREATE TABLE condget_state.seen (
            feed bytea NOT NULL,
            entry bytea NOT NULL,
            key bytea NOT NULL,
            fingerprint text NOT NULL,
            first_seen double precision NOT NULL,
            last_seen double precision NOT NULL,
            PRIMARY KEY (feed, entry)
        );
        CREATE TABLE condget_state.holds (
            host text PRIMARY KEY,
            until double precision NOT NULL,
            reason text NOT NULL,
            since double precision
        );
        CREATE TABLE condget_state.runs (
            run bigint PRIMARY KEY,
            name text NOT NULL,
            alone boolean NOT NULL,
            since timestamptz NOT NULL DEFAULT clock_timestamp(),
            deadline timestamptz NOT NULL
        ) WITH (fillfactor = 50);
        CREATE TABLE condget_state.leases (host bytea PRIMARY KEY, name text NOT NULL, run bigint NOT NULL);
        """,
        f"CREATE INDEX feeds_respelt ON condget_state.feeds (feed) WHERE {RESPELT};",
        """
        CREATE TABLE condget_state.lists (
            list bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
            digest text NOT NULL UNIQUE,
            source text NOT NULL,
            remark text NOT NULL
        );
        CREATE TABLE condget_state.listed (
            list bigint NOT NULL,
            feed bytea NOT NULL,
            key text NOT NULL,
            host text NOT NULL,
            site bytea NOT NULL,
            line bigint NOT NULL,
            position bigint NOT NULL,
            open boolean NOT NULL,
            known boolean NOT NULL,
            PRIMARY KEY (feed, list)
        );
        CREATE INDEX listed_site ON condget_state.listed (list, site, line);
        CREATE INDEX listed_unknown ON condget_state.listed (list) WHERE NOT known;
        CREATE UNLOGGED TABLE condget_state.turns (
            run bigint NOT NULL,
            id bigint NOT NULL,
            turn bigint NOT NULL,
            site bytea NOT NULL,
            host text NOT NULL,
            feeds bigint NOT NULL,
            PRIMARY KEY (run, id, turn)
        );
        """,
    ),
)

#: `url` is a digest, and NULL for a response that is out of sight: its content is incomplete, or it was replaced while
#: somebody may still read it. Such a response is of no use from its `useless_from` on. Triggers count the sizes, in one
#: of several rows, so that writers seldom wait for each other.
CACHE = Tables(
    "condget_cache",
    (
        """
        CREATE TABLE condget_cache.responses (
            id bigint PRIMARY KEY,
            number bigint GENERATED ALWAYS AS IDENTITY,
            url bytea,
            partition text NOT NULL,
            head text NOT NULL,
            head_digest bytea,
            size bigint NOT NULL,
            useless_from double precision,
            used double precision NOT NULL
        );
        CREATE INDEX responses_url ON condget_cache.responses (url) WHERE url IS NOT NULL;
        CREATE INDEX responses_number ON condget_cache.responses (number);
        CREATE INDEX responses_used ON condget_cache.responses (used, number);
        CREATE INDEX responses_useless ON condget_cache.responses (useless_from) WHERE useless_from IS NOT NULL;
        CREATE TABLE condget_cache.chunks (
            response bigint NOT NULL REFERENCES condget_cache.responses ON DELETE CASCADE,
            number integer NOT NULL,
            digest bytea NOT NULL,
            data bytea NOT NULL,
            PRIMARY KEY (response, number)
        );
        ALTER TABLE condget_cache.chunks ALTER COLUMN data SET STORAGE EXTERNAL;
        CREATE TABLE condget_cache.totals (part integer PRIMARY KEY, size bigint NOT NULL) WITH (fillfactor = 10);
        INSERT INTO condget_cache.totals SELECT part, 0 FROM generate_series(0, 15) AS part;
        CREATE FUNCTION condget_cache.count_size() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            grown bigint := 0;
        BEGIN
            IF TG_OP != 'DELETE' THEN
                SELECT coalesce(sum(size), 0) INTO grown FROM added;
            END IF;
            IF TG_OP != 'INSERT' THEN
                SELECT grown - coalesce(sum(size), 0) INTO grown FROM removed;
            END IF;
            IF grown != 0 THEN
                UPDATE condget_cache.totals SET size = size + grown WHERE part = pg_backend_pid() % 16;
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER stored AFTER INSERT ON condget_cache.responses
            REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION condget_cache.count_size();
        CREATE TRIGGER resized AFTER UPDATE ON condget_cache.responses
            REFERENCING OLD TABLE AS removed NEW TABLE AS added
            FOR EACH STATEMENT EXECUTE FUNCTION condget_cache.count_size();
        CREATE TRIGGER deleted AFTER DELETE ON condget_cache.responses
            REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION condget_cache.count_size();
        """,
    ),
)


def upgrade(connection: psycopg.Connection, tables: Tables, where: str) -> None:
    """Bring the tables to this version; where there is nothing to do, that takes one query.

    Raises:
        NewerState: a newer condget wrote them.
    """
    if version_of(connection, tables, where) == tables.version:
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (tables.lock,))
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {tables.schema}".encode())
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {tables.schema}.versions "
            "(version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT clock_timestamp())".encode()
        )
        # Once more: another process may have done it while this one waited.
        for number in range(version_of(connection, tables, where), tables.version):
            connection.execute(tables.steps[number].encode())
            connection.execute(f"INSERT INTO {tables.schema}.versions VALUES (%s)".encode(), (number + 1,))


def version_of(connection: psycopg.Connection, tables: Tables, where: str) -> int:
    """Return the version of the tables, 0 where there are none.

    Raises:
        NewerState: a newer condget wrote them.
    """
    name = f"{tables.schema}.versions"
    found: Any = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (name,)).fetchone()
    if not found[0]:
        return 0
    row: Any = connection.execute(f"SELECT coalesce(max(version), 0) FROM {name}".encode()).fetchone()
    version: int = row[0]
    if version > tables.version:
        raise NewerState(
            f"A newer condget wrote the tables {tables.schema} of {where} (version {version}); they are left as they "
            f"are. Upgrade condget, or name another database."
        )
    return version
