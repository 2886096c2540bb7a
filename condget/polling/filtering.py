"""Applies filters to outcomes, in a child process: an expression that does not end costs two seconds, not the run."""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from condget.feeds.filters import Filter, texts_of
from condget.feeds.values import Entry, Outcome
from condget.reports.phrases import place

#: Seconds for the entries of one feed.
_SECONDS = 2.0


class Filtering:
    """A child process that is started when a filter is used first."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None

    def applied(self, outcome: Outcome, filters: Sequence[Filter]) -> Outcome:
        """Return an outcome without the entries that do not pass; they count as seen all the same.

        An entry that the time does not suffice for passes: a report too many is better than one too few.
        """
        filters = [filter_ for filter_ in filters if filter_]
        entries = (*outcome.entries, *outcome.edited)
        if not filters or not entries:
            return outcome
        verdicts = self._verdicts(filters, entries)
        if None in verdicts:
            logging.getLogger("condget").warning(
                "%s: match= or not-match= took longer than %g seconds; %d entries are not filtered",
                place(outcome),
                self._seconds,
                verdicts.count(None),
            )
        of_new = verdicts[: len(outcome.entries)]
        new = _passing(outcome.entries, of_new)
        edited = _passing(outcome.edited, verdicts[len(of_new) :])
        is_news = bool(new or edited)
        silent = outcome.status == "changed" and not is_news and not outcome.reissued
        status = "unchanged" if silent else outcome.status
        return replace(outcome, status=status, entries=new, edited=edited, changed=is_news)

    def close(self) -> None:
        """End the child process."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None

    def _verdicts(self, filters: Sequence[Filter], entries: Sequence[Entry]) -> list[bool | None]:
        child = self._child or self._start()
        assert child.stdin is not None
        assert child.stdout is not None
        with suppress(OSError):  # it has died
            child.stdin.write(pickle.dumps((self._seconds, None, filters, [texts_of(entry) for entry in entries])))
            child.stdin.flush()
            length = int.from_bytes(child.stdout.read(8), "big")
            content = child.stdout.read(length)
            if length and len(content) == length and isinstance((answer := pickle.loads(content))[0], list):
                return list(answer[0])
        self.close()
        return [None] * len(entries)

    def _start(self) -> subprocess.Popen[bytes]:
        program = f"import sys; sys.path[:] = {sys.path!r}; from condget.polling.parser_child import serve; serve()"
        self._child = subprocess.Popen(
            [sys.executable, "-c", program, "condget.polling.filter_child:verdicts"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self._child


def _passing(entries: Sequence[Entry], verdicts: Sequence[bool | None]) -> tuple[Entry, ...]:
    return tuple(entry for entry, verdict in zip(entries, verdicts, strict=True) if verdict is not False)
