"""Validators and the preconditions made of them (RFC 9110 §8.8, RFC 9111 §4.3.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condget.cache.fields import Fields
from condget.cache.messages import StoredResponse
from condget.cache.validators import (
    etag_of,
    has_validator,
    is_strong_last_modified,
    last_modified_of,
    parse_etag_list,
    preconditions,
    same_tag,
    strong_match,
    weak_match,
)

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
LATER = "Sun, 06 Nov 1994 08:50:37 GMT"


def stored(*fields: tuple[str, str]) -> StoredResponse:
    return StoredResponse("http://a/", 200, Fields(fields), 0, 0)


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("", []),
        ('"a"', ['"a"']),
        ('W/"a", "b"', ['W/"a"', '"b"']),
        ('"a,b","c"', ['"a,b"', '"c"']),
        ("abc", ["abc"]),
        ("abc, def", ["abc", "def"]),
        ('""947e30c936""', ['""947e30c936""']),
        ("*", ["*"]),
        ('"a" , , "b"', ['"a"', '"b"']),
        ('w/"a"', ['w/"a"']),
    ],
)
def test_lists_of_entity_tags(text: str, members: list[str]) -> None:
    assert parse_etag_list(text) == members


@pytest.mark.parametrize(
    ("a", "b", "strong", "weak"),
    [
        ('W/"1"', 'W/"1"', False, True),
        ('W/"1"', 'W/"2"', False, False),
        ('W/"1"', '"1"', False, True),
        ('"1"', '"1"', True, True),
    ],
)
def test_the_table_of_comparisons(a: str, b: str, strong: bool, weak: bool) -> None:
    """RFC 9110 §8.8.3.2"""
    assert (strong_match(a, b), weak_match(a, b)) == (strong, weak)


@pytest.mark.parametrize(
    ("fields", "etag", "modified"),
    [
        ([], None, None),
        ([("ETag", "")], None, None),
        ([("Last-Modified", "")], None, None),
        ([("etag", '"a"')], '"a"', None),
        ([("ETag", '"a"'), ("ETag", '"b"')], '"a", "b"', None),
        ([("ETag", ""), ("ETag", '"b"')], '"b"', None),
        ([("Last-Modified", "yesterday")], None, "yesterday"),
        ([("ETag", 'W/"a,  b-gzip"')], 'W/"a,  b-gzip"', None),
        ([("ETag", "\xe9")], "\xe9", None),
    ],
)
def test_validators_are_opaque(fields: list[tuple[str, str]], etag: str | None, modified: str | None) -> None:
    """A3, A4, A6"""
    assert (etag_of(Fields(fields)), last_modified_of(Fields(fields))) == (etag, modified)
    assert has_validator(Fields(fields)) == (etag is not None or modified is not None)


@pytest.mark.parametrize(
    ("responses", "pairs"),
    [
        ([], ()),
        ([stored()], ()),
        ([stored(("ETag", '"a"'))], (("If-None-Match", '"a"'),)),
        ([stored(("Last-Modified", DATE))], (("If-Modified-Since", DATE),)),
        ([stored(("Date", DATE))], ()),
        (
            [stored(("ETag", '"a"'), ("Last-Modified", DATE))],
            (("If-None-Match", '"a"'), ("If-Modified-Since", DATE)),
        ),
        ([stored(("ETag", '"a"')), stored(("ETag", 'W/"b"'))], (("If-None-Match", '"a", W/"b"'),)),
        ([stored(("ETag", '"a"')), stored(("ETag", '"a"'))], (("If-None-Match", '"a"'),)),
        ([stored(("ETag", '"a"'), ("Last-Modified", DATE)), stored(("ETag", '"b"'))], (("If-None-Match", '"a", "b"'),)),
    ],
)
def test_preconditions(responses: list[StoredResponse], pairs: tuple[tuple[str, str], ...]) -> None:
    """G2: all ETags offered; ETag-only and Last-Modified-only responses validated; no date invented."""
    assert preconditions(responses) == pairs


@pytest.mark.parametrize(
    ("fields", "strong"),
    [
        ([], False),
        ([("Last-Modified", DATE)], False),
        ([("Last-Modified", DATE), ("Date", LATER)], True),
        ([("Last-Modified", DATE), ("Date", DATE)], False),
        ([("Last-Modified", "x"), ("Date", LATER)], False),
    ],
)
def test_a_last_modified_is_strong_a_minute_before_date(fields: list[tuple[str, str]], strong: bool) -> None:
    """RFC 9110 §8.8.2.2"""
    assert is_strong_last_modified(Fields(fields)) is strong


TAGS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters='"\x7f'), max_size=8)


@given(st.lists(st.builds(lambda weak, text: f'{weak}"{text}"', st.sampled_from(["", "W/"]), TAGS), max_size=5))
def test_tags_that_were_joined_come_apart_again(tags: list[str]) -> None:
    assert parse_etag_list(", ".join(tags)) == tags


@given(st.text(max_size=40))
def test_no_list_of_tags_raises(text: str) -> None:
    assert all(parse_etag_list(text))


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ('"a"', '"a"', True),
        ('"a"', 'W/"a"', True),
        ('"a"', "a", True),
        ('"a"', '"b"', False),
        ('"a-gzip"', '"a"', True),
        ('"a--gzip"', '"a"', True),
        ('"a;gzip"', '"a"', True),
        ('"a-br"', '"a-gzip"', True),
        ('"agzip"', '"a"', False),
        ('"a-gzipped"', '"a"', False),
        ('"a-1"', '"a"', False),
    ],
)
def test_a_tag_with_the_suffix_of_a_coding_is_the_same(a: str, b: str, same: bool) -> None:
    """A3, G1"""
    assert same_tag(a, b) is same
    assert same_tag(b, a) is same
