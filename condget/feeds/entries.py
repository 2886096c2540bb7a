"""The entries of a document that are news: identity, fingerprints, memory and the re-issue of a whole feed; all pure.

Identity. An entry has a ladder of keys, and its key is the lowest rung that no other entry of its document shares:
with an id: id; id and link; id, link, title and text. With a link only: link; link and title; all. With neither:
title and date; all. With nothing but text: the text, and its date and enclosure where it has them. Ids are raw, links
lose their scheme. A rung that was ever shared is remembered as such ("*"), so an entry keeps its higher rung when its
twin has left the window. Entries that are equal on every rung are one entry.

An id that means something else. If an entry has a known key, but another link, another title and another text, then
the id is a position in the list or the date of today, and the entry is new. It is known all the same if an entry of
that link and title is remembered under another key, as all of them are where positions have moved.

A changed id. For the entries of the *last* document there is one alias each ("@" and a digest of the link's path
and the title; the fingerprint where no link exists), as long as aliases tell most entries of the document apart.
An unknown key whose alias belongs to a key that has vanished since is the same entry under a new id if it has the same
text or the same date; otherwise it is the next edition of a programme, and new. When most of the last document
vanished like that, three entries at least, also those are recognised whose title and text stayed under a new link, and
those whose text was edited: the feed was re-issued (a host rename). That is said once, and again only after 30 quiet
days. A window of one entry has no alias: when in doubt an entry is new, because a repeat is allowed and a loss is not.

Memory. An entry is remembered for 400 days after it was last there, and the latest 10 windows for ever; but in all
not more than 10 windows (50,000 at most) or 2,000, whichever is more. Entries of the present document are never
forgotten. Absence is not deletion. `last_seen` moves once a day at most: a document without news writes next to
nothing.

Fingerprint. A version digit, "c" or "t" (content, or title only), a digest of the visible title and text, and one of
the text alone. Stamps, comment counts, enclosures (their URLs are often signed anew for each request), scripts, styles,
markup and order do not enter. The row of an entry adds short digests of its title, its link, and its date.

Rows of earlier versions. A fingerprint of another version is not an edit; the row is written anew when its entry is
next in a document. Until then, a row without digests of title, link and date recognises entries as it did when it was
written. Keys have stayed what they were, except that of an entry of nothing but text with a date or an enclosure: such
an entry is also known by its former key, once.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import chain

from condget.feeds.durations import DAY
from condget.feeds.markup import folded, without_programs
from condget.feeds.values import (
    LONGEST_CONTENT,
    LONGEST_TEXT,
    MOST_CATEGORIES,
    NO_RECALL,
    Document,
    Entry,
    Recall,
    SeenEntry,
)
from condget.shown import LONGEST

REMEMBERED = 400 * DAY
QUIET = 30 * DAY
WINDOWS = 10
LEAST_LIMIT, GREATEST_LIMIT = 2_000, 50_000

_VERSION = "2"
_SHARED = "*"
_ALIAS = "@"
_REISSUED = "!reissued"

#: Characters of a fingerprint without and with the digest of the text alone, and of a short digest.
_SEEN, _FINGERPRINT, _SHORT = 14, 20, 6
_NONE = "." * _SHORT


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

    A text without a visible word (an image) counts by its markup.
    """
    bodies = [folded(text) or " ".join(without_programs(text).split()) for text in texts]
    seen = [body for body in bodies if body]
    return _VERSION + ("c" if seen else "t") + _digest(title, *seen) + _digest(*seen)[:_SHORT]


def identify(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Give each entry of one document its key; entries that are equal in everything become one."""
    ladders: dict[tuple[str, ...], Entry] = {}
    for entry in map(_bounded, entries):
        ladders.setdefault(_ladder(entry), entry)
    uses = Counter(chain.from_iterable(ladders))
    return tuple(
        replace(entry, key=next((rung for rung in ladder if uses[rung] == 1), ladder[-1]))
        for ladder, entry in ladders.items()
    )


def _bounded(entry: Entry) -> Entry:
    """Cut what is longer than any real entry has it."""
    texts = (entry.id, entry.title, entry.link, entry.published, entry.author, entry.content_type, entry.enclosure)
    size = sum(map(len, filter(None, texts))) + sum(map(len, entry.categories))
    is_usual = size <= LONGEST_TEXT and len(entry.categories) <= MOST_CATEGORIES
    if is_usual and len(entry.content or "") <= LONGEST_CONTENT:
        return entry
    id_, title, link, published, author, content_type, enclosure = (text and text[:LONGEST_TEXT] for text in texts)
    return replace(
        entry,
        id=id_,
        title=title,
        link=link,
        published=published,
        author=author,
        categories=tuple(name[:LONGEST] for name in entry.categories[:MOST_CATEGORIES]),
        content=entry.content and entry.content[:LONGEST_CONTENT],
        content_type=content_type,
        enclosure=enclosure,
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
    unread = [seen[key] for key in document.known if key in seen]
    keys = {entry.key for entry in entries} | {row.key for row in unread}
    alias_of = {row.fingerprint: alias for alias, row in seen.items() if alias[:1] == _ALIAS} if unread else {}
    named = [(_alias(entry), entry.key) for entry in entries]
    named += [(alias_of[row.key], row.key) for row in unread if row.key in alias_of]
    aliases = _aliases(named)
    known, reissued = _recognise(entries, aliases, seen, unread)

    said = seen.get(_REISSUED)
    marks = {_REISSUED: _SHARED} if reissued else {}

    rows = [SeenEntry(alias, key, now, now) for alias, key in aliases.items() if _target(seen.get(alias)) != key]
    new: list[Entry] = []
    edited: list[Entry] = []
    for entry in entries:
        row = known.get(entry.key)
        if row is None:
            new.append(entry)
            rows.append(SeenEntry(entry.key, _trace(entry), now, now))
            continue
        same = _fingerprint_of(row) == entry.fingerprint
        if not same and row.fingerprint[:1] == entry.fingerprint[:1]:
            edited.append(entry)
        # A new date alone is not written: dates lie, and most documents would cost as many rows as entries.
        if row.key != entry.key or not same or _place_of(row) != _place(entry) or now - row.last_seen > DAY:
            rows.append(SeenEntry(entry.key, _trace(entry), row.first_seen, max(now, row.last_seen)))

    rows += [replace(row, last_seen=now) for row in unread if now - row.last_seen > DAY]

    claimed = {row.key for row in known.values()}
    for rung in dict.fromkeys(rung for entry in entries for rung in _below(entry)):
        row = seen.get(rung)
        # Behind the mark stands the trace of the rung's first owner, until the owner is known by a higher rung.
        owner = row.fingerprint.lstrip(_SHARED) if row and rung not in claimed else ""
        marks[rung] = _SHARED + owner
    for mark, value in marks.items():
        row = seen.get(mark)
        if row is None or row.fingerprint != value or now - row.last_seen > DAY:
            rows.append(SeenEntry(mark, value, row.first_seen if row else now, now))

    forget = [key for key in seen if key[:1] == _ALIAS and key not in aliases]
    forget += [former for entry in entries if (former := _former_key(entry)) in claimed]
    forget += _outlived(seen, {*keys, *marks, *forget}, max(state_window, document.window), now)
    say = reissued and (said is None or now - said.last_seen > QUIET)
    distinct = apart(entries, ()) and len(aliases) == len(keys) == document.window
    return Diff(tuple(new), tuple(edited), say, tuple(rows), tuple(forget), document.recall if distinct else NO_RECALL)


def _digest(*parts: str | None) -> str:
    """Return nine bytes as text: rows stay small, and 50,000 entries collide with a probability of 10^-12."""
    text = "\0".join("\1" if part is None else part for part in parts)
    return urlsafe_b64encode(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=9).digest()).decode()


def _short(text: str | None) -> str:
    return _NONE if text is None else _digest(text)[:_SHORT]


def _place(entry: Entry) -> str:
    """Return short digests of title and link; a link counts without its scheme."""
    return _short(entry.title) + _short(entry.link and entry.link.partition("://")[2])


def _trace(entry: Entry) -> str:
    """Return what a row says of an entry: its fingerprint, and short digests of title, link and date."""
    return entry.fingerprint + _place(entry) + _short(entry.published)


def _fingerprint_of(row: SeenEntry) -> str:
    return row.fingerprint[:_FINGERPRINT]


def _place_of(row: SeenEntry) -> str:
    return row.fingerprint[_FINGERPRINT : _FINGERPRINT + 2 * _SHORT]


def _date_of(row: SeenEntry) -> str:
    """Return the short digest of the date; a row of an earlier version has none."""
    return row.fingerprint[_FINGERPRINT + 2 * _SHORT :]


def _words(fingerprint: str) -> str:
    """Return the digest of title and text, whatever the version."""
    return fingerprint[2:_SEEN]


def _ladder(entry: Entry) -> tuple[str, ...]:
    # With the first version's digit: keys outlive versions of the fingerprint.
    title, text = entry.title, "1" + entry.fingerprint[1:_SEEN]
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
    if entry.published or entry.enclosure:
        return (_digest("text", text, entry.published, entry.enclosure),)
    return (_digest("text", text),)


def _former_key(entry: Entry) -> str | None:
    """Return the key that an earlier version gave an entry of nothing but text with a date or an enclosure."""
    if entry.id or entry.link or entry.title or not (entry.published or entry.enclosure):
        return None
    return _digest("text", "1" + entry.fingerprint[1:_SEEN])


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
        return _ALIAS + _digest("text", "1" + entry.fingerprint[1:_SEEN])
    host_and_path = entry.link.partition("://")[2] or entry.link
    return _ALIAS + _digest("path", host_and_path.partition("/")[2], entry.title)


def _target(row: SeenEntry | None) -> str | None:
    return row.fingerprint if row else None


def _recognise(
    entries: Sequence[Entry], aliases: Mapping[str, str], seen: Mapping[str, SeenEntry], unread: Iterable[SeenEntry]
) -> tuple[dict[str, SeenEntry], bool]:
    """Return the remembered row of each known entry by its present key, and whether the feed was re-issued."""
    known = {row.key: row for row in unread}
    claimed = set(known)

    def claim(entry: Entry, row: SeenEntry) -> None:
        known[entry.key] = row
        claimed.add(row.key)

    moved: list[Entry] = []
    for entry in entries:
        row, former = seen.get(entry.key), _former_key(entry)
        if row is not None and _is_another(entry, row):
            moved.append(entry)
        elif row is not None:
            claim(entry, row)
        elif former is not None and former in seen and former not in claimed:
            claim(entry, seen[former])
    if moved:
        by_place = {_place_of(row): row for row in seen.values() if not row.fingerprint.startswith(_SHARED)}
        for entry in moved:
            if (row := by_place.get(_place(entry))) is not None and row.key not in claimed:
                claim(entry, row)
    # The entry that had a rung for itself before a twin appeared is the one with the same text.
    for entry in entries:
        for rung in () if entry.key in known else _below(entry):
            owner = (_target(seen.get(rung)) or "").lstrip(_SHARED)
            if owner and _words(owner) == _words(entry.fingerprint) and rung not in claimed:
                claim(entry, seen[rung])
                break

    former_keys = {row.fingerprint for key, row in seen.items() if key[:1] == _ALIAS and row.fingerprint in seen}
    vanished = former_keys - claimed
    alias_of = {key: alias for alias, key in aliases.items()}
    strangers = [entry for entry in entries if entry.key not in known and entry.key not in seen]
    same_alias: list[tuple[Entry, SeenEntry]] = []
    for entry in strangers:
        key = _target(seen.get(alias_of.get(entry.key, "")))
        if key is not None and key in vanished:
            same_alias.append((entry, seen[key]))
    same_entry = [(entry, row) for entry, row in same_alias if _is_same(entry, row)]
    for entry, row in same_entry:
        claim(entry, row)

    by_text = {_words(seen[key].fingerprint): seen[key] for key in vanished - claimed}
    same_text = [
        (entry, by_text[_words(entry.fingerprint)])
        for entry in strangers
        if entry.key not in known and entry.fingerprint[1:2] == "c" and _words(entry.fingerprint) in by_text
    ]
    gone = len({row.key for _, row in same_entry}) + len({row.key for _, row in same_text})
    reissued = gone >= 3 and 2 * gone >= len(vanished) and 2 * len(vanished) > len(former_keys)
    for entry, row in (*same_text, *same_alias) if reissued else ():
        if row.key not in claimed and entry.key not in known:
            claim(entry, row)
    return known, reissued


def _is_another(entry: Entry, row: SeenEntry) -> bool:
    """Whether link, title and text all differ from those of the row with the same id."""
    if entry.id is None or row.fingerprint.startswith(_SHARED):
        return False
    before, now = _place_of(row), _place(entry)
    for part in (slice(_SHORT), slice(_SHORT, None)):
        if before[part] in ("", _NONE, now[part]) or now[part] == _NONE:
            return False
    return entry.fingerprint[1:2] == "t" or row.fingerprint[_SEEN:_FINGERPRINT] != entry.fingerprint[_SEEN:]


def _is_same(entry: Entry, row: SeenEntry) -> bool:
    """Whether an entry with the alias of a vanished one has its text or its date, too; unknown counts as the same."""
    if not _place_of(row) or _words(row.fingerprint) == _words(entry.fingerprint):
        return True
    return entry.published is not None and _date_of(row) == _short(entry.published)


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
