"""Reads only what is new in a document: its items are known again by digests that the last document left.

A `Recall` is one short text: a digest of the frame, a digest of what else the reading of an item depends on, and for
each item its digest and the key of its entry. Only this module makes and reads it.

1. Frame and items are known: nothing is read, and no parser is loaded (`unread`).
2. At least half of the items are known, and the frame leaves the parser in the same state: the frame and the other
   items are read (`partly_read`).
3. Otherwise the document is read whole. That is also done wherever the result could differ from a whole reading.

Documents of which one in five changed are polled with half of the CPU of whole reading (`python -m tests.bench
changed`).
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from condget.feeds.entries import apart, fingerprint
from condget.feeds.splitting import Split
from condget.feeds.values import NO_RECALL, Document, Entry, Recall

#: Raised when documents are read differently than before, so that each document is read whole once.
_VERSION = "2"
#: Most items that are remembered: their digests are loaded with each poll.
_MOST_ITEMS = 1_000
#: Characters of the digest of a frame or context, of the digest of an item, and of a key.
_LONG, _SHORT, _KEY = 12, 8, 12


@dataclass(frozen=True, slots=True)
class _Memory:
    """The content of a `Recall`."""

    frame: str
    context: str
    #: The keys of the entries by the digests of their items.
    keys: Mapping[str, str]


def unread(split: Split, location: str, recall: Recall) -> Document | None:
    """Return the document without reading it, where its frame and items are those of the last one; None otherwise."""
    memory = _memory(recall)
    if memory is None or memory.frame != _frame(split, location):
        return None
    digests = _item_digests(split.items)
    keys = {digest: memory.keys[digest] for digest in digests if digest in memory.keys}
    if len(keys) != len(digests):
        return None
    return Document(
        None, "", (), hints=None, known=tuple(keys.values()), recall=_recall(memory.frame, memory.context, keys)
    )


def partly_read(split: Split, location: str, recall: Recall) -> Document | None:
    """Read the frame and the items that are not known; None where a whole reading could find something else."""
    memory = _memory(recall)
    if memory is None:
        return None
    digests = _item_digests(split.items)
    new = {digest: item for digest, item in zip(digests, split.items, strict=True) if digest not in memory.keys}
    if len(set(digests)) != len(digests) or 2 * len(new) > len(digests):
        return None
    from condget.feeds.feedparser_driver import read_strictly
    from condget.feeds.feedparser_entries import document_of

    reading = read_strictly(split.around(list(new.values())))
    if reading.defect or not reading.separate or len(reading.entries) != len(new) + 1:
        return None
    if _context(split, reading.context, location) != memory.context:
        return None
    document = document_of(replace(reading, entries=reading.entries[1:]), location)
    known = {digest: memory.keys[digest] for digest in digests if digest in memory.keys}
    if len(document.entries) != len(new) or not apart(document.entries, set(known.values())):
        return None
    fresh = dict(zip(new, (entry.key for entry in document.entries), strict=True))
    keys = {digest: known.get(digest) or fresh[digest] for digest in digests}
    return replace(document, known=tuple(known.values()), recall=_recall(_frame(split, location), memory.context, keys))


def recall_of(split: Split, context: str, entries: Sequence[Entry], location: str) -> Recall:
    """Return what a document leaves that was read whole: each item separately, in the parser state `context`."""
    keys = dict(zip(_item_digests(split.items), (entry.key for entry in entries), strict=False))
    if not len(split.items) == len(entries) == len(keys) or not apart(entries, ()):
        return NO_RECALL
    return _recall(_frame(split, location), _context(split, context, location), keys)


def _memory(recall: Recall) -> _Memory | None:
    step = _SHORT + _KEY
    if len(recall) <= 2 * _LONG or (len(recall) - 2 * _LONG) % step:
        return None
    starts = range(2 * _LONG, len(recall), step)
    keys = {recall[at : at + _SHORT]: recall[at + _SHORT : at + step] for at in starts}
    return _Memory(recall[:_LONG], recall[_LONG : 2 * _LONG], keys)


def _recall(frame: str, context: str, keys: Mapping[str, str]) -> Recall:
    return Recall(frame + context + "".join(map("".join, keys.items()))) if len(keys) <= _MOST_ITEMS else NO_RECALL


def _frame(split: Split, location: str) -> str:
    return _digest(fingerprint(None, ()), location, split.frame)


def _context(split: Split, context: str, location: str) -> str:
    """Return the digest of all that the reading of an item depends on, beside its text."""
    return _digest(fingerprint(None, ()), location, *split.opened, context)


def _item_digests(items: Sequence[str]) -> tuple[str, ...]:
    """Return six bytes for each item: a new one equals one of 1,000 others with a probability of 4 in 10^12."""
    return tuple(_digest(item, size=_SHORT) for item in items)


def _digest(*parts: str, size: int = _LONG) -> str:
    """Return a digest of `size` characters, a multiple of four."""
    text = "\0".join((_VERSION, *parts)).encode("utf-8", "surrogatepass")
    return urlsafe_b64encode(blake2b(text, digest_size=size * 3 // 4).digest()).decode()
