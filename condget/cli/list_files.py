"""Lists of feeds as files that commands edit: read whole, and replaced whole unless another program was quicker."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from condget.errors import CondgetError, SubscriptionError


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list of feeds as it was read; `name` is how the user calls it."""

    name: str
    data: bytes

    def replace(self, data: bytes) -> None:
        """Put new content in the place of the old one, which keeps its mode; a link to the list stays a link.

        Raises:
            CondgetError: the file was changed since it was read, or cannot be written.
        """
        path = Path(self.name).resolve()
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            try:
                with part.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                if path.exists():
                    part.chmod(path.stat().st_mode & 0o7777)
                if (path.read_bytes() if path.exists() else b"") != self.data:
                    raise CondgetError(f"{self.name} was changed by another program meanwhile; run the command again")
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise CondgetError(f"{self.name} cannot be written ({error.strerror})") from error


def open_list(name: str, *, create: bool = False) -> ListFile:
    """Read a list of feeds to edit it; with `create`, a missing file counts as empty.

    Raises:
        SubscriptionError: the argument is not a file that can be read.
    """
    if "://" in name or name == "-":
        raise SubscriptionError(f"{name} is not a file; name the list of feeds to edit")
    path = Path(name)
    if create and not path.exists():
        return ListFile(name, b"")
    try:
        return ListFile(name, path.read_bytes())
    except OSError as error:
        raise SubscriptionError(f"the list {name} cannot be read ({error.strerror})") from None
