"""The entries of a document that are news: identity, fingerprints, memory and the re-issue of a whole feed; all pure.

Identity. An entry climbs a ladder of keys and takes the first rung that no other entry of its document shares:
with an id: id; id and link; id, link, title and text. With a link only: link; link and title; all. With neither:
title and date; all. With nothing but text: the text. Ids are raw, links lose their scheme. A rung that was ever
shared is remembered as such ("*"), so an entry keeps its higher rung when its twin has left the window. What is
equal on every rung is one entry.

A changed id. For the entries of the *last* document there is one alias each ("@" and a digest of the link's path
and the title; the fingerprint where no link exists), as long as aliases tell most entries of the document apart.
An unknown key whose alias belongs to a key that has vanished since is the same entry under a new id. When most of
the last document vanished like that, three entries at least, also those are recognised whose title and text stayed
under a new link: the feed was re-issued (a host rename). That is said once, and again only after 30 quiet days. A
window of one entry has no alias: when in doubt an entry is new, because a repeat is allowed and a loss is not.

Memory. An entry is remembered for 400 days after it was last there, and the latest 10 windows for ever; but in all
not more than 10 windows (50,000 at most) or 2,000, whichever is more. Entries of the present document are never
forgotten. Absence is not deletion. `last_seen` moves once a day at most: a document without news writes next to
nothing.

Fingerprint. A version digit, "c" or "t" (content, or title only), a digest of the visible title and text. Stamps,
comment counts, enclosures (their URLs are often signed anew for each request), markup and order do not enter.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import chain

from condget.feeds.durations import DAY
from condget.feeds.markup import visible
from condget.feeds.values import NO_RECALL, Document, Entry, Recall, SeenEntry

REMEMBERED = 400 * DAY
QUIET = 30 * DAY
WINDOWS = 10
LEAST_LIMIT, GREATEST_LIMIT = 2_000, 50_000

_VERSION = "1"
_SHARED = "*"
_ALIAS = "@"
_REISSUED = "!reissued"


@dataclass(frozen=True, slots=True)
class Diff:
    """The difference between a document and memory: news in the document's order, and the rows to write."""

    new: tuple[Entry, ...] = ()
    edited: tuple[Entry, ...] = ()
    #: All ids were re-issued at once, and it was not said lately.
    reissued: bool = False
    #: Rows to insert or update, and keys of rows to drop.
    seen: tuple[SeenEntry, ...] = ()
    forget: tuple[str, ...] = ()
    #: The document's own, where the key of each entry is all that the next comparison needs of it; else empty.
    recall: Recall = field(default=NO_RECALL, compare=False)

    @property
    def changed(self) -> bool:
        """Whether the feed holds news or an edit (F5)."""
        return bool(self.new or self.edited)


def fingerprint(title: str | None, texts: Iterable[str]) -> str:
    """Return the digest of what a reader sees: a title as shown, and texts that may hold HTML.

    Texts without a visible word (an image) count by their markup.
    """
    bodies = [visible(text) or " ".join(text.split()) for text in texts]
    seen = [body for body in bodies if body]
    return _VERSION + ("c" if seen else "t") + _digest(title, *seen)


def identify(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Give each entry of one document its key; entries that are equal in everything become one."""
    ladders: dict[tuple[str, ...], Entry] = {}
    for entry in entries:
        ladders.setdefault(_ladder(entry), entry)
    uses = Counter(chain.from_iterable(ladders))
    return tuple(
        replace(entry, key=next((rung for rung in ladder if uses[rung] == 1), ladder[-1]))
        for ladder, entry in ladders.items()
    )


def apart(entries: Sequence[Entry], others: Collection[str]) -> bool:
    """Whether each of these entries, which `identify` has named, stands on its lowest rung, also beside `others`."""
    return all(entry.key == _ladder(entry)[0] and entry.key not in others for entry in entries)


def diff(document: Document, seen: Mapping[str, SeenEntry], state_window: int, now: float) -> Diff:
    """Compare a document with what is remembered of its feed (F5, F6, F7).

    `state_window` is how many entries the last accepted document held, `now` is in POSIX seconds. An entry that was not
    read is what its row and its alias say: it was in the last document, in which each entry had its lowest rung and an
    alias of its own.
    """
    entries = [_climbed(entry, seen) for entry in document.entries]
    kept = [seen[key] for key in document.known if key in seen]
    keys = {entry.key for entry in entries} | {row.key for row in kept}
    alias_of = {row.fingerprint: alias for alias, row in seen.items() if alias[:1] == _ALIAS} if kept else {}
    named = [(_alias(entry), entry.key) for entry in entries]
    named += [(alias_of[row.key], row.key) for row in kept if row.key in alias_of]
    aliases = _aliases(named)
    known, reissued = _recognise(entries, aliases, seen, kept)

    said = seen.get(_REISSUED)
    marks = {_REISSUED: _SHARED} if reissued else {}

    rows = [SeenEntry(alias, key, now, now) for alias, key in aliases.items() if _target(seen.get(alias)) != key]
    new: list[Entry] = []
    edited: list[Entry] = []
    for entry in entries:
        row = known.get(entry.key)
        if row is None:
            new.append(entry)
            rows.append(SeenEntry(entry.key, entry.fingerprint, now, now))
            continue
        if row.fingerprint != entry.fingerprint and row.fingerprint[:1] == entry.fingerprint[:1]:
            edited.append(entry)
        if row.key != entry.key or row.fingerprint != entry.fingerprint or now - row.last_seen > DAY:
            last_seen = max(now, row.last_seen)
            rows.append(SeenEntry(entry.key, entry.fingerprint, row.first_seen, last_seen))

    rows += [replace(row, last_seen=now) for row in kept if now - row.last_seen > DAY]

    claimed = {row.key for row in known.values()}
    for rung in dict.fromkeys(rung for entry in entries for rung in _below(entry)):
        row = seen.get(rung)
        # Behind the mark stands the fingerprint of the rung's first owner, until the owner is known by a higher rung.
        owner = row.fingerprint.lstrip(_SHARED) if row and rung not in claimed else ""
        marks[rung] = _SHARED + owner
    for mark, value in marks.items():
        row = seen.get(mark)
        if row is None or row.fingerprint != value or now - row.last_seen > DAY:
            rows.append(SeenEntry(mark, value, row.first_seen if row else now, now))

    forget = [key for key in seen if key[:1] == _ALIAS and key not in aliases]
    forget += _outlived(seen, keys | marks.keys(), max(state_window, document.window), now)
    say = reissued and (said is None or now - said.last_seen > QUIET)
    distinct = apart(entries, ()) and len(aliases) == len(keys) == document.window
    return Diff(tuple(new), tuple(edited), say, tuple(rows), tuple(forget), document.recall if distinct else NO_RECALL)


def _digest(*parts: str | None) -> str:
    """Nine bytes: among 50,000 entries of one feed a chance of one in 10^12, and rows stay small."""
    text = "\0".join("\1" if part is None else part for part in parts)
    return urlsafe_b64encode(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=9).digest()).decode()


def _ladder(entry: Entry) -> tuple[str, ...]:
    title, text = entry.title, entry.fingerprint
    link = entry.link and entry.link.partition("://")[2]
    if entry.id:
        return (
            _digest("id", entry.id),
            _digest("id", entry.id, link),
            _digest("id", entry.id, link, title, entry.published, text),
        )
    if link:
        return _digest("link", link), _digest("link", link, title), _digest("link", link, title, entry.published, text)
    if title:
        return _digest("title", title, entry.published), _digest("title", title, entry.published, text)
    return (_digest("text", text),)


def _below(entry: Entry) -> tuple[str, ...]:
    """Return the rungs that this entry left to others."""
    ladder = _ladder(entry)
    return ladder[: ladder.index(entry.key)] if entry.key in ladder else ()


def _climbed(entry: Entry, seen: Mapping[str, SeenEntry]) -> Entry:
    """Lift an entry above the rungs that were shared in an earlier document."""
    ladder = _ladder(entry)
    key = entry.key
    while (_target(seen.get(key)) or "").startswith(_SHARED) and key in ladder[:-1]:
        key = ladder[ladder.index(key) + 1]
    return entry if key == entry.key else replace(entry, key=key)


def _aliases(named: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the keys by alias, or nothing where aliases do not tell most entries of the document apart."""
    uses = Counter(alias for alias, _ in named)
    unique = {alias: key for alias, key in named if uses[alias] == 1}
    return unique if len(unique) > 1 and 2 * len(unique) >= len(named) else {}


def _alias(entry: Entry) -> str:
    if entry.link is None:
        return _ALIAS + _digest("text", entry.fingerprint)
    host_and_path = entry.link.partition("://")[2] or entry.link
    return _ALIAS + _digest("path", host_and_path.partition("/")[2], entry.title)


def _target(row: SeenEntry | None) -> str | None:
    return row.fingerprint if row else None


def _recognise(
    entries: Sequence[Entry], aliases: Mapping[str, str], seen: Mapping[str, SeenEntry], kept: Iterable[SeenEntry]
) -> tuple[dict[str, SeenEntry], bool]:
    """Return the remembered row of each known entry by its present key, and whether the feed was re-issued."""
    known = {row.key: row for row in kept}
    claimed = set(known)

    def claim(entry: Entry, row: SeenEntry) -> None:
        known[entry.key] = row
        claimed.add(row.key)

    for entry in entries:
        if entry.key in seen:
            claim(entry, seen[entry.key])
    # The entry that had a rung for itself before a twin appeared is the one with the same text.
    for entry in entries:
        for rung in () if entry.key in known else _below(entry):
            if (_target(seen.get(rung)) or "").lstrip(_SHARED) == entry.fingerprint and rung not in claimed:
                claim(entry, seen[rung])
                break

    former = {row.fingerprint for key, row in seen.items() if key[:1] == _ALIAS and row.fingerprint in seen}
    vanished = former - claimed
    alias_of = {key: alias for alias, key in aliases.items()}
    strangers = [entry for entry in entries if entry.key not in known]
    for entry in strangers:
        key = _target(seen.get(alias_of.get(entry.key, "")))
        if key in vanished and key not in claimed:
            claim(entry, seen[key])

    by_text = {seen[key].fingerprint: seen[key] for key in vanished - claimed}
    same_text = [
        (entry, by_text[entry.fingerprint])
        for entry in strangers
        if entry.key not in known and entry.fingerprint in by_text and entry.fingerprint[1:2] == "c"
    ]
    moved = len(vanished & claimed) + len({row.key for _, row in same_text})
    reissued = moved >= 3 and 2 * moved >= len(vanished) and 2 * len(vanished) > len(former)
    for entry, row in same_text if reissued else ():
        if row.key not in claimed:
            claim(entry, row)
    return known, reissued


def _outlived(seen: Mapping[str, SeenEntry], present: Iterable[str], window: int, now: float) -> list[str]:
    """Return the keys that memory lets go."""
    kept = set(present)
    free = max(WINDOWS * window - len(kept), 0)
    limit = max(LEAST_LIMIT, min(WINDOWS * window, GREATEST_LIMIT)) - len(kept)
    if len(seen) <= min(free, max(limit, 0)):
        return []
    absent = [row for key, row in seen.items() if key not in kept and key[:1] not in (_ALIAS, _REISSUED[0])]
    absent.sort(key=lambda row: row.last_seen, reverse=True)
    return [
        row.key
        for index, row in enumerate(absent)
        if index >= limit or (index >= free and now - row.last_seen > REMEMBERED)
    ]
