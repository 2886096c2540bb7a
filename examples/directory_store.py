"""A store of one's own: a cache that keeps each response as a file in a directory.

`condget.Client(cache=DirectoryStore("cache"))` uses it. It shows what a `Store` has to do, and what it may leave out:
it sets no bound to what it holds. Run it with a URL to see the second request answered from the directory:
`python examples/directory_store.py https://example.org/`.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import condget
from condget.cache.messages import StoredResponse
from condget.errors import StoreError


class DirectoryStore:
    """A directory for each URL; in it, a file for each response: its head, then its content."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._root = Path(directory)
        # Stored responses may be private, and pickles of others must not be read.
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def load(self, url: str, partition: str) -> Sequence[StoredResponse]:
        """Return the heads of all stored responses of a URL, newest first."""
        heads = []
        for path in sorted(self._folder(url).glob("*.response"), reverse=True):
            with path.open("rb") as file:
                heads.append(pickle.load(file))
        return [head for head in heads if head.partition == partition]

    def content(self, stored: StoredResponse, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Return the content in chunks; raise at once where it is gone."""
        try:
            file = self._path(stored).open("rb")
        except FileNotFoundError as error:
            raise StoreError(f"The stored content of {stored.url} is gone.") from error
        pickle.load(file)
        file.seek(start, os.SEEK_CUR)
        left = (stored.content_length or 0 if stop is None else stop) - start

        def chunks(left: int) -> Iterator[bytes]:
            with file:
                while left > 0 and (chunk := file.read(min(left, 65_536))):
                    left -= len(chunk)
                    yield chunk

        return chunks(left)

    def writer(self, stored: StoredResponse, replaces: Sequence[StoredResponse] = ()) -> DirectoryWriter:
        """Begin to store a response; nothing is visible before its commit."""
        return DirectoryWriter(self, replace(stored, id=time.time_ns()), replaces)

    def freshen(self, stored: StoredResponse) -> None:
        """Write the new head before the old content."""
        writer = DirectoryWriter(self, stored, ())
        try:
            for chunk in self.content(stored):
                writer.write(chunk)
        except StoreError:
            writer.abort()
        else:
            writer.commit()

    def discard(self, stored: Iterable[StoredResponse]) -> None:
        """Delete these stored responses."""
        for head in stored:
            self._path(head).unlink(missing_ok=True)

    def invalidate(self, urls: Iterable[str]) -> None:
        """Delete every stored response of these URLs."""
        for url in urls:
            shutil.rmtree(self._folder(url), ignore_errors=True)

    def touch(self, stored: StoredResponse, now: float) -> None:
        """Nothing is evicted, so nothing needs to be noted."""

    def close(self) -> None:
        """There is nothing to close."""

    def _folder(self, url: str) -> Path:
        return self._root / hashlib.sha256(url.encode()).hexdigest()

    def _path(self, stored: StoredResponse) -> Path:
        return self._folder(stored.url) / f"{stored.id}.response"


class DirectoryWriter:
    """Takes the content of one response."""

    def __init__(self, store: DirectoryStore, stored: StoredResponse, replaces: Sequence[StoredResponse]) -> None:
        self._store, self._stored, self._replaces = store, stored, replaces
        self._path = store._path(stored)
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        self._part = self._path.with_suffix(f".{os.getpid()}.{time.time_ns()}.part")
        self._content = self._part.open("wb")

    def write(self, chunk: bytes) -> None:
        """Take a piece of the content."""
        self._content.write(chunk)

    def commit(self) -> None:
        """Make head and content visible together, in place of what they replace."""
        length = self._content.tell()
        self._content.close()
        whole = self._part.with_suffix(".whole")
        with whole.open("wb") as target, self._part.open("rb") as content:
            pickle.dump(replace(self._stored, content_length=length), target)
            shutil.copyfileobj(content, target)
        self._store.discard(self._replaces)
        whole.replace(self._path)
        self._part.unlink()

    def abort(self) -> None:
        """Forget what was written."""
        self._content.close()
        self._part.unlink(missing_ok=True)


if __name__ == "__main__":
    with condget.Client(cache=DirectoryStore("cache-directory")) as client:
        for _ in range(2):
            response = client.get(sys.argv[1])
            print(response.status_code, response.extensions["condget"])
