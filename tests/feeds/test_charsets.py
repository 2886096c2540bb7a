"""Charsets: what a document says, and what its bytes say."""

from __future__ import annotations

import pytest

from condget.feeds.charsets import decode, decoded


@pytest.mark.parametrize(
    ("content", "charset", "text"),
    [
        ("<a>é".encode(), None, "<a>é"),
        ("<a>é".encode("utf-16"), "utf-8", "<a>é"),
        ("<?a>é".encode("utf-16-le"), None, "<?a>é"),
        ("<?a>é".encode("utf-16-be"), None, "<?a>é"),
        ("<a>é".encode("utf-8-sig"), "iso-8859-1", "<a>é"),
        ("<a>é".encode("utf-32"), None, "<a>é"),
        ("<a>é".encode("latin-1"), "iso-8859-1", "<a>é"),
        ("<a>é".encode("latin-1"), None, "<a>é"),
        ("<a>é".encode("latin-1"), "utf-8", "<a>é"),
        ("<a>“".encode("cp1252"), None, "<a>“"),
        (b'<?xml version="1.0" encoding="koi8-r"?>\xc1', None, '<?xml version="1.0" encoding="koi8-r"?>а'),
        ('<?xml version="1.0" encoding="utf-16"?>é'.encode(), None, '<?xml version="1.0" encoding="utf-16"?>é'),
        ("<a>é".encode(), "no-such-charset", "<a>é"),
        ("<a>é".encode(), "us-ascii", "<a>é"),
        ("<a>é".encode(), "base64", "<a>é"),
        ("<a>é".encode(), "punycode", "<a>é"),
        ("<a>镕".encode("gb18030"), "gb2312", "<a>镕"),
    ],
)
def test_the_charset_is_found(content: bytes, charset: str | None, text: str) -> None:
    assert decode(content, charset).removeprefix("\ufeff") == text


WORDS = "<?xml version='1.0'?><a>Zoë’s “café” naïve – Łódź</a>"


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1252", "koi8-r", "us-ascii", "gb2312", "shift_jis", None])
def test_text_that_is_utf_8_throughout_is_utf_8_whatever_is_claimed(charset: str | None) -> None:
    declared = WORDS.replace("'1.0'", f"'1.0' encoding='{charset}'")
    assert decoded(WORDS.encode(), charset) == (WORDS, None)
    assert decoded(declared.encode(), None) == (declared, None)


@pytest.mark.parametrize("charset", [None, "utf-8", "iso-8859-1", "us-ascii", "no-such"])
@pytest.mark.parametrize("bad", [b"\xff", b"\xe2\x80", b"\xc3", b"\x93"])
def test_a_bad_byte_spoils_its_character_alone(bad: bytes, charset: str | None) -> None:
    content = WORDS.encode().replace(b"</a>", bad + b"</a>")
    text, defect = decoded(content, charset)
    assert text.replace("\ufffd", "") == WORDS
    assert defect == "1 byte is not UTF-8, in which the rest is written"


def test_bytes_that_are_mostly_another_charset_are_that_charset() -> None:
    latin = "Zoë, café, naïve and one Ã© by chance".encode("latin-1")
    assert decoded(latin) == (latin.decode("windows-1252"), None)
    assert decoded(latin, "iso-8859-1") == (latin.decode("latin-1"), None)


@pytest.mark.parametrize("charset", ["shift_jis", "euc-jp", "gb18030", "big5", "euc-kr"])
def test_a_charset_of_several_bytes_is_believed_and_its_bad_bytes_are_few(charset: str) -> None:
    text = "<a>水水水水 水水水水</a>"
    content = text.encode(charset)
    assert decoded(content, charset) == (text, None)
    spoiled, defect = decoded(content.replace(b" ", b"\xff "), charset)
    assert spoiled.replace("\ufffd", "").replace("  ", " ") == text
    assert defect is not None


@pytest.mark.parametrize("front", [b"", b"\n ", b"<br />\n<b>Warning</b>: in x.php\n", b"<!-- cached -->"])
def test_text_in_front_of_the_declaration_does_not_hide_it(front: bytes) -> None:
    content = front + "<?xml version='1.0' encoding='iso-8859-2'?><a>Łódź</a>".encode("iso-8859-2")
    assert decode(content).endswith("<a>Łódź</a>")
