"""Where content goes: a file, which is replaced as a whole and only where it differs, or stdout."""

from __future__ import annotations

import codecs
import filecmp
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from condget.cli.output import give_up_stdout, write
from condget.errors import CondgetError


def write_file(path: Path, content: Iterable[bytes]) -> bool:
    """Put content in the place of a file once all of it has arrived; a link stays, and what it leads to is replaced.

    Returns False, and leaves the file untouched, where it holds the same bytes.

    Raises:
        CondgetError: it cannot be written.
    """
    if path.is_symlink():
        path = path.resolve()
    with _named(path):
        if path.exists() and not path.is_file():  # /dev/null, a pipe
            with path.open("wb") as device:
                device.writelines(content)
            return True
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with part.open("xb") as file:
                file.writelines(content)
            if path.exists():
                if filecmp.cmp(part, path, shallow=False):
                    return False
                part.chmod(path.stat().st_mode & 0o7777)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    return True


def write_stdout(content: Iterable[bytes], charset: str | None, *, binary_too: bool) -> None:
    """Print content: byte for byte, but as safe text where stdout is a terminal.

    Raises:
        CondgetError: the content is not text and stdout is a terminal, unless `binary_too`; or nothing can be written.
    """
    try:
        sys.stdout.flush()
        if sys.stdout.isatty() and not binary_too:
            _write_text(iter(content), charset)
        else:
            sys.stdout.buffer.writelines(content)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        give_up_stdout()
        raise CondgetError(f"the content cannot be written to stdout ({error.strerror})") from error


def _write_text(content: Iterator[bytes], charset: str | None) -> None:
    first = next(content, b"")
    decoder = _decoder_of(charset)
    # A character may continue in the next chunk, so the end of this one proves nothing.
    if b"\0" in first or "\ufffd" in decoder.decode(first):
        raise CondgetError("the content is not text, and stdout is a terminal; write it to a file with -o FILE")
    decoder.reset()
    for chunk in chain((first,), content):
        write(decoder.decode(chunk))
    write(decoder.decode(b"", final=True))


def _decoder_of(charset: str | None) -> codecs.IncrementalDecoder:
    try:
        "".encode(charset or "utf-8")  # a LookupError also for codecs that are not of text, such as zlib
    except LookupError:
        charset = None
    return codecs.getincrementaldecoder(charset or "utf-8")("replace")


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in what goes wrong with it."""
    try:
        yield
    except OSError as error:
        raise CondgetError(f"{path} cannot be written ({error.strerror})") from error
