"""Markup that is nearly XML, made safe and readable before any parser sees it.

`prologue` finds the root element and takes the document type away, so that no parser ever sees an entity declaration.
`repaired` turns what feeds and OPML files get wrong most often (stray ampersands, HTML entities, control
characters) into well-formed XML.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape, unescape
from html.entities import html5

#: Entities that a document declares for itself may add this many characters to it in all.
EXPANSION_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Prologue:
    """The text before the root element. `text` is the document without its XML declaration and document type."""

    text: str
    root: str | None
    #: Entities that the document type declares with plain text for a value.
    entities: dict[str, str]
    #: Why the document type is not honoured in full, if it is not.
    defect: str | None = None


# Possessive quantifiers throughout: no input makes these take more than linear time.
_MISC = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_MOST_DOCTYPES = 4
_DOCTYPE = re.compile(
    r"""<!DOCTYPE(?:[^\[>"']|"[^"]*+"|'[^']*+')*+"""
    r"""(?:\[(?:[^\]"'<]|"[^"]*+"|'[^']*+'|<!--(?:.*?-->|.*)|<)*+\]\s*)?>""",
    re.IGNORECASE | re.DOTALL,
)
_ENTITY = re.compile(r"""<!ENTITY\s+([\w.:-]+)\s+("[^"]*"|'[^']*')\s*>""")
_PLAIN = re.compile(r"(?:[^&%<]|&#[0-9]{1,7};|&#x[0-9A-Fa-f]{1,6};){0,200}")
_XML_DECLARATION = re.compile(r"\A\s*<\?xml\s[^>]*?\?>")
_ROOT = re.compile(r"<([A-Za-z_][\w.:-]*)")


def prologue(text: str) -> Prologue:
    """Read the text before the root element; the document type is taken out, its plain entities are kept apart."""
    text = _XML_DECLARATION.sub("", text.removeprefix("\ufeff"), count=1)
    entities: dict[str, str] = {}
    defect = None
    start = _MISC.match(text)
    position = start.end() if start else 0
    # XML allows one document type; taking one out copies the text.
    for _ in range(_MOST_DOCTYPES):
        if text[position : position + 9].upper() != "<!DOCTYPE":
            break
        doctype = _DOCTYPE.match(text, position)
        if doctype is None:
            return Prologue(text, None, {}, "its document type does not end")
        declared = _ENTITY.findall(doctype[0])
        plain = {name: value[1:-1] for name, value in declared if _PLAIN.fullmatch(value[1:-1])}
        entities.update((name, unescape(value)) for name, value in plain.items())
        if len(plain) < len(re.findall("<!ENTITY", doctype[0])):
            defect = "its document type declares entities that nest or lie outside; they are not expanded"
        text = text[:position] + text[doctype.end() :]
        rest = _MISC.match(text, position)
        position = rest.end() if rest else position
    root = _ROOT.match(text, position)
    return Prologue(text, root[1] if root else None, entities, defect)


# A CDATA section or a comment that never ends takes the rest, so that each character is visited once.
_REFERENCE = re.compile(
    r"<!\[CDATA\[(?:.*?\]\]>|.*)|<!--(?:.*?-->|.*)|&(#[0-9]+;|#[xX][0-9A-Fa-f]+;|[A-Za-z_:][\w.:-]*;)?", re.DOTALL
)
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


class Expansion(ValueError):
    """The entities that a document declares expand beyond all measure."""


def repaired(text: str, entities: dict[str, str] | None = None) -> str:
    """Return text in which every reference is one that XML knows, without the characters that XML forbids.

    Raises:
        Expansion: `entities` would add more than `EXPANSION_LIMIT` characters.
    """
    declared = entities or {}
    budget = EXPANSION_LIMIT

    def reference(match: re.Match[str]) -> str:
        nonlocal budget
        if match[0][0] == "<":
            return match[0]
        name = (match[1] or "")[:-1]
        if not name:
            return "&amp;"
        if name[0] == "#":
            return f"&{name.lower()};" if _permitted(name) else ""
        if name in ("lt", "gt", "amp", "quot", "apos"):
            return match[0]
        if name in declared:
            budget -= len(declared[name])
            if budget < 0:
                raise Expansion("its entities expand beyond all measure")
            return escape(declared[name])
        return escape(html5[name + ";"]) if name + ";" in html5 else f"&amp;{name};"

    return _FORBIDDEN.sub("", _REFERENCE.sub(reference, text))


def _permitted(reference: str) -> bool:
    if len(reference) > 9:
        return False
    code = int(reference[2:], 16) if reference[1] in "xX" else int(reference[1:])
    return code <= 0x10FFFF and (code >= 0x20 or code in (9, 10, 13)) and not _FORBIDDEN.match(chr(code))


_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")
#: Tags that do not part words.
_INLINE_TAG = re.compile(
    r"</?(?:abbr|a|bdi|bdo|big|b|cite|code|del|dfn|em|font|ins|i|kbd|mark|q|samp|small|span|strike|strong|sub|sup|s|tt"
    r"|u|var|wbr)(?=[\s/>])[^<>]*>",
    re.IGNORECASE,
)
#: Elements whose content no reader sees: their end tag, up to whose last occurrence texts are searched, and the whole.
_PROGRAMS = [
    (
        re.compile(rf"</{name}\s*>", re.IGNORECASE),
        re.compile(rf"<{name}(?=[\s/>])[^<>]*>.*?</{name}\s*>", re.IGNORECASE | re.DOTALL),
    )
    for name in ("script", "style")
]
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]+")


def visible(text: str) -> str:
    """Return what a reader sees of a text that may hold HTML: no tags, entities as characters, white space folded.

    >>> visible("<p>H<sub>2</sub>O<br>&amp; salt</p><script>track()</script>")
    'H2O & salt'
    """
    return folded(_INLINE_TAG.sub("", without_programs(text)))


def folded(text: str) -> str:
    """Return the words of a text that may hold HTML, for comparison: every tag parts words.

    >>> folded("H<sub>2</sub>O")
    'H 2 O'
    """
    return clean(unescape(_TAG.sub(" ", without_programs(text))))


def without_programs(text: str) -> str:
    """Return a text that may hold HTML without scripts and style sheets, which often hold a nonce."""
    if "<s" not in text and "<S" not in text:
        return text
    for end_tag, program in _PROGRAMS:
        end = 0
        for match in end_tag.finditer(text):
            end = match.end()
        if end:
            text = program.sub(" ", text[:end]) + text[end:]
    return text


#: Characters of an entry's text that a report may show instead of the whole, and those that are read for them: at first
#: so many as suffice for most texts.
SUMMARY, _FEW, _READ = 500, 1_000, 4_000
_UNFINISHED = re.compile(r"&[^;&\s]{0,30}\Z")


def beginning(text: str) -> str:
    """Return the first words that a reader sees of a text that may hold HTML, at most `SUMMARY` characters.

    >>> beginning("<p>Tea &amp; <b>cake</b></p>")
    'Tea & cake'
    """
    few = text[:_FEW].lower()
    # The end of a program may lie further behind.
    is_enough = len(text) > _FEW and "<script" not in few and "<style" not in few
    words = visible(_first(text, _FEW)) if is_enough else ""
    if len(words) <= SUMMARY:
        words = visible(text if len(text) <= _READ else _first(text, _READ))
    return words if len(words) <= SUMMARY else words[: SUMMARY - 1].rstrip() + "…"


def _first(text: str, length: int) -> str:
    """Return the first characters of a text, less a tag or a reference that they would break off in."""
    text = text[:length]
    start = text.rfind("<")
    return _UNFINISHED.sub("", text if start < 0 or ">" in text[start:] else text[:start])


def clean(text: str) -> str:
    """Return a text on one line, without control characters (a terminal obeys them) and unpaired surrogates."""
    words = " ".join(text.split())
    if words.isprintable():  # as nearly all texts are: this spares them most of the time
        return words
    return " ".join(_CONTROL.sub(" ", words).encode("utf-8", "replace").decode().split())
