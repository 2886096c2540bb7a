"""Tags of markup that is not well-formed: HTML pages, and lists that no XML parser reads. Linear in the text's length.

`html.parser` needs minutes for a megabyte of tags that never end, and strangers write such text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import NamedTuple

COMMENT = r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)"
#: The content of a tag. A quotation mark that does not follow = is a character like any other.
BODY = r"""(?:=\s*+(?:"[^"]*"|'[^']*')|[^<>])*+"""
_ATTRIBUTE = re.compile(r"""(?<![^\s"'<>/=])([^\s"'<>/=]++)(?:\s*+=\s*+(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+)))?""")


class Tag(NamedTuple):
    """A tag; names of attributes are in lower case, and of the same name the first one counts."""

    name: str
    attributes: Mapping[str, str]
    is_end: bool
    #: `<tag/>`: start and end at once.
    is_empty: bool
    #: Where it begins in the text.
    start: int


def tags(text: str, *names: str) -> Iterator[Tag]:
    """Yield the tags of these names, outside of comments.

    >>> [(tag.name, dict(tag.attributes)) for tag in tags("<A HREF=x title='1 > 0'><b></a>", "a")]
    [('a', {'href': 'x', 'title': '1 > 0'}), ('a', {})]
    """
    wanted = "|".join(map(re.escape, names))
    tag = re.compile(
        rf"{COMMENT}|<(/?)((?:[\w.-]{{1,40}}:)?(?:{wanted}))(?![\w:.-])({BODY})>",
        re.IGNORECASE | re.DOTALL,
    )
    for match in tag.finditer(text):
        if match[2] is None:
            continue
        attributes: dict[str, str] = {}
        for name, *values in _ATTRIBUTE.findall(match[3]):
            attributes.setdefault(name.lower(), unescape("".join(values)))
        name = match[2].lower().rpartition(":")[2]
        yield Tag(name, attributes, bool(match[1]), match[3].rstrip().endswith("/"), match.start())
