"""Edits of lists: what moves, what is added, and that every other byte stays."""

from __future__ import annotations

import pytest

from condget.errors import SubscriptionError
from condget.feeds.list_editing import follow_moves, with_feed, without_secrets
from condget.feeds.subscriptions import parse_list

OLD, NEW = "https://old.example/feed?a=1&b=2", "https://new.example/feed?a=1&b=2"
MOVES = {OLD: NEW}


def _opml(url: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="ISO-8859-1"?>\r\n<!-- <outline xmlUrl="{url}"/> caf\xe9 -->\r\n'
        f'<opml><body>\r\n\t<outline text=\'Th\xe9 > 1\' type="rss"\r\n\t xmlUrl="{url}" />\r\n</body></opml>'
    ).encode("latin-1")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            f"# {OLD}\n\n  {OLD}\t every=6h # mine\nhttps://other.example/\n".encode(),
            f"# {OLD}\n\n  {NEW}\t every=6h # mine\nhttps://other.example/\n".encode(),
            id="comments, blanks and options stay",
        ),
        pytest.param(
            f"\ufeff{OLD}\r\n# caf\u00e9".encode(), f"\ufeff{NEW}\r\n# caf\u00e9".encode(), id="byte order mark"
        ),
        pytest.param(b"# caf\xe9\r" + OLD.encode(), b"# caf\xe9\r" + NEW.encode(), id="a comment in latin-1"),
        pytest.param(
            b"\xff\xfe" + f"{OLD}\n".encode("utf-16-le"), b"\xff\xfe" + f"{NEW}\n".encode("utf-16-le"), id="UTF-16"
        ),
        pytest.param(f"feed:{OLD}\n".encode(), f"{NEW}\n".encode(), id="a feed: URL"),
        pytest.param(f"{OLD}\n{OLD}\n".encode(), f"{NEW}\n{NEW}\n".encode(), id="listed twice"),
        pytest.param(b"not a url\n", b"not a url\n", id="a bad line stays"),
    ],
)
def test_e1_a_moved_feed_gets_its_new_url_and_all_else_stays(before: bytes, after: bytes) -> None:
    """E1."""
    moves = follow_moves(before, "feeds.txt", MOVES)
    assert moves.data == after
    assert moves.kept == ()


def test_e1_a_moved_outline_gets_its_new_url_and_all_else_stays() -> None:
    """E1: OPML, escaped, in its own encoding; an outline in a comment is not a feed."""
    comment = f'<outline xmlUrl="{OLD.replace("&", "&amp;")}"/>'.encode()
    before = _opml(OLD.replace("&", "&amp;"))
    after = follow_moves(before, "feeds.opml", MOVES).data
    expected = before.replace(comment, b"X").replace(b"//old.", b"//new.").replace(b"X", comment)
    assert after == expected


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        pytest.param(
            "http://a/\nhttp://b/\n",
            "http://a/\nhttp://b/\n",
            "l:1: the feed moved to http://b/, which l:2 has, too: remove one",
            id="to a feed of the list",
        ),
        pytest.param(
            "http://a/\nhttp://c/\nhttp://a/ every=6h\n",
            "http://b/\nhttp://c/\nhttp://b/ every=6h\n",
            "l:2: the feed moved to http://b/, which l:3 has, too: remove one",
            id="two feeds to one",
        ),
    ],
)
def test_e1_b9_no_two_lines_become_one_feed(before: str, after: str, sentence: str) -> None:
    """E1, B9"""
    moves = follow_moves(before.encode(), "l", {"http://a/": "http://b/", "http://c/": "http://b/"})
    assert (moves.data.decode(), moves.kept) == (after, (sentence,))


@pytest.mark.parametrize(
    ("line", "old", "new", "expected"),
    [
        ("http://ann:pw@e.example/f", "http://e.example/f", "https://e.example/f", "https://ann:pw@e.example/f"),
        ("https://ann:pw@e.example/f", "https://e.example/f", "https://evil.example/f", None),
        ("https://ann:pw@e.example/f", "https://e.example/f", "http://e.example/f", None),
        ("https://e.example/f header=X-Key:1", "https://e.example/f", "https://evil.example/f", None),
        ("https://e.example/f header=X-Key:1", "https://e.example/f", "https://e.example/g", "https://e.example/g"),
    ],
)
def test_e5_secrets_do_not_follow_a_feed_to_another_origin(line: str, old: str, new: str, expected: str | None) -> None:
    """E5: the line stays as it is, and a sentence says why, without the secret."""
    (subscription,) = parse_list(line, "l")
    moves = follow_moves(line.encode(), "l", {subscription.key: new})
    if expected is None:
        assert moves.data == line.encode()
        (sentence,) = moves.kept
        assert sentence.startswith("l:1: ")
        assert "pw" not in sentence
    else:
        assert moves.data.decode().startswith(expected)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"https://a.example/?x=1&y=2\n"),
        (b"https://b.example/", b"https://b.example/\nhttps://a.example/?x=1&y=2\n"),
        (b"https://b.example/\r\n", b"https://b.example/\r\nhttps://a.example/?x=1&y=2\r\n"),
        (
            b"<opml><body>\n  <outline/>\n</body></opml>",
            b'<opml><body>\n  <outline/>\n  <outline type="rss" text="Th&#233; &quot;1&quot;" '
            b'xmlUrl="https://a.example/?x=1&amp;y=2"/>\n</body></opml>',
        ),
    ],
)
def test_a_feed_is_added_at_the_end(before: bytes, after: bytes) -> None:
    assert with_feed(before, "l", "https://a.example/?x=1&y=2", 'Th\u00e9 "1"') == after
    assert parse_list(after, "l")[-1].url == "https://a.example/?x=1&y=2"


def test_opml_without_an_end_is_left_alone() -> None:
    with pytest.raises(SubscriptionError, match="no </body>"):
        with_feed(b"<opml>", "l.opml", "https://a.example/", None)


@pytest.mark.parametrize(
    "text",
    [
        "https://e.example/ header=X-Key:secret name=A",
        'https://e.example/ header="Authorization: Bearer secret" name=A',
        "https://e.example/ header='X: secret' name=A",
        'https://e.example/ header="X: secret and more',
        "https://ann:secret@e.example/",
        '<outline xmlUrl="https://e.example/" header="X: secret" text="A"/>',
    ],
)
def test_f12_a_list_is_shown_without_its_secrets(text: str) -> None:
    """F12."""
    assert "secret" not in without_secrets(text)
