"""From bytes to text, by what a document says of its charset and by what its bytes say (RFC 7303 §3).

1. A byte order mark decides.
2. Text that is UTF-8 throughout and not ASCII is UTF-8, whatever is claimed: texts in other charsets do not look like
   that by chance. Only a claimed charset of several bytes a character is believed, if the text is valid in it.
3. Where valid sequences outnumber bad bytes, the text is UTF-8 or the claimed charset of several bytes. Each bad byte
   becomes U+FFFD: a summary that was cut in the middle of a character spoils that character, not the document.
4. Otherwise the charset parameter of the Content-Type, then the XML declaration, if the text is valid in that charset;
   else windows-1252.
"""

from __future__ import annotations

import codecs
import re
from operator import itemgetter

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0?\0", "utf-16-le"),
    (b"\0<\0?", "utf-16-be"),
)
#: The declaration, also behind other text, within so many bytes.
_DECLARED = re.compile(rb"""<\?xml\s[^<>]*?\bencoding\s*=\s*["']([\w.:-]+)""")
_HEAD = 2_048
#: Codecs that are not charsets of documents: punycode and idna need quadratic time.
_REFUSED = frozenset({"punycode", "idna", "undefined", "unicode_escape", "raw_unicode_escape"})
#: Charsets in which few texts are valid by chance.
_MULTIBYTE = ("gb", "hz", "big5", "cp932", "cp949", "cp950", "shift_jis", "euc_", "iso2022", "johab")


def decode(content: bytes, charset: str | None = None) -> str:
    """Return the text of a document; `charset` is the parameter of its Content-Type, if it had one."""
    return decoded(content, charset)[0]


def decoded(content: bytes, charset: str | None = None) -> tuple[str, str | None]:
    """Return the text of a document, and in words which of its bytes could not be read, if there were any."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace"), None
    declared = _DECLARED.search(content, 0, _HEAD)
    claims = [name for name in map(_codec, (charset, declared and declared[1].decode("ascii"))) if name]
    if content.isascii():
        text = next((text for name in claims if (text := _valid(content, name)) is not None), None)
        return content.decode("ascii") if text is None else text, None
    for name in claims:
        if _is_multibyte(name) and (text := _valid(content, name)) is not None:
            return text, None
    if (text := _valid(content, "utf-8")) is not None:
        return text, None
    spoiled = [_spoiled(content, name) for name in (*filter(_is_multibyte, claims), "utf-8")]
    if nearly := [reading for reading in spoiled if reading is not None]:
        bad, text, name = min(nearly, key=itemgetter(0))
        return text, f"{bad:,} {'byte is' if bad == 1 else 'bytes are'} not {name}, in which the rest is written"
    for name in claims:
        if (text := _valid(content, name)) is not None:
            return text, None
    return content.decode("windows-1252", "replace"), None


def _spoiled(content: bytes, codec: str) -> tuple[int, str, str] | None:
    """Return the bad bytes, the text and the charset of a text in which valid sequences outnumber bad bytes."""
    try:
        text = content.decode(codec, "replace")
    except (LookupError, ValueError):
        return None
    bad = text.count("\ufffd")
    return (bad, text, codec.upper()) if len(text) - len(text.encode("ascii", "ignore")) > 2 * bad else None


def _is_multibyte(codec: str) -> bool:
    return codec.startswith(_MULTIBYTE)


def _codec(name: str | None) -> str | None:
    """Return Python's name of a charset that a document may have."""
    try:
        codec = codecs.lookup(name or "").name
    except (LookupError, ValueError):
        return None
    # Without a mark and with an ASCII "<" in front, a claim of UTF-16 is a serializer's mistake that is common.
    if codec in _REFUSED or codec.startswith(("utf-16", "utf-32")):
        return None
    return "gb18030" if codec == "gb2312" else codec


def _valid(content: bytes, codec: str) -> str | None:
    try:
        return content.decode(codec)
    except (LookupError, ValueError):
        return None
