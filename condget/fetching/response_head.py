"""The head of a response (RFC 9112 §4, §5), read in one go where it has nothing unusual in it, as most have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from condget.cache.fields import Fields

RawFields = list[tuple[bytes, bytes]]

#: A head, or a line of chunk framing or trailers, may be that long. Validators of 8 kB fit well.
LONGEST_HEAD = 65_536
#: RFC 9112 §2.2 lets a bare LF end a line.
END_OF_HEAD = re.compile(rb"\n\r?\n")
#: A final response's head as RFC 9112 §4 and §5 have it, without obs-fold.
_HEAD = re.compile(
    r"HTTP/(1\.[01]) ([2-9][0-9][0-9])(?: ([\t -~\x80-\xff]*))?"
    r"((?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*)*)\r\n\r\n"
)
#: Name and value of each line, the blanks around the value left out.
_LINE = re.compile(r"\r\n([^:]+):[\t ]*((?:[^\r]*[^\r\t ])?)")
_LENGTH = re.compile("[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and fields of a response, as received."""

    status: int
    fields: Fields
    reason_phrase: str
    http_version: str


def usual(data: bytes) -> Head | None:
    """Read a head, or return None where it has anything unusual."""
    if not (found := _HEAD.fullmatch(data.decode("latin-1"))):
        return None
    version, status, phrase, lines = found.groups("")
    fields = Fields(_LINE.findall(lines))
    lengths = fields.all("Content-Length")
    if "Transfer-Encoding" in fields or len(lengths) > 1 or (lengths and not _LENGTH.fullmatch(lengths[0])):
        return None
    return Head(int(status), fields, phrase, f"HTTP/{version}")


def fields_of(pairs: Iterable[tuple[bytes, bytes]]) -> Fields:
    return Fields((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)
