"""Text from strangers, made safe to show in a terminal, a mail or a report (F9).

A server or a feed can write anything. Control characters, escape sequences, bidirectional overrides and lone
surrogates never reach the output, and neither does the userinfo of a URL.
"""

from __future__ import annotations

import re
import unicodedata

from condget.urls import without_userinfo

#: Longer lines are cut. A longer title is hardly meant to be read.
LONGEST = 400

#: Characters of a text that are looked at for a line.
_LOOKED_AT = 20_000

# CSI and OSC sequences as a whole (ECMA-48 §5.4, §8.3.89); the rest of other sequences is printable.
_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_COLOUR = re.compile(r"\x1b\[(?:0|1|31|32)m")
# Line ends and tabs are safe within text of several lines.
_ODD = re.compile(r"[^\t\n -~]")
_SUSPECT = re.compile(rf"{_ESCAPE.pattern}|\x1b|[^\t\n -~\x1b]+")
_USERINFO = re.compile(r"(\w://)[^\s/?#@\"'<>]*@")


def line(text: str, longest: int = LONGEST) -> str:
    """Return text as one safe line of at most `longest` characters.

    >>> line("Tea\\x1b[2J\\tand\\n cake")
    'Tea and cake'
    """
    text = text[:_LOOKED_AT]
    if not text.isprintable():
        text = "".join(c for c in _ESCAPE.sub("", text) if c.isspace() or _is_safe(c))
    text = " ".join(without_credentials(text).split())
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def address(text: str, longest: int | None = None) -> str:
    """Return a URL as one safe word without userinfo, cut where it is longer than `longest` characters."""
    text = _ESCAPE.sub("", without_credentials(without_userinfo(text[:_LOOKED_AT] if longest is not None else text)))
    text = "".join(c for c in text if c.isprintable() and not c.isspace())
    return text if longest is None or len(text) <= longest else text[: longest - 1] + "…"


def on_one_line(text: str) -> str:
    """Return text as one safe line, at full length and with its spaces unchanged.

    >>> on_one_line("name:\x1b[2J  Tea\\r\\nand cake")
    'name:  Tea and cake'
    """
    return printable(" ".join(text.splitlines()))


def printable(text: str, *, colour: bool = False) -> str:
    """Return lines of text without the characters that a terminal acts upon, but with colours if `colour`."""
    if _ODD.search(text) is None:
        return text

    def safe(match: re.Match[str]) -> str:
        found = match[0]
        if found[0] == "\x1b":
            return found if colour and _COLOUR.fullmatch(found) else ""
        return found if found.isprintable() else "".join(filter(_is_safe, found))

    return _SUSPECT.sub(safe, text)


def without_credentials(text: str) -> str:
    """Return text without the userinfo of any URL in it."""
    return _USERINFO.sub(r"\1", text)


def _is_safe(c: str) -> bool:
    # Cc controls, Cf format characters (bidirectional overrides), Cs lone surrogates, Zl and Zp line separators.
    # U+200C and U+200D separate and join letters; some scripts need them.
    return c in "\u200c\u200d" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
