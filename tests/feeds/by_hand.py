"""A poller of one feed without network and files, for tests of what is news."""

from __future__ import annotations

from dataclasses import dataclass, field

from condget.feeds.documents import parse, unread
from condget.feeds.entries import Diff, diff
from condget.feeds.values import NO_RECALL, Document, Hints, Recall, SeenEntry
from tests.feeds.markup_of_feeds import HERE


@dataclass
class Poller:
    """The memory of one feed, in a poller that reads all or in one that reads only new items."""

    recalls: bool
    seen: dict[str, SeenEntry] = field(default_factory=dict)
    window: int = 0
    recall: Recall = NO_RECALL
    title: str | None = None
    hints: Hints = field(default_factory=Hints)
    document: Document | None = None

    def poll(self, text: str | bytes, now: float, location: str = HERE) -> Diff | str:
        """Return the news, or what went wrong."""
        content = text.encode() if isinstance(text, str) else text
        recall = self.recall if self.recalls else NO_RECALL
        try:
            document = (recall and unread(content, None, location, recall)) or parse(content, None, location, recall)
        except Exception as error:  # noqa: BLE001 - to be compared
            return str(error)
        found = diff(document, self.seen, self.window, now)
        for row in found.seen:
            self.seen[row.key] = row
        for key in found.forget:
            del self.seen[key]
        self.window, self.document = document.window, document
        self.recall = found.recall
        self.title = document.title or self.title
        self.hints = self.hints if document.hints is None else document.hints
        return found
